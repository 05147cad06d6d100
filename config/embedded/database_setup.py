"""Migrates, provisions and seeds the database in one process, instead of one per command."""

from __future__ import annotations

import gc
import io
import os
import sys

import django
from django.core.management import CommandError, call_command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Most imported objects stay, and the process is short: skip garbage collection.
    gc.disable()
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    # If roles cannot be created, nothing starts: a service that logs in as the owner has no
    # protection.
    call_command("database_walls", verbosity=0)
    # Its report is for a person who runs it alone: the demo has a page with the people.
    call_command(
        "seed_demo",
        calendars="--calendars" in sys.argv,
        stdout=io.StringIO(),
        stderr=io.StringIO(),
    )


if __name__ == "__main__":
    try:
        main()
    except CommandError as problem:
        sys.exit(f"{problem}")
