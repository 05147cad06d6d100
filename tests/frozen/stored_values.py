"""Values as an earlier version of the service wrote them: `stored_values.json`, made once."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from uuid import UUID

from django.apps import apps

from limited_use.models import DataKey
from limited_use.vault.fields import StoredCiphertext
from limited_use.vault.naming_rows import LedgerKeyCiphertext

FILE = Path(__file__).with_name("stored_values.json")
VALUES = json.loads(FILE.read_text(encoding="utf-8"))


def write_keyring(folder: Path) -> None:
    """Write the key files of the fixture, which serve no other purpose."""
    folder.mkdir(mode=0o700)
    for name, key in VALUES["keyring"].items():
        path = folder / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(bytes.fromhex(key))


def insert_data_keys(at) -> None:
    """Insert the rows of wrapped data keys."""
    for key in VALUES["data_keys"]:
        DataKey.objects.create(
            holder=UUID(key["holder"]),
            line=key["line"],
            epoch=key["epoch"],
            key_id=bytes.fromhex(key["key_id"]),
            wrapped=b64decode(key["wrapped"]),
            kek_epoch=key["kek_epoch"],
            created_at=at,
        )


def find_model(table: str):
    """Return the model of a table: its class may have another name than at that time."""
    return next(model for model in apps.get_models() if model._meta.db_table == table)


def read_sealed(value):
    """Return the handle that the model makes of a stored value."""
    model = find_model(value["table"])
    field = next(one for one in model._meta.concrete_fields if one.column == value["column"])
    row = model(pk=UUID(value["row"]))
    setattr(row, field.holder, UUID(value["holder"]))
    setattr(row, field.attname, StoredCiphertext(b64decode(value["sealed"])))
    return getattr(row, field.attname)


def wrapped_ledger_key() -> tuple[UUID, bytes, LedgerKeyCiphertext]:
    """Return holder, commitment and the wrapped key of a connection's ledger names."""
    key = VALUES["ledger_key"]
    wrapped = LedgerKeyCiphertext(b64decode(key["wrapped"]), key["kek_epoch"])
    return UUID(key["holder"]), bytes.fromhex(key["commitment"]), wrapped
