"""Bundles that were made, for reviewers to fetch: by a process that may see everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction

from limited_use.models.usage import EvidenceBundle

from . import bundle
from .sections import Section

# So many are kept; whoever needs an older one has fetched it.
KEPT: Final = 30


def make(sections: Sequence[Section], *, at: datetime) -> EvidenceBundle:
    """Make a bundle and keep it. Raises as `bundle.make`."""
    document = bundle.make(sections, at=at)
    said = orjson.loads(document)
    made = EvidenceBundle(
        id=UUID(said["id"]),
        made_at=at,
        document=document,
        not_met=sorted({one["clause"] for one in said["not_met"]}),
    )
    with transaction.atomic(durable=True):
        made.save(force_insert=True)
        newest = EvidenceBundle.objects.order_by("-made_at", "-id").values_list("id", flat=True)
        EvidenceBundle.objects.exclude(id__in=list(newest[:KEPT])).delete()
    return made


def latest() -> EvidenceBundle | None:
    """Return the newest bundle."""
    return EvidenceBundle.objects.order_by("-made_at", "-id").first()
