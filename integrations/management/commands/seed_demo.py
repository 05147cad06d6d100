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
from accounts.organisations import AlreadyFounded
from accounts.user_provisioning import AlreadyRegistered
from integrations.operations import demo_calendars, demo_data


class Command(BaseCommand):
    help = "Create the demo's people and clients once, and print how to sign in as them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--calendars", action="store_true", help="with calendars that live here, and shares"
        )

    def handle(self, *, calendars: bool = False, **_: Any) -> None:
        if settings.PRODUCTION or not settings.KEYRING.folder:
            raise CommandError("the demo's accounts have no place in production")
        call_command("init_keyring", verbosity=0, stdout=self.stderr)
        kept = Path(settings.KEYRING.folder).parent / "people.json"
        if kept.exists() and not _are_here(json.loads(kept.read_text(encoding="utf-8"))):
            raise CommandError(
                f"{kept} tells of people of another database: remove it, or name another folder"
                " (.venv/bin/python -m config.embedded --data FOLDER demo)"
            )
        at = timezone.now()
        try:
            people, clients = demo_data.seed(at=at)
        except (AlreadyFounded, AlreadyRegistered):
            if not kept.exists():
                raise CommandError(
                    f"seeded before, but {kept} is missing: name the folder it was seeded from"
                    " (.venv/bin/python -m config.embedded --data FOLDER demo), or another database"
                ) from None
        else:
            _write(
                kept,
                {
                    "people": [
                        {
                            "id": str(one.user.id),
                            "email": one.user.email,
                            "name": one.user.name,
                            "role": one.user.role,
                            "organisation_id": str(one.organisation.id),
                            "password": one.password,
                            "totp_secret": one.totp_secret,
                        }
                        for one in people
                    ],
                    "clients": [asdict(client) for client in clients],
                },
            )
            if calendars:
                demo_calendars.seed(people, at=at)
        self._show(json.loads(kept.read_text(encoding="utf-8")), kept)

    def _show(self, seeded: dict[str, Any], kept: Path) -> None:
        self.stdout.write(f"Sign in as (also in {kept.name}, next to the demo's data):")
        for one in seeded["people"]:
            line = f"  {one['role']:<9} {one['email']:<26} {one['password']}"
            if one["totp_secret"]:
                line += f"  authenticator secret {one['totp_secret']}"
            self.stdout.write(line)


def _are_here(seeded: dict[str, Any]) -> bool:
    ids = [one["id"] for one in seeded["people"]]
    return User.objects.filter(id__in=ids).count() == len(ids)


def _write(path: Path, content: dict[str, Any]) -> None:
    # Passwords and private keys of the demo: for its owner's eyes.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
