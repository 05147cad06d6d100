"""The sandbox's whole state, lost with the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from integrations.sandbox.accounts import AccountDirectory, OAuthClient, SandboxAccount
from integrations.sandbox.calendars.store import SandboxCalendar
from integrations.sandbox.channels import PubSubSubscription, WatchChannel
from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.faults import FaultQueue
from integrations.sandbox.google.drive.upload_sessions import UploadSessionStore
from integrations.sandbox.google.grants import GoogleGrantStore
from integrations.sandbox.google.quota import QuotaMeter
from integrations.sandbox.keys import SigningKeys
from integrations.sandbox.knobs import Knobs
from integrations.sandbox.mail.rendering import RenderingCache
from integrations.sandbox.mail.sent_mail import AcceptedMail
from integrations.sandbox.microsoft.state import MicrosoftState
from integrations.sandbox.push_delivery import PushQueue
from integrations.sandbox.request_log import SandboxRequestLog

if TYPE_CHECKING:
    from integrations.sandbox.google.consent_pages import GoogleConsentRequest
    from integrations.sandbox.google.gmail.sending import LeavingMail
    from integrations.sandbox.validation import ApiValidator


class SandboxState:
    """
    `issuer` is Google's in tokens, `authority` Microsoft's, `graph` the address in Graph's links
    (empty: as called). Each defaults to the sandbox's URL.
    """

    def __init__(self, url: str, issuer: str = "", *, authority: str = "", graph: str = "") -> None:
        self.url = url
        self.issuer = issuer or url
        self.authority = authority or url
        self.graph = graph
        self.keys = SigningKeys()
        self._microsoft_keys = SigningKeys()
        self.validator: ApiValidator | None = None
        # Survives a reset, which replaces the queue.
        self.delivery_queued = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Addresses and keys stay."""
        self.clock = SandboxClock()
        self.knobs = Knobs()
        self.faults = FaultQueue()
        self.request_log = SandboxRequestLog()
        self.accounts: AccountDirectory[SandboxAccount] = AccountDirectory()
        self.clients: dict[str, OAuthClient] = {}
        self.consent_requests: dict[str, GoogleConsentRequest] = {}
        self.tokens_by_code: dict[str, tuple[str, str]] = {}
        self.grants = GoogleGrantStore(self.clock, self.knobs)
        self.microsoft = MicrosoftState(self.clock, self.knobs, self._microsoft_keys)
        self.quota_meter = QuotaMeter(self.clock, self.knobs)
        self.uploads = UploadSessionStore(self.clock)
        self.open_requests: Counter[str] = Counter()
        self.rendering_caches: dict[str, RenderingCache] = {}
        # What both providers accepted, and Gmail's mail that is not yet in SENT.
        self.accepted_mail: list[AcceptedMail] = []
        self.leaving_mail: list[LeavingMail] = []
        self.sent_counts: Counter[tuple[str, int]] = Counter()
        self.calendars: dict[str, SandboxCalendar] = {}
        self.channels: dict[str, WatchChannel] = {}
        self.subscriptions: dict[str, PubSubSubscription] = {}
        self.pushes = PushQueue(self)
        # Conferences by request id; calendars with failing free/busy.
        self.conferences: dict[str, dict[str, Any]] = {}
        self.failing_freebusy: set[str] = set()
        if self.validator:
            self.validator.clear()

    def add_calendar(
        self,
        account: SandboxAccount,
        calendar_id: str,
        *,
        summary: str,
        time_zone: str = "UTC",
        primary: bool = False,
    ) -> SandboxCalendar:
        calendar = SandboxCalendar(
            calendar_id, summary, account.email, self.clock, time_zone=time_zone
        )
        calendar.on_change = self.pushes.notify_calendar_changed
        self.calendars[calendar.id] = calendar
        if account.calendars is not None:
            account.calendars.add_calendar(calendar, primary=primary)
        return calendar
