"""Stored bundles for reviewers, made by a process that may see everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction

from limited_use.models.usage import EvidenceBundle

from . import evidence_bundle
from .evidence_sections import EvidenceSection

# Number of stored bundles; reviewers have fetched older ones.
MAX_BUNDLES: Final = 30


def make_stored_bundle(sections: Sequence[EvidenceSection], *, at: datetime) -> EvidenceBundle:
    """Make a bundle and store it. Raises as `make_evidence_bundle`."""
    document = evidence_bundle.make_evidence_bundle(sections, at=at)
    contents = orjson.loads(document)
    stored_bundle = EvidenceBundle(
        id=UUID(contents["id"]),
        made_at=at,
        document=document,
        not_met=sorted({unmet["clause"] for unmet in contents["not_met"]}),
    )
    with transaction.atomic(durable=True):
        stored_bundle.save(force_insert=True)
        newest = EvidenceBundle.objects.order_by("-made_at", "-id").values_list("id", flat=True)
        EvidenceBundle.objects.exclude(id__in=list(newest[:MAX_BUNDLES])).delete()
    return stored_bundle


def get_latest_evidence_bundle() -> EvidenceBundle | None:
    return EvidenceBundle.objects.order_by("-made_at", "-id").first()
