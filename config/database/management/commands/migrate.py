"""Django's `migrate`, which refuses a database of an earlier version."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from config.database.schema_guard import check_before_migrating


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # These two options change nothing.
        if not (options["plan"] or options["check_unapplied"]):
            check_before_migrating(options["database"])
        super().handle(*args, **options)
