"""Alice's mailbox in memory, from which she may send."""

from __future__ import annotations

import pytest

from integrations.formats.mime.addresses import MailAddress
from integrations.providers.outgoing_mail import SendAddress
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.outbox import sending
from tests.integrations.sync.conftest import keyring

__all__ = ["keyring"]


@pytest.fixture
def mailbox(monkeypatch):
    mailbox = FakeMailbox(email="alice@gmail.example")
    mailbox.send_addresses.append(
        SendAddress(MailAddress("Alice", "alice@gmail.example"), "Alice Adler", is_default=True)
    )
    return houses.provided(monkeypatch, mailbox)


@pytest.fixture
def alice(db, mailbox):
    return sending.allow_sending(houses.household(features=("inbox", "mail-sending")))
