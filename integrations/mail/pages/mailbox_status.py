"""What the inbox says about its mailboxes: from columns in clear, nothing sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from integrations.access.facts import Found
from integrations.models import LIVE, IntegrationStatus
from integrations.providers import PROVIDERS
from limited_use.policy.claims import claim


@dataclass(frozen=True, slots=True)
class Standing:
    accounts: int
    is_importing: bool
    horizon_words: str
    alerts: tuple[dict[str, str], ...]


def describe(mailboxes: Iterable[Found]) -> Standing:
    """Return how a person's mailboxes stand, from the facts that their permits rest on."""
    live = [found for found in mailboxes if found.status in LIVE]
    alerts = [
        {
            "tone": "bad",
            "says": claim(
                "inbox.reconnect",
                f"{PROVIDERS[found.provider].label} no longer lets Antares read a mailbox."
                " Please reconnect it; nothing is lost.",
            ),
        }
        for found in live
        if found.status == IntegrationStatus.REAUTH_REQUIRED
    ]
    importing = any(found.status == IntegrationStatus.SYNCING for found in live)
    if importing:
        alerts.append({"tone": "info", "says": "Older mail is still coming in."})
    horizon = _describe_horizon(
        {found.horizon_days for found in live}, {found.provider for found in live}
    )
    return Standing(len(live), importing, horizon, tuple(alerts))


def _describe_horizon(horizons: set[int | None], providers: set[str]) -> str:
    """Return how much mail is kept, where all mailboxes keep the same; else nothing."""
    if len(horizons) != 1 or None in horizons:
        return ""
    labels = sorted(PROVIDERS[provider].label for provider in providers)
    return f"The last {horizons.pop()} days are here, older mail stays at {' and '.join(labels)}"
