"""Everything that the sandbox remembers of Microsoft."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrations.sandbox.clock import Clock
from integrations.sandbox.dials import Dials
from integrations.sandbox.keys import SigningKeys
from integrations.sandbox.microsoft.accounts import Account, Directory
from integrations.sandbox.microsoft.grants import Grants
from integrations.sandbox.microsoft.mail.outlook import Upload

if TYPE_CHECKING:
    from integrations.sandbox.microsoft.calendar.delta import Round
    from integrations.sandbox.microsoft.graph.subscriptions import Subscription


@dataclass
class Microsoft:
    """`pending` are consent pages that wait for their person, by the number on the page."""

    clock: Clock
    dials: Dials
    keys: SigningKeys
    people: Directory = field(default_factory=Directory)
    pending: dict[str, Any] = field(default_factory=dict)
    grants: Grants = field(init=False)
    # Rounds of calendarView/delta, and subscriptions, by the token or id handed out.
    rounds: dict[str, Round] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    # Attachments on their way, by the secret in their address.
    uploads: dict[str, Upload] = field(default_factory=dict)
    # Requests per mailbox and per app: (kind, who) → the moments of the last ones.
    requests: dict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    # `$expand` of the deltas that asked for it, by the token of their links.
    expanded: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.grants = Grants(self.clock, self.dials)

    def account(self, token: str) -> Account | None:
        """Whose access token it is; nobody's if the account was disabled or removed."""
        access = self.grants.access(token)
        return self.people.find(access.oid) if access else None

    def issuer(self, authority: str, tid: str) -> str:
        return f"{authority}/{tid}/v2.0"
