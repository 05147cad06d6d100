"""How long the rows of support are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef

from integrations.models import (
    BULK_ENDED,
    BulkRevocation,
    QuestionState,
    SupportAct,
    SupportActState,
    SupportCode,
    SupportLookup,
    SupportQuestion,
)

#: Look-ups, acts, questions and bulk revocations.
KEPT_FOR: Final = timedelta(days=90)
CODES_KEPT_FOR: Final = timedelta(days=30)


def delete_old_rows(*, at: datetime) -> dict[str, int]:
    """
    Delete rows by age, referring ones first; return how many, by table.

    An act, a question or a bulk revocation that is not settled stays, with its look-up.
    """
    before = at - KEPT_FOR
    acts = SupportAct.objects.filter(asked_at__lte=before)
    questions = SupportQuestion.objects.filter(asked_at__lte=before)
    lookups = SupportLookup.objects.filter(
        ~Exists(SupportAct.objects.filter(lookup=OuterRef("id"))),
        ~Exists(SupportQuestion.objects.filter(lookup=OuterRef("id"))),
        opened_at__lte=before,
    )
    bulks = BulkRevocation.objects.filter(
        ~Exists(SupportAct.objects.filter(bulk=OuterRef("id"))),
        asked_at__lte=before,
        state__in=BULK_ENDED,
    )
    codes = SupportCode.objects.filter(made_at__lte=at - CODES_KEPT_FOR)
    return {
        "acts": acts.exclude(state=SupportActState.WAITING).delete()[0],
        "questions": questions.exclude(state=QuestionState.WAITING).delete()[0],
        "lookups": lookups.delete()[0],
        "bulk_revocations": bulks.delete()[0],
        "codes": codes.delete()[0],
    }
