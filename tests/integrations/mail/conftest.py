"""Alice with mail that a sync brought in, and Mallory, a stranger."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.mail import RequestContext
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.sync.conftest import keyring

__all__ = ["keyring"]

MAIL = b"""From: "Bob B" <bob@example.test>
To: alice@gmail.example
Cc: Carol <carol@example.test>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <one@example.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<p onclick="steal()">Hello <b>Alice</b><script>steal()</script>
<img src="https://tracker.example/p.png"></p>
--b
Content-Type: application/pdf; name="../plan.pdf"
Content-Disposition: attachment; filename="../plan.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b--
"""


@pytest.fixture
def mailbox(monkeypatch):
    return houses.provided(monkeypatch, FakeMailbox())


@pytest.fixture
def alice(db, mailbox):
    return houses.household()


@pytest.fixture
def mallory(db):
    return houses.household()


@pytest.fixture
def filled(alice, mailbox):
    """Seven messages in five threads, one of them rich."""
    now = timezone.now()
    mailbox.deliver(MAIL, at=now - timedelta(hours=1), label_ids=("INBOX", "UNREAD", "STARRED"))
    for hour in (2, 3, 4):
        mailbox.deliver(at=now - timedelta(hours=hour), thread="long", label_ids=("INBOX",))
    mailbox.deliver(at=now - timedelta(hours=5), label_ids=("SENT",))
    mailbox.deliver(at=now - timedelta(hours=6), label_ids=("INBOX", "UNREAD"))
    mailbox.deliver(at=now - timedelta(hours=7), label_ids=("IMPORTANT",))
    alice.settle()
    return alice


def make_context(house, at=None, *, whose=None) -> RequestContext:
    return RequestContext(house.actor, (whose or house).user.id, at or timezone.now())
