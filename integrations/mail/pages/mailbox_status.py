"""The inbox's mailbox status, from columns in clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from integrations.access.facts import HolderFacts
from integrations.models import LIVE, IntegrationStatus
from integrations.providers import PROVIDERS
from limited_use.policy.claims import claim


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    accounts: int
    is_importing: bool
    horizon_words: str
    alerts: tuple[dict[str, str], ...]


def describe_mailboxes(mailboxes: Iterable[HolderFacts]) -> MailboxStatus:
    live = [mailbox for mailbox in mailboxes if mailbox.status in LIVE]
    alerts = [
        {
            "tone": "bad",
            "says": claim(
                "inbox.reconnect",
                f"{PROVIDERS[mailbox.provider].label} no longer lets Antares read a mailbox."
                " Please reconnect it; nothing is lost.",
            ),
        }
        for mailbox in live
        if mailbox.status == IntegrationStatus.REAUTH_REQUIRED
    ]
    importing = any(mailbox.status == IntegrationStatus.SYNCING for mailbox in live)
    if importing:
        alerts.append({"tone": "info", "says": "Older mail is still coming in."})
    horizon = _describe_horizon(
        {mailbox.horizon_days for mailbox in live}, {mailbox.provider for mailbox in live}
    )
    return MailboxStatus(len(live), importing, horizon, tuple(alerts))


def _describe_horizon(horizons: set[int | None], providers: set[str]) -> str:
    """Return an empty string if mailboxes differ."""
    if len(horizons) != 1 or None in horizons:
        return ""
    labels = sorted(PROVIDERS[provider].label for provider in providers)
    return f"The last {horizons.pop()} days are here, older mail stays at {' and '.join(labels)}"
