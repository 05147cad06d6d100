"""The inbox's mailbox status, from columns in clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

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
            "text": messages.RECONNECT
            % {
                "provider": PROVIDERS[mailbox.provider].label,
                "days": settings.REAUTH_GRACE_DAYS,
            },
            "needs_reconnect": True,
        }
        for mailbox in live
        if mailbox.status == IntegrationStatus.REAUTH_REQUIRED
    ]
    importing = any(mailbox.status == IntegrationStatus.SYNCING for mailbox in live)
    if importing:
        alerts.append({"tone": "info", "text": messages.IMPORTING, "needs_reconnect": False})
    horizon = _describe_horizon(
        {mailbox.horizon_days for mailbox in live},
        {
            mailbox.provider
            for mailbox in live
            if mailbox.status != IntegrationStatus.REAUTH_REQUIRED
        },
    )
    return MailboxStatus(len(live), importing, horizon, tuple(alerts))


def _describe_horizon(horizons: set[int | None], providers: set[str]) -> str:
    """
    Return an empty string if mailboxes differ.

    :param providers: those that a search can ask
    """
    if len(horizons) != 1 or None in horizons:
        return ""
    days = horizons.pop()
    if not providers:
        return messages.HORIZON % {"days": days}
    labels = sorted(PROVIDERS[provider].label for provider in providers)
    return messages.HORIZON_AND_SEARCH % {
        "days": days,
        "providers": f" {messages.AND} ".join(labels),
    }
