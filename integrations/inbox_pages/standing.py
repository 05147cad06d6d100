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
    live = list(
        Integration.objects.live()
        .owned_by(asked.user_id, asked.actor.organisation_id)
        .filter(product="mail")
        .select_related("connection")
    )
    alerts = [
        {
            "tone": "bad",
            "says": claim(
                "inbox.reconnect",
                f"{PROVIDERS[one.connection.provider].label} no longer lets Antares read a mailbox."
                " Please reconnect it; nothing is lost.",
            ),
        }
        for one in live
        if one.status == IntegrationStatus.REAUTH_REQUIRED
    ]
    importing = any(one.status == IntegrationStatus.SYNCING for one in live)
    if importing:
        alerts.append({"tone": "info", "says": "Older mail is still coming in."})
    return Standing(len(live), importing, _horizon(live), tuple(alerts))


def _horizon(live: list[Integration]) -> str:
    labels = sorted({PROVIDERS[one.connection.provider].label for one in live})
    days = {one.horizon_days for one in live}
    if len(days) != 1 or None in days:
        return ""
    return f"The last {days.pop()} days are here, older mail stays at {' and '.join(labels)}"
