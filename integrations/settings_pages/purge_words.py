"""A removal in words: which promises are kept so far, and what the provider said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from integrations.models import IntegrationStatus, PurgeJob, PurgeStep, RevocationOutcome
from integrations.providers import PROVIDERS
from integrations.providers.provider import Provider
from integrations.purge import ledger_part, second_part_of
from limited_use.ledger_models import LedgerKey

from . import words

_ORDER = list(PurgeStep)


@dataclass(frozen=True, slots=True)
class Step:
    """A promise: how it reads once kept, how before, and the job's column that says when."""

    step: PurgeStep
    says: str
    will: str
    at: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        PurgeStep.FENCED,
        "Nothing of it can be read any more: its key is destroyed.",
        "Make it unreadable",
        "fenced_at",
    ),
    Step(
        PurgeStep.EMPTIED,
        "Everything it brought in is removed.",
        "Remove everything it brought in",
        "emptied_at",
    ),
    Step(
        PurgeStep.VERIFIED,
        "Every place where something could be left was counted: zero.",
        "Count every place where something could be left",
        "verified_at",
    ),
    Step(
        PurgeStep.REVOCATION_SETTLED,
        "Our access at the provider is settled.",
        "End our access at the provider",
    ),
    Step(
        PurgeStep.CREDENTIAL_DESTROYED,
        "The access tokens are destroyed.",
        "Destroy the access tokens",
    ),
    Step(PurgeStep.DONE, "The receipt is signed.", "Sign the receipt", "done_at"),
)

# In the place of its step where the provider takes no grant back.
NOT_OFFERED = Step(
    PurgeStep.REVOCATION_SETTLED,
    "The provider lets no application end its own access: you can, there.",
    "Let go of our access, which only you can end at the provider",
)

REVOCATION: dict[str, str] = {
    RevocationOutcome.PENDING: "{label} has not answered yet. We keep asking for a day.",
    RevocationOutcome.CONFIRMED: "{label} confirmed that our access has ended.",
    RevocationOutcome.ALREADY_GONE: "{label} had ended our access already.",
    RevocationOutcome.GONE_AFTER_ASKING: (
        "{label} no longer knows our access. It had ended before, or our request ended it and the"
        " confirmation did not reach us."
    ),
    RevocationOutcome.UNCONFIRMED: (
        "{label} did not confirm that our access has ended. We no longer hold a key to it;"
        " you can remove the entry yourself:"
    ),
    RevocationOutcome.NOT_NEEDED: "It lived here: nobody else had given access to anything.",
    RevocationOutcome.NOT_OFFERED: (
        "{label} lets no application end its own access. We no longer hold a key to it; {label}"
        " goes on listing Antares until you remove it there, for the kind of account that it is:"
    ),
    RevocationOutcome.NEEDED_ELSEWHERE: (
        "Something else that is connected uses the same account, so {label} still lists Antares"
        " with the permissions given before."
    ),
}


def row(job: PurgeJob) -> dict[str, Any]:
    """Return one line of the table of removals."""
    connection = job.integration.connection
    return {
        "id": job.id,
        "provider": PROVIDERS[connection.provider].label,
        "product": job.integration.product,
        "fenced_at": job.fenced_at,
        "receipt_id": job.receipt_id,
        "words": words.of(
            IntegrationStatus.PURGED if job.receipt_id else IntegrationStatus.PURGING
        ),
    }


def context(job: PurgeJob) -> dict[str, Any]:
    """Return what the page of one removal shows."""
    provider = PROVIDERS[job.integration.connection.provider]
    reached = _ORDER.index(PurgeStep(job.step))
    steps = [
        {
            "says": one.says,
            "will": one.will,
            "is_done": reached >= _ORDER.index(one.step),
            "at": getattr(job, one.at) if one.at else None,
        }
        for one in _steps(provider)
    ]
    by_hand = job.revocation in {RevocationOutcome.UNCONFIRMED, RevocationOutcome.NOT_OFFERED}
    return {
        "purge": job,
        "has_second_part": second_part_of(job) is not None,
        "ledger_part": _ledger_part(job),
        "steps": steps,
        "revocation_says": REVOCATION[job.revocation].format(label=provider.label),
        "receipt_link": "",
        "revocation_pages": provider.revocation_pages if by_hand else (),
    }


def _steps(provider: Provider) -> list[Step]:
    if provider.revokes:
        return list(STEPS)
    return [NOT_OFFERED if one.step == NOT_OFFERED.step else one for one in STEPS]


def _ledger_part(job: PurgeJob) -> LedgerKey | None:
    """Return the connection's ledger key while its owner can fetch it."""
    row = ledger_part.of(job.integration.connection_id) if job.receipt_id else None
    return row if row is not None and row.is_offered(timezone.now()) else None
