"""Seed the demo: `manage.py seed_demo`. Refuses in production."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from accounts.organisations import OrganisationExists
from accounts.user_provisioning import UserExists
from integrations.operations import demo_calendars, demo_data


class Command(BaseCommand):
    help = "Create the demo's people and clients once, and print how to sign in as them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--calendars", action="store_true", help="with Antares calendars and shares"
        )

    def handle(self, *, calendars: bool = False, **_: Any) -> None:
        if settings.PRODUCTION or not settings.KEYRING.folder:
            raise CommandError("the demo's accounts must not exist in production")
        call_command("init_keyring", verbosity=0, stdout=self.stderr)
        people_file = Path(settings.KEYRING.folder).parent / "people.json"
        if people_file.exists() and not _are_in_database(
            json.loads(people_file.read_text(encoding="utf-8"))
        ):
            raise CommandError(
                f"{people_file} belongs to another database: remove it, or name another folder"
                f" (.venv/bin/python -m config.embedded --data FOLDER demo)"
            )
        at = timezone.now()
        try:
            people, clients = demo_data.seed_people_and_clients(at=at)
        except (OrganisationExists, UserExists):
            if not people_file.exists():
                raise CommandError(
                    f"the database has demo data, but {people_file} is missing: name the folder"
                    f" of the demo (.venv/bin/python -m config.embedded --data FOLDER demo), or"
                    f" another database"
                ) from None
        else:
            _write_private_file(
                people_file,
                {
                    "people": [
                        {
                            "id": str(person.user.id),
                            "email": person.user.email,
                            "name": person.user.name,
                            "role": person.user.role,
                            "organisation_id": str(person.organisation.id),
                            "password": person.password,
                            "totp_secret": person.totp_secret,
                        }
                        for person in people
                    ],
                    "clients": [asdict(client) for client in clients],
                },
            )
            if calendars:
                demo_calendars.seed_calendars(people, at=at)
        self._print_people(json.loads(people_file.read_text(encoding="utf-8")), people_file)

    def _print_people(self, seeded: dict[str, Any], people_file: Path) -> None:
        self.stdout.write(f"Sign in as (also in {people_file.name}, next to the demo's data):")
        for person in seeded["people"]:
            line = f"  {person['role']:<9} {person['email']:<26} {person['password']}"
            if person["totp_secret"]:
                line += f"  authenticator secret {person['totp_secret']}"
            self.stdout.write(line)


def _are_in_database(seeded: dict[str, Any]) -> bool:
    ids = [person["id"] for person in seeded["people"]]
    return User.objects.filter(id__in=ids).count() == len(ids)


def _write_private_file(path: Path, content: dict[str, Any]) -> None:
    # Demo passwords and private keys: readable by the file's owner only.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
