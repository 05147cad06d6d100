"""Label names: each mailbox stores them once, and its message rows hold ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import orjson

from integrations.formats import label_ids
from integrations.models import SyncWork
from limited_use.vault.sealed import SealedValue

#: Key of a mailbox's label names among the opened columns of a message.
OPENED_AS: Final = "label_names"


def find_names(integration_ids: Iterable[UUID]) -> dict[UUID, SealedValue | None]:
    ids = set(integration_ids)
    if not ids:
        return {}
    works = SyncWork.objects.filter(integration_id__in=ids, resource="mail")
    rows = works.only("id", "integration_id", "label_names")
    return {work.integration_id: work.label_names for work in rows}


def get_label_names(labels: bytes | None, opened: Mapping[str, bytes]) -> list[str]:
    """
    Return sorted names; a deleted label has none.

    :param labels: the opened `labels` column
    """
    if not labels:
        return []
    stored: dict[str, str] = orjson.loads(opened.get(OPENED_AS) or b"{}")
    names = (
        stored.get(label) or label_ids.read_label_name(label) for label in orjson.loads(labels)
    )
    return sorted({name for name in names if name})
