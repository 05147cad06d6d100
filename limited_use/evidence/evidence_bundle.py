"""The bundle of all sections, signed like a receipt, with the newest checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from accounts.ids import uuid7
from limited_use.ledger import entries, signed_documents, signing_keys, tile_store
from limited_use.policy import policy_evaluation
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import SigningKey

from .evidence_sections import EvidenceSection, check_evidence_values

KIND = "evidence-bundle"


def make_evidence_bundle(sections: Sequence[EvidenceSection], *, at: datetime) -> bytes:
    """
    Return the exact bytes to keep, which the signature covers.

    :raises InvalidEvidence, KeyStoreUnavailable:
    """
    body = build_bundle_contents(sections, at=at)
    check_evidence_values(body)
    ring = get_keyring()
    return signed_documents.sign_document(
        body,
        signing_keys.record_current_key(SigningKey.RECEIPTS, at=at),
        lambda message: ring.sign(SigningKey.RECEIPTS, message),
    )


def build_bundle_contents(sections: Sequence[EvidenceSection], *, at: datetime) -> dict[str, Any]:
    not_met = [(section, unmet) for section in sections for unmet in section.not_met(at)]
    return {
        "kind": KIND,
        "v": 1,
        "id": str(uuid7()),
        "made_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "software": {"code": entries.get_code_revision(), "policy": policy_evaluation.VERSION},
        "ledger": {"origin": settings.LEDGER_ORIGIN, "checkpoint": tile_store.get_latest_note()},
        "not_met": [
            {"clause": unmet.clause, "why": unmet.why, "section": section.key}
            for section, unmet in not_met
        ],
        "sections": {section.key: _describe_section(section, at) for section in sections},
        "order": [section.key for section in sections],
    }


def _describe_section(section: EvidenceSection, at: datetime) -> dict[str, Any]:
    return {
        "title": section.title,
        "says": section.says,
        "rests_on": str(section.basis),
        "content": dict(section.content(at)),
    }
