"""The inbox's mailbox status, from columns in clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from integrations.access.facts import HolderFacts
from integrations.mail import messages
from integrations.models import LIVE, IntegrationStatus
from integrations.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    accounts: int
    is_importing: bool
    horizon_words: str
    alerts: tuple[dict[str, Any], ...]


def describe_mailboxes(mailboxes: Iterable[HolderFacts]) -> MailboxStatus:
    live = [mailbox for mailbox in mailboxes if mailbox.status in LIVE]
    alerts = [
        {
            "tone": "bad",
            "text": messages.RECONNECT % {"provider": PROVIDERS[mailbox.provider].label},
            "needs_reconnect": True,
        }
        for mailbox in live
        if mailbox.status == IntegrationStatus.REAUTH_REQUIRED
    ]
    importing = any(mailbox.status == IntegrationStatus.SYNCING for mailbox in live)
    if importing:
        alerts.append({"tone": "info", "text": messages.IMPORTING, "needs_reconnect": False})
    horizon = _describe_horizon(
        {mailbox.horizon_days for mailbox in live}, {mailbox.provider for mailbox in live}
    )
    return MailboxStatus(len(live), importing, horizon, tuple(alerts))


def _describe_horizon(horizons: set[int | None], providers: set[str]) -> str:
    """Return an empty string if mailboxes differ."""
    if len(horizons) != 1 or None in horizons:
        return ""
    labels = sorted(PROVIDERS[provider].label for provider in providers)
    return messages.HORIZON % {
        "days": horizons.pop(),
        "providers": f" {messages.AND} ".join(labels),
    }
