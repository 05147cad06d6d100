"""What the inbox says about the mailboxes behind it: from our own rows, nothing sealed."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.inbox import Asked
from integrations.models import Integration, IntegrationStatus
from integrations.providers import PROVIDERS
from limited_use.claims import claim


@dataclass(frozen=True, slots=True)
class Standing:
    accounts: int
    is_importing: bool
    horizon_words: str
    alerts: tuple[dict[str, str], ...]


def of(asked: Asked) -> Standing:
    """Return how a person's mailboxes stand, in one query."""
    if asked.actor.organisation_id is None:
        return Standing(0, is_importing=False, horizon_words="", alerts=())
    live = Integration.objects.live().owned_by(asked.user_id, asked.actor.organisation_id)
    mailboxes = list(
        live.filter(product="mail").values_list("status", "connection__provider", "horizon_days")
    )
    alerts = [
        {
            "tone": "bad",
            "says": claim(
                "inbox.reconnect",
                f"{PROVIDERS[provider].label} no longer lets Antares read a mailbox."
                " Please reconnect it; nothing is lost.",
            ),
        }
        for status, provider, _ in mailboxes
        if status == IntegrationStatus.REAUTH_REQUIRED
    ]
    importing = any(status == IntegrationStatus.SYNCING for status, *_ in mailboxes)
    if importing:
        alerts.append({"tone": "info", "says": "Older mail is still coming in."})
    horizon = _describe_horizon({days for *_, days in mailboxes}, {one[1] for one in mailboxes})
    return Standing(len(mailboxes), importing, horizon, tuple(alerts))


def _describe_horizon(horizons: set[int | None], providers: set[str]) -> str:
    """Return how much mail is kept, where all mailboxes keep the same; else nothing."""
    if len(horizons) != 1 or None in horizons:
        return ""
    labels = sorted(PROVIDERS[provider].label for provider in providers)
    return f"The last {horizons.pop()} days are here, older mail stays at {' and '.join(labels)}"
