"""
Mailboxes somewhere, each with its adapter and the verbs that move it along.

One is in memory; the others are at the sandbox, driven through its control plane, below Google's
and Microsoft's real client libraries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from integrations.providers import errors
from integrations.providers.google.gmail_adapter import MAX_PAGE, open_mail
from integrations.providers.google.google_config import UNITS
from integrations.providers.mail import MailAdapter
from integrations.providers.microsoft import graph_mail_adapter as outlook
from integrations.providers.microsoft.mail_delta_pages import CHANGES_PAGE
from tests.contract.reading import fetch_message
from tests.factories import make_access
from tests.fakes.mail import FakeMailAdapter, FakeMailbox
from tests.worlds.microsoft import MicrosoftSandbox, control_id, graph_id
from tests.worlds.sandbox import GMAIL_READONLY, Sandbox

ALICE = "alice@example.com"


def stamp(at: datetime | None) -> int:
    return int((at or datetime.now(UTC)).timestamp() * 1000)


class FakeMailWorld:
    """A `FakeMailbox`. Like the others it says how many changes a page holds at most."""

    def __init__(self) -> None:
        self.mailbox = FakeMailbox(email=ALICE)
        self.page_of_changes = self.mailbox.page_size
        self.adapter: MailAdapter = FakeMailAdapter(self.mailbox, make_access())
        self.deliver = self.mailbox.deliver
        self.delete = self.mailbox.delete
        self.relabel = self.mailbox.relabel
        self.forget_history = self.mailbox.forget_history

    def deliver_to(self, thread_of: str, content: bytes) -> str:
        return self.deliver(content, thread=self.mailbox.messages[thread_of].ref.thread_id)

    def make_label(self, name: str) -> str:
        self.mailbox.names["Label_1"] = name
        return "Label_1"

    def limit_rate(self) -> None:
        self.mailbox.refuse_next(errors.RateLimited("slow down", status=429, retry_after=7.0))

    def break_down(self) -> None:
        self.mailbox.refuse_next(errors.Unavailable("down", status=503))

    def expire_token(self) -> None:
        self.mailbox.refuse_next(errors.TokenRejected("expired", status=401))

    def without_scope(self) -> MailAdapter:
        self.mailbox.refuse_next(errors.ScopeMissing("no scope", status=403))
        return self.adapter

    def take_mailbox_away(self) -> None:
        self.mailbox.refuse_next(errors.MailboxMissing("no mailbox", status=400))

    def check(self) -> None:
        """Nothing of it can be out of order."""


class GoogleMailWorld:
    """An account at the sandbox."""

    units = UNITS
    page_of_changes = MAX_PAGE

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.seed(ALICE, size=0, labels=["Receipts"])
        self.adapter = self.opened(f"openid email {GMAIL_READONLY}")
        self._numbers = count()

    def opened(self, scope: str) -> MailAdapter:
        token = self.sandbox.authorize(ALICE, scope)["access_token"]
        # The context holds nothing that would need closing.
        return open_mail(make_access(token, self.sandbox.url)).__enter__()

    def deliver(self, content=None, *, at=None, label_ids=("INBOX", "UNREAD"), thread=None) -> str:
        more = {"raw": content} if content is not None else {"text": "hello"}
        more |= {"date": stamp(at)} if at else {}
        more |= {"thread_id": thread} if thread else {}
        if content is None:
            more["subject"] = f"message {next(self._numbers)}"
        return self.sandbox.deliver(ALICE, labels=list(label_ids), **more)["id"]

    def deliver_to(self, thread_of: str, content: bytes) -> str:
        return self.deliver(content, thread=fetch_message(self.adapter, thread_of).thread_id)

    def delete(self, message_id: str) -> None:
        self.sandbox.delete(ALICE, message_id)

    def relabel(self, message_id: str, *, add=(), remove=()) -> None:
        self.sandbox.relabel(ALICE, message_id, add=add, remove=remove)

    def make_label(self, name: str) -> str:
        return next(key for key, known in self.adapter.get_label_names().items() if known == name)

    def forget_history(self) -> None:
        self.sandbox.expire_history(ALICE)

    def limit_rate(self) -> None:
        self.sandbox.fail_next(
            path_prefix="/gmail",
            status=429,
            body={"error": {"code": 429, "errors": [{"reason": "rateLimitExceeded"}]}},
            headers={"Retry-After": "7"},
        )

    def break_down(self) -> None:
        self.sandbox.fail_next(path_prefix="/gmail", problem="backend_error")

    def expire_token(self) -> None:
        self.sandbox.expire_access(ALICE)

    def without_scope(self) -> MailAdapter:
        return self.opened("openid email https://www.googleapis.com/auth/gmail.labels")

    def take_mailbox_away(self) -> None:
        self.sandbox.fail_next(path_prefix="/gmail", problem="failed_precondition")

    def check(self) -> None:
        assert self.sandbox.violations() == []


class MicrosoftWorld:
    """An account at the sandbox. What the suite calls labels are folders, flags and a category."""

    page_of_changes = CHANGES_PAGE
    always_mime = False

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.microsoft = sandbox, MicrosoftSandbox(sandbox)
        self.microsoft.register_client()
        self.oid = self.microsoft.seed(ALICE, size=0, labels=["Receipts"])["oid"]
        self.adapter = self.opened("openid Mail.Read MailboxSettings.Read")
        self._numbers = count()
        self._threads: dict[str, str] = {}

    def opened(self, scope: str) -> MailAdapter:
        token = self.microsoft.authorize(ALICE, scope)["access_token"]
        access = make_access(token, f"{self.sandbox.url}/v1.0")
        return outlook.GraphMailAdapter(access, always_mime=self.always_mime)

    def deliver(self, content=None, *, at=None, label_ids=("INBOX", "UNREAD"), thread=None) -> str:
        more = {"raw": content} if content is not None else {"text": "hello"}
        more |= {"date": stamp(at)} if at else {}
        more |= {"thread_id": thread} if thread else {}
        if content is None:
            more["subject"] = f"message {next(self._numbers)}"
        made = self.microsoft.deliver(ALICE, labels=self._named(label_ids), **more)
        message_id = graph_id(self.oid, made["id"])
        self._threads[message_id] = made["threadId"]
        return message_id

    def _named(self, label_ids) -> list[str]:
        return ["Label_1" if one.endswith("Receipts") else one for one in label_ids]

    def deliver_to(self, thread_of: str, content: bytes) -> str:
        return self.deliver(content, thread=self._threads[thread_of])

    def delete(self, message_id: str) -> None:
        self.microsoft.mail("delete", ALICE, id=control_id(message_id))

    def relabel(self, message_id: str, *, add=(), remove=()) -> None:
        more = {"add": self._named(add), "remove": self._named(remove)}
        self.microsoft.mail("labels", ALICE, id=control_id(message_id), **more)

    def make_label(self, name: str) -> str:
        return next(key for key, known in self.adapter.get_label_names().items() if known == name)

    def forget_history(self) -> None:
        self.microsoft.mail("expire-history", ALICE)

    def limit_rate(self) -> None:
        self.sandbox.fail_next(
            path_prefix="/v1.0",
            status=429,
            body={"error": {"code": "TooManyRequests", "message": ""}},
            headers={"Retry-After": "7"},
        )

    def break_down(self) -> None:
        self.sandbox.fail_next(path_prefix="/v1.0", problem="graph_unavailable")

    def expire_token(self) -> None:
        self.microsoft.control("microsoft/tokens/expire", email=ALICE)

    def without_scope(self) -> MailAdapter:
        return self.opened("openid MailboxSettings.Read")

    def take_mailbox_away(self) -> None:
        self.sandbox.fail_next(path_prefix="/v1.0", problem="graph_no_mailbox")

    def check(self) -> None:
        statuses = self.sandbox.counters()["statuses"]
        # None but what the suite asked for: never more at once than a mailbox allows.
        assert sum(many for one, many in statuses.items() if one.endswith(" 429")) <= 1


class MicrosoftMimeWorld(MicrosoftWorld):
    """The same account, of which every message is read from its MIME."""

    always_mime = True
