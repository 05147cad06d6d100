"""
Mailboxes that send, with the verbs of their owner and of a failing provider.

Bob, a user of Gmail at the sandbox, receives the mail.
"""

from __future__ import annotations

import base64
import re
from contextlib import ExitStack
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from uuid import uuid4

import httpx

from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.outgoing_file import OutgoingFile
from integrations.providers import PROVIDERS
from integrations.providers.mail import FetchTarget, MailAdapter
from integrations.providers.outgoing_mail import OutgoingMail
from tests.factories import make_access
from tests.fakes.mail import FakeMailAdapter, FakeMailbox
from tests.worlds.microsoft import MicrosoftSandbox, graph_id
from tests.worlds.sandbox import GMAIL_READONLY, Sandbox

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
BOUNCING = "nobody@bounce.example"
_ID = re.compile("/(mailFolders|messages)/[^/]+")
GMAIL_COMPOSE = "https://www.googleapis.com/auth/gmail.compose"


def make_file(content: bytes, name: str = "menu.pdf", **changed: Any) -> OutgoingFile:
    def read_pieces():
        return (content[at : at + 10_000] for at in range(0, len(content), 10_000))

    return OutgoingFile(
        **{
            "filename": name,
            "content_type": "application/pdf",
            "size": len(content),
            "open": read_pieces,
        }
        | changed
    )


def make_mail(**changed: Any) -> OutgoingMail:
    given: dict[str, Any] = {
        "tag": str(uuid4()),
        "sender": MailAddress("Alice Ádám", ALICE),
        "to": (MailAddress("Bob, Bíró", BOB),),
        "cc": (),
        "bcc": (),
        "subject": "Lunch, às 12?",
        "text": "Até já!\n\n-- \nAlice\n",
        "in_reply_to": "",
        "references": (),
        "thread_id": "",
        "replied_message_id": "",
        "sent_at": datetime.now(UTC),
        "files": (),
    }
    return OutgoingMail(**given | changed)


class FakeSendingWorld:
    """A `FakeMailbox`, with the verbs that need no recipient."""

    def __init__(self) -> None:
        self.mailbox = FakeMailbox(email=ALICE)
        self.adapter: MailAdapter = FakeMailAdapter(self.mailbox, make_access())

    def count_accepted(self, tag: str) -> int:
        return sum(sent_tag == tag for sent_tag, _ in self.mailbox.sent)

    def count_drafts(self) -> int:
        return len(self.mailbox.drafts)

    def lose_answer(self, call: str) -> None:
        self.mailbox.lost_answers.append(call)

    def edit_draft(self) -> None:
        [draft] = self.mailbox.drafts.values()
        draft.message_id = self.mailbox.deliver(draft.content, label_ids=("DRAFT",))

    def delete_draft(self) -> None:
        self.mailbox.drafts.clear()

    def check(self) -> None:
        """Nothing of it can be out of order."""

    def close(self) -> None:
        """Nothing of it is open."""


class SendingWorld:
    """A mailbox of Alice at the sandbox. Subclasses say where it is."""

    provider = ""
    #: Paths of requests, as the sandbox's faults match them.
    send_path = ""
    draft_path = ""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._stack = ExitStack()
        for email in (BOB, CAROL):
            sandbox.seed(email, size=0)
        token = sandbox.authorize(BOB, f"openid email {GMAIL_READONLY}")["access_token"]
        self._bob = self._stack.enter_context(
            httpx.Client(
                base_url=f"{sandbox.url}/gmail/v1/users/me",
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
            )
        )

    def open_adapter(self, token: str, root_url: str) -> MailAdapter:
        opener = PROVIDERS[self.provider].open_mail
        assert opener is not None
        return self._stack.enter_context(opener(make_access(token, root_url)))

    def close(self) -> None:
        self._stack.close()

    # What arrives.

    def list_received(self) -> list[bytes]:
        answer = self._bob.get("/messages", params={"labelIds": "INBOX"}).json()
        raws = [
            self._bob.get(f"/messages/{found['id']}", params={"format": "raw"}).json()["raw"]
            for found in answer.get("messages", ())
        ]
        return [base64.urlsafe_b64decode(raw) for raw in raws]

    def read_received(self) -> EmailMessage:
        [raw] = self.list_received()
        message = BytesParser(policy=policy.default).parsebytes(raw)
        assert isinstance(message, EmailMessage)
        return message

    def count_accepted(self, tag: str) -> int:
        return len(self.sandbox.sent(tag=tag, email=ALICE))

    # What goes wrong.

    def fail_send(self, **fault: Any) -> None:
        self.sandbox.fail_next(method="POST", path_contains=self.send_path, **fault)

    def fail_draft(self, **fault: Any) -> None:
        self.sandbox.fail_next(method="POST", path_contains=self.draft_path, **fault)

    def lose_answer(self, call: str) -> None:
        """The call takes effect."""
        path = {"create_draft": self.draft_path, "send_draft": self.send_path}[call]
        self.sandbox.fail_next(method="POST", path_contains=path, drop="after")

    def edit_draft(self) -> dict[str, Any]:
        return self.sandbox.edit_draft(ALICE, "Second thoughts.", provider=self.provider)

    def delete_draft(self) -> None:
        self.sandbox.delete_draft(ALICE, provider=self.provider)

    def count_drafts(self) -> int:
        shown = self.sandbox.mailbox(ALICE, provider=self.provider)["messages"]
        return sum("DRAFT" in message["labelIds"] for message in shown)

    def delay_sending(self, seconds: float) -> None:
        raise NotImplementedError

    def deliver(self, **values: Any) -> tuple[str, str]:
        """Return the provider's ids of the message and its thread."""
        raise NotImplementedError

    def without_sending(self) -> MailAdapter:
        raise NotImplementedError

    def limit_rate(self) -> None:
        raise NotImplementedError

    def list_requests(self) -> set[str]:
        """Return the requests, as capabilities declare them."""
        raise NotImplementedError

    def check(self) -> None:
        """Compare the calls with the provider's documents."""


class GmailSendingWorld(SendingWorld):
    provider = "google"
    send_path = "/drafts/send"
    draft_path = "/drafts"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        sandbox.seed(ALICE, size=0, name="Alice Ádám")
        self.adapter = self._open(f"openid email {GMAIL_READONLY} {GMAIL_COMPOSE}")

    def _open(self, scope: str) -> MailAdapter:
        token = self.sandbox.authorize(ALICE, scope)["access_token"]
        return self.open_adapter(token, self.sandbox.url)

    def delay_sending(self, seconds: float) -> None:
        self.sandbox.dial(gmail_send_seconds=seconds)

    def deliver(self, **values: Any) -> tuple[str, str]:
        made = self.sandbox.deliver(ALICE, **values)
        return made["id"], made["threadId"]

    def without_sending(self) -> MailAdapter:
        return self._open(f"openid email {GMAIL_READONLY}")

    def limit_rate(self) -> None:
        self.sandbox.dial(gmail_sends_per_minute=1)

    def list_requests(self) -> set[str]:
        return set(self.sandbox.counters()["calls"])

    def check(self) -> None:
        assert self.sandbox.violations() == []


class GraphSendingWorld(SendingWorld):
    provider = "microsoft"
    send_path = "/send"
    draft_path = "/me/messages"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.microsoft = MicrosoftSandbox(sandbox)
        self.microsoft.register_client()
        self.oid = self.microsoft.seed(ALICE, size=0, name="Alice Ádám")["oid"]
        self.adapter = self._open("openid Mail.Read Mail.ReadWrite Mail.Send")

    def _open(self, scope: str) -> MailAdapter:
        token = self.microsoft.authorize(ALICE, scope)["access_token"]
        return self.open_adapter(token, f"{self.sandbox.url}/v1.0")

    def delay_sending(self, seconds: float) -> None:
        self.sandbox.dial(graph_send_seconds=seconds)

    def deliver(self, **values: Any) -> tuple[str, str]:
        made = self.microsoft.deliver(ALICE, **values)
        message_id = graph_id(self.oid, made["id"])
        [thread] = self.adapter.fetch_messages([FetchTarget(message_id=message_id)])
        return message_id, thread.messages[0].thread_id

    def without_sending(self) -> MailAdapter:
        return self._open("openid Mail.Read")

    def limit_rate(self) -> None:
        self.sandbox.dial(graph_sends_per_minute=1)

    def list_requests(self) -> set[str]:
        requests = self.sandbox.requests("/v1.0")
        return {f"{request['method']} {_without_ids(request['path'])}" for request in requests}


def _without_ids(path: str) -> str:
    return _ID.sub(r"/\1/{id}", path.removeprefix("/v1.0"))
