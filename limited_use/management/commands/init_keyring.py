"""
Create the keyring of the settings: `manage.py init_keyring`. Never replaces a key.

For a transit engine it also prints the access policies; only this command needs a token that may
create keys. If the database has keys of another keyring, it creates none without `--anew`: the
lost keyring may be stored in another place.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from limited_use.vault import keyring_fit
from limited_use.vault.keyring import transit_policies
from limited_use.vault.keyring.keyring_factory import parse_keyring_config
from limited_use.vault.keyring.keyring_file import FileKeyring
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from limited_use.vault.keyring.keyring_transit import TransitKeyring


class Command(BaseCommand):
    help = "Create missing keys of the keyring. Existing keys stay as they are."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anew", action="store_true", help="give up the data that a lost keyring sealed"
        )

    def handle(self, *, anew: bool, **_: Any) -> None:
        try:
            if not anew and (count := _count_orphans()):
                raise CommandError(
                    f"{count} keys in the database belong to another keyring: restore that"
                    f" keyring, or give up the data that they seal with init_keyring --anew"
                )
            if settings.KEYRING.url:
                self._create_transit()
            elif settings.KEYRING.folder:
                FileKeyring.create(settings.KEYRING.folder)
                self.stdout.write(f"keyring ready in {settings.KEYRING.folder}")
            else:
                raise CommandError("neither KEYRING_URL nor KEYRING_DIR is set")
        except (KeyStoreUnavailable, OSError) as problem:
            raise CommandError(str(problem) or "the key store does not answer") from None

    def _create_transit(self) -> None:
        config = parse_keyring_config()
        TransitKeyring.create(config)
        self.stdout.write(f"keyring ready at {config.url}, {config.mount}/keys/{config.prefix}-…")
        for name, text in transit_policies.build_transit_policies(
            config.mount, config.prefix
        ).items():
            self.stdout.write(f"\n# bao policy write {name} -\n{text}")


def _count_orphans() -> int:
    if not (settings.KEYRING.url or settings.KEYRING.folder):
        return 0
    try:
        return keyring_fit.count_orphaned_keys()
    except DatabaseError:
        # No database, or one without tables: nothing to lose.
        return 0
