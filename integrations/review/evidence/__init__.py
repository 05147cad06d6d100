"""
All sections of the evidence: those of `limited_use`, those of this package, those of the settings.

`config` cannot be imported from here; what it has to show, it puts into a setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings

from limited_use.evidence import bundle, subject_sections
from limited_use.evidence.sections import Basis, NotMet, Section

from . import claim_register, deadlines, register_sections, scope_report, test_results

__all__ = ["NotMet", "make", "not_met", "sections"]

_HERE: Final = (
    Section(
        key="scopes",
        title="Permissions asked",
        says="Each permission, which feature needs it, and why a narrower one would not do.",
        basis=Basis.CODE,
        content=scope_report.scopes,
    ),
    Section(
        key="clear_columns",
        title="Columns in clear",
        says="Every column that is not sealed, and why it may be.",
        basis=Basis.CODE,
        content=register_sections.clear_columns,
    ),
    Section(
        key="plaintext",
        title="Plaintext regions",
        says="The modules that may handle plaintext of provider data, and why.",
        basis=Basis.CODE,
        content=register_sections.plaintext,
    ),
    Section(
        key="retention",
        title="Promises and retention",
        says="How long what is kept, how fast it goes, and whether any promise is late now.",
        basis=Basis.LIVE,
        content=deadlines.retention,
        not_met=deadlines.late,
    ),
    test_results.SECTION,
    claim_register.SECTION,
)


def sections() -> list[Section]:
    """Return every section of the evidence."""
    return [*subject_sections.SECTIONS, *_HERE, *settings.EVIDENCE_SECTIONS()]


def make(*, at: datetime) -> bytes:
    """Return the signed bundle. See `bundle.make`."""
    return bundle.make(sections(), at=at)


def not_met(everything: Sequence[Section], *, at: datetime) -> list[NotMet]:
    """Return every clause that is not met as the service runs now."""
    return [one for section in everything for one in section.not_met(at)]
