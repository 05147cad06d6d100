"""Write the register of clear columns. It reads the models, no rows."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from integrations.review.registers import clear_columns


class Command(BaseCommand):
    help = "Write the register of unencrypted columns of the current models."

    def handle(self, **_: object) -> None:
        clear_columns.FILE.write_text(clear_columns.render_register(), encoding="utf-8")
        self.stdout.write(str(clear_columns.FILE.name))
