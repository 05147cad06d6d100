"""The sandbox's state for Microsoft."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.keys import SigningKeys
from integrations.sandbox.knobs import Knobs
from integrations.sandbox.microsoft.accounts import MicrosoftAccount, MicrosoftDirectory
from integrations.sandbox.microsoft.grants import EntraGrantStore
from integrations.sandbox.microsoft.mail.outlook_mailbox import AttachmentUpload

if TYPE_CHECKING:
    from integrations.sandbox.microsoft.calendar.view_delta import ViewRound
    from integrations.sandbox.microsoft.graph.subscriptions import GraphSubscription


@dataclass
class MicrosoftState:
    """By the key in the consent page."""

    clock: SandboxClock
    knobs: Knobs
    keys: SigningKeys
    accounts: MicrosoftDirectory = field(default_factory=MicrosoftDirectory)
    consent_requests: dict[str, Any] = field(default_factory=dict)
    grants: EntraGrantStore = field(init=False)
    # By token, and by id.
    rounds: dict[str, ViewRound] = field(default_factory=dict)
    subscriptions: dict[str, GraphSubscription] = field(default_factory=dict)
    # By the secret in their address.
    uploads: dict[str, AttachmentUpload] = field(default_factory=dict)
    # (kind, key) → times of the last requests.
    requests: dict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    # By the token of their links.
    expand_by_token: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.grants = EntraGrantStore(self.clock, self.knobs)

    def find_account_by_token(self, token: str) -> MicrosoftAccount | None:
        """None if the account was disabled or removed."""
        access = self.grants.find_access_token(token)
        return self.accounts.find(access.oid) if access else None

    def make_issuer(self, authority: str, tid: str) -> str:
        return f"{authority}/{tid}/v2.0"
