"""
What a receipt says of platform features that received the data. English: the signature covers it.

Pages read `feature_removals` instead: a feature may confirm after the receipt was signed.
"""

from __future__ import annotations

from typing import Any, Final

from integrations.models import PurgeJob
from limited_use.policy.claims import claim
from limited_use.receipts import receipts

from . import feature_removals

DESCRIPTION: Final = claim(
    "receipt.feature-copies",
    "Other services of Antares received this data for features that the owner had switched on. Each"
    " was told to delete its copies. The receipt lists when it last received data, and when it"
    " confirmed the deletion, or that it had not when the receipt was signed.",
)


def build_features_part(job: PurgeJob) -> list[dict[str, Any]]:
    """Return the features that ever read the integration, by key; `acknowledged_at` may be None."""
    return [
        {
            "feature": removal.feature,
            "last_read_at": receipts.format_receipt_time(removal.last_read_at),
            "issued_at": receipts.format_receipt_time(removal.issued_at),
            "acknowledged_at": receipts.format_receipt_time(removal.acknowledged_at),
        }
        for removal in feature_removals.list_integration_removals(job.integration_id)
    ]
