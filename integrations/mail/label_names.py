"""Names of the labels that messages carry: each mailbox stores them once, and its rows hold ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import orjson

from integrations.formats import label_ids
from integrations.models import SyncWork
from limited_use.vault.sealed import SealedValue

#: Under this name the label names of a mailbox are opened beside the columns of a message.
OPENED_AS: Final = "label_names"


def find_names(integration_ids: Iterable[UUID]) -> dict[UUID, SealedValue | None]:
    """Return the sealed names of each mailbox's labels, by integration."""
    ids = set(integration_ids)
    if not ids:
        return {}
    works = SyncWork.objects.filter(integration_id__in=ids, resource="mail")
    rows = works.only("id", "integration_id", "label_names")
    return {work.integration_id: work.label_names for work in rows}


def get_label_names(labels: bytes | None, opened: Mapping[str, bytes]) -> list[str]:
    """
    Return the names of a message's labels, in order; a label that was deleted has none.

    :param labels: what the column of the message opens to
    """
    if not labels:
        return []
    stored: dict[str, str] = orjson.loads(opened.get(OPENED_AS) or b"{}")
    names = (stored.get(label) or label_ids.read_name(label) for label in orjson.loads(labels))
    return sorted({name for name in names if name})
