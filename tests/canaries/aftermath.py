"""What is left once an integration was removed: no row with its key's header, and ciphertext."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from limited_use.vault.keyring.keyring_factory import get_keyring
from tests.canaries import cluster, stores
from tests.canaries.world import CanaryWorld

_BYTES: Final = """
SELECT n.nspname, c.relname, a.attname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname NOT LIKE 'pg_toast%' AND a.atttypid = 'bytea'::regtype
 ORDER BY 1, 2, 3
"""
# `LU1` and one byte of flags stand before the key's id.
_FORMAT: Final = b"LU1"


@dataclass
class Aftermath:
    """
    What was kept of one integration before its end, as a copy of the database would.

    :param with_connection: whether the connection ends with it, and so the keys of the grant
    :param rows: ciphertext with its binding
    """

    world: CanaryWorld
    integration_id: UUID
    with_connection: bool = True
    keys: dict[str, bytes] = field(default_factory=dict)
    rows: list[tuple[bytes, Any]] = field(default_factory=list)
    wrapped: list[Any] = field(default_factory=list)

    def keep(self) -> str:
        """Copy everything sealed of the integration, and its wrapped keys."""
        from integrations.models import (
            Calendar,
            DriveFile,
            DriveFolder,
            Event,
            Integration,
            Message,
            MessageBody,
            StandingConsent,
        )
        from limited_use.models import DataKey

        connection = Integration.objects.get(id=self.integration_id).connection
        calendars = list(Calendar.objects.filter(integration_id=self.integration_id))
        holders = [self.integration_id, *(one.cache_id for one in calendars)]
        if self.with_connection:
            holders += [connection.id, connection.grant_id]
        for row in DataKey.objects.filter(holder__in=[one for one in holders if one]):
            self.keys[f"{row.line} key of {row.holder}"] = bytes(row.key_id)
            self.wrapped.append(row)
        mine = {"integration_id": self.integration_id}
        for message in Message.objects.filter(**mine):
            self.rows.append((message.summary.ciphertext, message.summary.binding))
        for body in MessageBody.objects.filter(**mine):
            sealed = (body.content, body.shown)
            self.rows += [(one.ciphertext, one.binding) for one in sealed if one is not None]
        for event in Event.objects.filter(**mine):
            sealed = (event.timing, event.content, event.remote)
            self.rows += [(one.ciphertext, one.binding) for one in sealed if one is not None]
        for file in DriveFile.objects.filter(**mine):
            sealed = (file.descriptor, file.transfer)
            self.rows += [(one.ciphertext, one.binding) for one in sealed if one is not None]
        for model in (DriveFolder, StandingConsent):
            places = [row.place for row in model.objects.filter(**mine)]
            self.rows += [(one.ciphertext, one.binding) for one in places]
        named = [one.about for one in calendars if one.about is not None]
        self.rows += [(one.ciphertext, one.binding) for one in named]
        opened = self.opening()
        if opened != len(self.rows):
            raise AssertionError(f"{opened} of {len(self.rows)} kept rows open before the end")
        found = self.in_rows()
        if not found:
            raise AssertionError("no row has the key's header, though something is sealed")
        return f"{len(self.rows)} rows kept, all of which open; header in {len(found)} columns"

    def opening(self) -> int:
        """Return how many of the kept rows open, as a sink would open them."""
        from django.utils import timezone

        from limited_use.vault import opening
        from limited_use.vault.envelope import Unopenable
        from limited_use.vault.sealed import SealedValue

        at, count = timezone.now(), 0
        for ciphertext, binding in self.rows:
            try:
                opening.open_sealed_values(
                    [SealedValue(ciphertext, binding)], self._permit(binding, at), at=at
                )
            except Unopenable:
                continue
            count += 1
        return count

    def _permit(self, binding: Any, at: datetime) -> Any:
        """Return what the guard would give, were it asked in time: the key is what counts here."""
        from datetime import timedelta

        from accounts.actors import SYSTEM
        from accounts.ids import uuid7
        from limited_use.access_request import Permit
        from limited_use.policy.policy_vocabulary import Purpose, Recipient, Use

        use = Use(binding.data_class, Purpose.INBOX_DISPLAY, Recipient.OWNER)
        epoch = next(row.epoch for row in self.wrapped if row.holder == binding.holder)
        later = at + timedelta(seconds=30)
        return Permit(use, binding.holder, epoch, SYSTEM, (), uuid7(), later)

    def in_rows(self) -> list[str]:
        """Return each column of bytes in which a header with one of the keys still stands."""
        found = []
        with psycopg.connect(self.world.urls.database, autocommit=True) as connection:
            for schema, table, column in connection.execute(_BYTES).fetchall():
                for name, key_id in self.keys.items():
                    query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
                        sql.Identifier(schema, table),
                        sql.SQL(" OR ").join(
                            sql.SQL("position(%s::bytea in {}) > 0").format(sql.Identifier(column))
                            for _ in range(2)
                        ),
                    )
                    headers = [_FORMAT + bytes([flags]) + key_id for flags in (0, 1)]
                    (count,) = connection.execute(query, headers).fetchone() or (0,)
                    if count:
                        found.append(
                            f"{table}.{column}: {count} under the {name.partition(' of ')[0]}"
                        )
        return found

    def in_files(self) -> dict[str, int]:
        """Return how often the headers stand in files of the cluster: ciphertext without a key."""
        with psycopg.connect(self.world.urls.database, autocommit=True) as connection:
            folder = cluster.files_of(connection)
        counts = {"database files": 0, "WAL": 0}
        for place, data in stores.files([folder]):
            store = "WAL" if "/pg_wal/" in place else "database files"
            counts[store] += sum(data.count(_FORMAT + b"\0" + one) for one in self.keys.values())
            counts[store] += sum(data.count(_FORMAT + b"\1" + one) for one in self.keys.values())
        return counts

    def unwrapping(self) -> int:
        """Return how many of the kept wrapped keys the key store still unwraps."""
        from limited_use.policy.key_lines import KeyLine
        from limited_use.vault.keyring.keyring_port import EpochGone, KeyBinding

        count = 0
        for row in self.wrapped:
            bound = KeyBinding(row.holder, bytes(row.key_id))
            try:
                get_keyring().unwrap(KeyLine(row.line), row.kek_epoch, bytes(row.wrapped), bound)
            except EpochGone:
                continue
            count += 1
        return count


def turn_epochs() -> None:
    """End the key epoch now, as the schedule does after a day."""
    from django.utils import timezone

    from integrations.tasks.purge import write_second_parts
    from limited_use.policy.key_lines import KeyLine
    from limited_use.rotation import key_epochs

    for line in KeyLine:
        key_epochs.rotate_key_epoch(line, timezone.now())
    write_second_parts()
