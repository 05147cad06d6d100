"""One message whose bytes were changed here: its neighbours are shown, and an operator is told."""

from __future__ import annotations

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Alarm
from integrations import mail
from integrations.mail import MailFilters, messages
from integrations.models import Message, MessageBody
from limited_use.models import DataKey
from limited_use.vault import data_keys
from limited_use.vault.envelope import KeyDamaged, Unopenable
from limited_use.vault.fields import StoredCiphertext
from tests.integrations import household as houses
from tests.integrations.mail.conftest import make_context

pytestmark = pytest.mark.invariant(8)


@pytest.fixture
def damaged(filled):
    """Return the newest message, of whose summary a bit was flipped in the table."""
    message = Message.objects.order_by("-received_at").first()
    (raw,) = Message.objects.filter(id=message.id).values_list("summary", flat=True)
    flip(message, "summary", bytes(raw))
    return message


def flip(row, column, raw):
    row.__dict__[column] = StoredCiphertext(raw[:-1] + bytes([raw[-1] ^ 1]))
    row.save(update_fields=[column])


class TestAList:
    def test_shows_the_others_and_says_that_one_does_not_open(self, filled, damaged):
        page = orjson.loads(mail.list_messages(make_context(filled), MailFilters()))

        first, *others = page["data"]
        assert len(others) == 6
        assert first["id"] == str(damaged.id)
        assert (first["subject"], first["snippet"]) == ("", messages.DAMAGED_SUMMARY)
        assert first["date"]
        assert all(one["subject"] for one in others)

    def test_of_conversations_does_too(self, filled, damaged):
        page = orjson.loads(mail.list_threads(make_context(filled), MailFilters()))

        assert [one["snippet"] == messages.DAMAGED_SUMMARY for one in page["data"]] == [
            True, False, False, False, False,
        ]  # fmt: skip

    def test_is_on_the_pages(self, filled, damaged):
        browser = Client()
        browser.force_login(filled.user)

        for address in ("/inbox/?folder=all", f"/inbox/threads/{damaged.thread_id}/"):
            assert "Antares cannot open this message" in browser.get(address).text

    @pytest.mark.claim("open.damaged")
    @pytest.mark.clause("AN-19")
    def test_tells_an_operator_once_a_day(self, filled, damaged):
        for _ in range(3):
            mail.list_messages(make_context(filled), MailFilters())

        (alarm,) = Alarm.objects.filter(kind="record.damaged")
        assert alarm.about == damaged.id
        assert alarm.body == {"holder": str(filled.integration.id), "column": "summary"}


class TestTheMessageItself:
    @pytest.mark.invariant(2)
    @pytest.mark.control("4.1.4")
    def test_does_not_open(self, filled, damaged):
        with pytest.raises(Unopenable):
            mail.read_message(make_context(filled), damaged.id)

    @pytest.mark.invariant(2)
    def test_is_not_shown_in_part(self, filled):
        body = MessageBody.objects.select_related("message").first()
        (raw,) = MessageBody.objects.filter(pk=body.pk).values_list("shown", flat=True)
        flip(body, "shown", bytes(raw))

        with pytest.raises(Unopenable):
            mail.read_message(make_context(filled, timezone.now()), body.message_id)


@pytest.fixture
def second(filled, mailbox):
    """Return another mailbox of hers, which has the same mail under a key of its own."""
    who = (filled.user, filled.organisation, filled.membership)
    house = houses.household(who=who)
    house.settle()
    return house


@pytest.fixture
def damaged_key(second):
    """The key of her second mailbox is there, and does not unwrap any more."""
    DataKey.objects.filter(holder=second.integration.id).update(wrapped=b"\1" * 60)
    data_keys.drop_cached_keys()
    return second


class TestAKey:
    def test_closes_its_mailbox_and_no_other(self, filled, damaged_key):
        page = orjson.loads(mail.list_messages(make_context(filled), MailFilters()))

        closed = [one for one in page["data"] if one["snippet"] == messages.DAMAGED_SUMMARY]
        assert (len(page["data"]), len(closed)) == (14, 7)
        assert {one["connection_id"] for one in closed} == {str(damaged_key.connection.id)}
        assert all(one["date"] and not one["subject"] and not one["labels"] for one in closed)

    def test_is_said_on_the_pages(self, filled, damaged_key):
        browser = Client()
        browser.force_login(filled.user)
        thread = damaged_key.messages.first().thread_id

        for address in ("/inbox/?folder=all", f"/inbox/threads/{thread}/"):
            assert "Antares cannot open this message" in browser.get(address).text

    @pytest.mark.clause("AN-19")
    def test_is_one_alarm_however_many_rows_are_under_it(self, filled, damaged_key):
        for _ in range(3):
            mail.list_messages(make_context(filled), MailFilters())

        (alarm,) = Alarm.objects.all()
        assert (alarm.kind, alarm.about) == ("key.damaged", damaged_key.integration.id)

    @pytest.mark.invariant(2)
    def test_opens_no_message_of_it(self, filled, damaged_key):
        with pytest.raises(KeyDamaged):
            mail.read_message(make_context(filled), damaged_key.messages.first().id)
