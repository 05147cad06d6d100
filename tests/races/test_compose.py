"""One form of a message, sent by many requests at once: by an impatient click, or two tabs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections as databases
from django.utils import timezone

from integrations.mail.sending import compose_base
from integrations.models import OutboxCommand, OutgoingCount, OutgoingKind
from tests.api import cast
from tests.integrations.outbox import sending
from tests.integrations.outbox.conftest import alice, mailbox
from tests.integrations.purge.conftest import keyring

__all__ = ["alice", "keyring", "mailbox"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.invariant(9)]
MANY = 4


def post_at_once(alice, forms):
    """Send the forms by requests that begin together; return the statuses."""
    browsers = [cast.browser(alice.user) for _ in forms]
    barrier = threading.Barrier(len(forms))

    def post(browser, form):
        try:
            barrier.wait(20)
            return browser.post("/inbox/compose/", form).status_code
        finally:
            databases.close_all()

    with ThreadPoolExecutor(len(forms)) as pool:
        return list(pool.map(post, browsers, forms))


def begin_edit(alice):
    """Return a message that was taken back, and the form that sends it with another text."""
    command = sending.order(alice, undo_seconds=30)
    sending.undo(alice, command)
    return command, {
        "to": "bob@example.test",
        "text": "Better",
        "request_key": uuid4().hex,
        "command": str(command.id),
    }


class TestForm:
    def test_sent_at_once_orders_one_message(self, alice):
        form = {"to": "bob@example.test", "text": "Hello", "request_key": uuid4().hex}

        assert post_at_once(alice, [form] * MANY) == [303] * MANY

        assert OutboxCommand.objects.count() == 1
        assert OutgoingCount.objects.count() == 1

    def test_of_an_edited_message_orders_one_message(self, alice):
        command, form = begin_edit(alice)

        assert post_at_once(alice, [form] * MANY) == [303] * MANY

        assert OutboxCommand.objects.get().id != command.id

    def test_of_an_edited_message_ends_alike_whichever_request_comes_first(
        self, alice, monkeypatch
    ):
        command, form = begin_edit(alice)
        browser, find = cast.browser(alice.user), compose_base.find_compose_base
        others = []

        def find_after_the_other(*args):
            if not others:
                others.append(None)
                others.append(cast.browser(alice.user).post("/inbox/compose/", form).status_code)
            return find(*args)

        monkeypatch.setattr(compose_base, "find_compose_base", find_after_the_other)

        assert browser.post("/inbox/compose/", form).status_code == 303

        assert others == [None, 303]
        assert OutboxCommand.objects.get().id != command.id

    def test_of_two_tabs_edits_a_message_once(self, alice):
        command = sending.order(alice, undo_seconds=30)
        sending.undo(alice, command)
        forms = [
            {"to": "bob@example.test", "text": text, "command": str(command.id)}
            for text in ("First", "Second")
        ]

        assert sorted(post_at_once(alice, forms)) in ([303, 404], [303, 409])

        assert OutboxCommand.objects.count() == 1

    def test_cannot_exceed_the_bound_together(self, alice):
        OutgoingCount.objects.bulk_create(
            OutgoingCount(
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                kind=OutgoingKind.MAIL,
                recipient_count=1,
                counted_at=timezone.now(),
            )
            for _ in range(99)
        )
        forms = [{"to": "bob@example.test", "text": f"Text {number}"} for number in range(MANY)]

        assert sorted(post_at_once(alice, forms)) == [303, *[403] * (MANY - 1)]

        assert OutboxCommand.objects.count() == 1
