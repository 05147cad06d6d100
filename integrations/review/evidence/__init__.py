"""
All sections of the evidence. `config` cannot be imported from this package, so its sections come
through a setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings

from limited_use.evidence import evidence_bundle, subject_sections
from limited_use.evidence.evidence_sections import EvidenceBasis, EvidenceSection, UnmetClause

from . import claim_register, deletion_deadlines, register_sections, scope_report, test_results

__all__ = ["UnmetClause", "list_not_met", "list_sections", "make_bundle"]

_OWN_SECTIONS: Final = (
    EvidenceSection(
        key="scopes",
        title="Permissions asked",
        says="Each permission, which feature needs it, and why a narrower one would not do.",
        basis=EvidenceBasis.CODE,
        content=scope_report.describe_scopes,
    ),
    EvidenceSection(
        key="clear_columns",
        title="Columns in clear",
        says="Every column that is not sealed, and why it may be.",
        basis=EvidenceBasis.CODE,
        content=register_sections.describe_clear_columns,
    ),
    EvidenceSection(
        key="plaintext",
        title="Plaintext regions",
        says="The modules that may handle plaintext of provider data, and why.",
        basis=EvidenceBasis.CODE,
        content=register_sections.describe_plaintext,
    ),
    EvidenceSection(
        key="retention",
        title="Promises and retention",
        says="How long what is kept, how fast it goes, and whether any promise is late now.",
        basis=EvidenceBasis.LIVE,
        content=deletion_deadlines.describe_retention,
        not_met=deletion_deadlines.list_late_promises,
    ),
    test_results.SECTION,
    claim_register.SECTION,
)


def list_sections() -> list[EvidenceSection]:
    return [*subject_sections.SECTIONS, *_OWN_SECTIONS, *settings.EVIDENCE_SECTIONS()]


def make_bundle(*, at: datetime) -> bytes:
    """See `limited_use.evidence.evidence_bundle`."""
    return evidence_bundle.make_evidence_bundle(list_sections(), at=at)


def list_not_met(sections: Sequence[EvidenceSection], *, at: datetime) -> list[UnmetClause]:
    return [not_met for section in sections for not_met in section.not_met(at)]
