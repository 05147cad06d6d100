"""Migrate the database that all benchmarks are copied from, build its walls, and make the keys."""

from __future__ import annotations

from io import StringIO

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("init_keyring", stdout=StringIO())
    # The baselines have no migrations: their tables follow the models.
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    call_command("database_walls", verbosity=0)


if __name__ == "__main__":
    main()
