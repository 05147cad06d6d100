"""Sections of the newest signed evidence: the staff site may not read the rows behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from limited_use.evidence import stored_bundles


@dataclass(frozen=True, slots=True)
class LatestEvidence:
    """:param sections: contents by key"""

    id: UUID
    made_at: datetime
    sections: Mapping[str, Mapping[str, Any]]


def read_latest_evidence(*keys: str) -> LatestEvidence | None:
    """Return the sections with these keys; None if no evidence was made yet."""
    bundle = stored_bundles.get_latest_evidence_bundle()
    if bundle is None:
        return None
    sections = orjson.loads(bytes(bundle.document))["sections"]
    return LatestEvidence(
        bundle.id,
        bundle.made_at,
        {key: sections[key]["content"] for key in keys if key in sections},
    )
