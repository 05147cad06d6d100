"""What a turn without news takes; and nothing is stored without permission, which comes before."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as limits

from config.process_classes import ProcessClass
from integrations.connections import automatic_disconnect
from integrations.grants.quota_purse import ProviderCallPostponed
from integrations.mail.sync import label_names, mail_quarantine
from integrations.models import Integration, PurgeTrigger, SetAside, SyncWork
from integrations.providers import errors
from limited_use.agreements import consents
from limited_use.models import Leaf
from tests.api import cast
from tests.fakes.mail import FakeMailbox
from tests.walls import acting_as

STORE, CONTENT = "store", "content"
MOST_STATEMENTS, MOST_ENTRIES = 12, 2
# Those with which a household makes its work due, and takes on a worker's rights.
TESTS_OWN = 6
_CONTENT = re.compile(
    r"""\s*(?:INSERT\sINTO|UPDATE)\s+"?integrations_
        (?:message|messagebody|attachment|thread|setaside\b[^;]*remote_id|syncwork\b[^;]*SET
        [^;]*"(?:position|label_names)"\s=\s%s)""",
    re.VERBOSE | re.IGNORECASE,
)


@contextmanager
def observe_statements():
    """Yield what is filled in, in order: permissions to store, and statements with content."""
    seen, statements = [], []

    def record_statement(execute, text, values, many, context):
        if not text.lstrip().upper().startswith(("SAVEPOINT", "RELEASE")):
            statements.append(text)
        if "limited_use_leaf" in text and text.lstrip().startswith("INSERT"):
            written = [
                json.loads(one)
                for one in values
                if isinstance(one, bytes) and one.startswith(b'{"')
            ]
            seen.extend(STORE for one in written if one.get("purpose") == "sync.store")
        elif _CONTENT.match(text) and 'SET "reason"' not in text:
            seen.append(CONTENT)
        return execute(text, values, many, context)

    with connection.execute_wrapper(record_statement):
        yield seen, statements


@pytest.fixture
def synced(alice, mailbox):
    for _ in range(3):
        mailbox.deliver()
    alice.settle()
    return alice


def withdraw_consent(house):
    with acting_as(ProcessClass.WEB, house):
        consents.withdraw(
            person_id=house.user.id,
            organisation_id=house.organisation.id,
            feature="inbox",
            at=timezone.now(),
        )


def list_uses_since(before):
    written = Leaf.objects.exclude(id__in=before).order_by("id")
    found = [json.loads(bytes(one.payload)) for one in written]
    return [(one["event"], one.get("purpose")) for one in found]


class TestATurnWithoutNews:
    def test_asks_twice_and_is_short(self, synced, settings):
        settings.GMAIL_UNITS_PER_MINUTE = 6000
        synced.run()
        before = list(Leaf.objects.values_list("id", flat=True))

        with observe_statements() as (seen, statements):
            synced.run()

        assert seen == []
        assert list_uses_since(before) == [("use.permitted", "connection.maintain")] * MOST_ENTRIES
        assert len(statements) <= MOST_STATEMENTS + TESTS_OWN

    def test_keeps_a_cursor_that_only_moved_with_the_end_of_the_turn(self, synced, mailbox):
        before = bytes(SyncWork.objects.values_list("cursor", flat=True).get())
        ledger = list(Leaf.objects.values_list("id", flat=True))
        mailbox.clock += 1

        with observe_statements() as (seen, statements):
            synced.run()

        assert seen == []
        assert list_uses_since(ledger) == [("use.permitted", "connection.maintain")] * MOST_ENTRIES
        assert bytes(SyncWork.objects.values_list("cursor", flat=True).get()) != before
        assert len(statements) <= MOST_STATEMENTS + TESTS_OWN

    def test_takes_one_statement_more_where_the_cursor_moved(self, synced, mailbox):
        """The key that seals the cursor is read; the cursor is written with the end of the turn."""
        with observe_statements() as (_, still):
            synced.run()
        mailbox.clock += 1
        with observe_statements() as (_, moved):
            synced.run()

        assert len(moved) == len(still) + 1

    def test_keeps_such_a_cursor_when_what_follows_fails(self, synced, mailbox):
        before = bytes(SyncWork.objects.values_list("cursor", flat=True).get())
        mailbox.clock += 1
        SyncWork.objects.update(label_names_blind=None)
        mailbox.failing["labels"] = errors.Unavailable("down", status=503)

        synced.run()

        assert synced.work.failure_count == 1
        assert bytes(SyncWork.objects.values_list("cursor", flat=True).get()) != before

    def test_keeps_no_cursor_once_the_connection_has_ended(self, synced, mailbox):
        before = bytes(SyncWork.objects.values_list("cursor", flat=True).get())
        mailbox.clock += 1
        integration = Integration.objects.get(id=synced.integration.id)

        def disconnect_meanwhile():
            mailbox.meanwhile = None
            with acting_as(ProcessClass.WEB, synced):
                automatic_disconnect.disconnect_in_transaction(
                    integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
                )

        mailbox.meanwhile = disconnect_meanwhile
        synced.run()

        assert bytes(SyncWork.objects.values_list("cursor", flat=True).get()) == before

    def test_is_refused_where_storing_would_be(self, synced, mailbox):
        withdraw_consent(synced)
        mailbox.calls.clear()
        before = list(Leaf.objects.values_list("id", flat=True))

        synced.run()

        assert mailbox.calls == []
        assert ("use.refused", "sync.store") in list_uses_since(before)


class TestNamesOfLabels:
    def test_are_read_after_news_and_once_in_ten_minutes(self, synced, mailbox):
        mailbox.calls.clear()
        synced.run()
        quiet = mailbox.calls.count("labels")
        mailbox.deliver()
        synced.run()
        after_news = mailbox.calls.count("labels")
        SyncWork.objects.update(last_synced_at=synced.at - timedelta(seconds=label_names.EVERY))
        synced.run()

        assert (quiet, after_news, mailbox.calls.count("labels")) == (0, 1, 2)

    def test_are_read_in_the_next_turn_where_the_quota_ended_after_news(self, synced, mailbox):
        mailbox.deliver(label_ids=("INBOX", "Label_9"))
        mailbox.names["Label_9"] = "Taxes"
        mailbox.failing["labels"] = ProviderCallPostponed(1.0)
        synced.run()
        del mailbox.failing["labels"]

        synced.run()

        listed = cast.browser(synced.user).get("/v1/users/me/messages").json()["data"]
        assert ["Taxes"] in [one["labels"] for one in listed]


class EmptyPollWorld:
    """A mailbox at its provider, and everything that may happen to it between two turns."""

    def __init__(self, house, mailbox: FakeMailbox):
        self.house, self.mailbox = house, mailbox

    def some(self, number):
        ids = sorted(self.mailbox.messages)
        return ids[number % len(ids)] if ids else None

    def deliver(self, _):
        return self.mailbox.deliver()

    def deliver_poison(self, number):
        self.mailbox.twisted[self.deliver(number)] = self._refuse

    def _refuse(self, _):
        raise errors.Rejected("unreadable", reason="too-deep")

    def deliver_late(self, number):
        self.mailbox.unreadable[self.deliver(number)] = 1

    def relabel(self, number):
        if (one := self.some(number)) is not None:
            self.mailbox.relabel(one, add=("STARRED",))

    def delete(self, number):
        if (one := self.some(number)) is not None:
            self.mailbox.delete(one)

    def forget(self, _):
        self.mailbox.forget_history()

    def rename(self, number):
        self.mailbox.names["Label_1"] = f"name {number}"

    def move_cursor(self, _):
        self.mailbox.clock += 1

    def ask_again(self, _):
        mail_quarantine.retry_all_quarantined(
            integration_id=self.house.integration.id, at=self.house.at
        )

    def compare(self, _):
        SyncWork.objects.update(reconcile_at=self.house.at)

    def wait(self, number):
        SyncWork.objects.update(last_synced_at=self.house.at - timedelta(minutes=7 * (number % 11)))

    def nothing(self, _):
        pass


_EVENTS = (
    "deliver", "deliver_poison", "deliver_late", "relabel", "delete", "forget", "rename",
    "move_cursor", "ask_again", "compare", "wait", "nothing", "nothing",
)  # fmt: skip


class TestWhateverHappens:
    @pytest.mark.invariant(3)
    @given(
        strategies.lists(
            strategies.tuples(strategies.sampled_from(_EVENTS), strategies.integers(0, 30)),
            min_size=1,
            max_size=6,
        )
    )
    @limits(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_content_is_written_after_permission_and_without_news_there_is_none(
        self, synced, mailbox, events
    ):
        world = EmptyPollWorld(synced, mailbox)
        for name, number in events:
            getattr(world, name)(number)
            with observe_statements() as (seen, _):
                synced.run()

            first = seen.index(CONTENT) if CONTENT in seen else None
            if first is not None:
                # One entry for each class of data, both before anything of it.
                assert seen[:first] == [STORE, STORE]
            if name == "nothing" and not SetAside.objects.exists():
                assert seen == []


class TestARevocation:
    """Between the provider's answer and the write. What a page in a thread meets: `tests/races`."""

    @pytest.fixture
    def during_the_look(self, synced, mailbox):
        """Return what has `act` happen while the provider is asked for changes."""

        def act_during_look(act):
            def act_once():
                mailbox.meanwhile = None
                with acting_as(ProcessClass.WEB, synced):
                    act()

            mailbox.deliver()
            mailbox.meanwhile = act_once
            synced.run()

        return act_during_look

    def test_of_the_agreement_stops_the_write(self, synced, during_the_look):
        before = list(Leaf.objects.values_list("id", flat=True))

        during_the_look(lambda: withdraw_consent(synced))

        assert synced.messages.count() == 3
        assert ("use.refused", "sync.store") in list_uses_since(before)
        assert ("use.permitted", "sync.store") not in list_uses_since(before)

    def test_of_the_connection_stops_the_write(self, synced, during_the_look):
        integration = Integration.objects.get(id=synced.integration.id)

        during_the_look(
            lambda: automatic_disconnect.disconnect_in_transaction(
                integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
            )
        )

        assert synced.messages.count() == 3
