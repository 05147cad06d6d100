"""A message that cannot be prepared, stored or read stops none of its neighbours."""

from __future__ import annotations

import typing
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DataError, InterfaceError, OperationalError
from django.test import Client
from django.urls import reverse

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations.connections import status_messages
from integrations.coordination.leases import LeaseLost
from integrations.mail.sync import bad_messages, mail_quarantine, mail_reconciliation
from integrations.models import (
    IntegrationStatus,
    Message,
    MessageBody,
    SetAside,
    StatusReason,
    SyncWork,
    Thread,
)
from integrations.parsers.parser_frames import UnreadableReason
from integrations.parsers.parser_pool import ParsersBusy, ParsersUnavailable
from integrations.providers import errors
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from limited_use.vault.record_compression import RecordTooLarge
from tests.fakes.mail import KilledDuringFetch
from tests.walls import acting_as

pytestmark = [pytest.mark.invariant(8, 13)]

LEASE = timedelta(seconds=60)
ASIDE = (IntegrationStatus.DEGRADED, StatusReason.QUARANTINED_ITEMS)
UNEXPECTED = (IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)
ACTIVE = (IntegrationStatus.ACTIVE, StatusReason.NONE)
HALF = "\ud800"


def mail(**changed):
    """Return how a message is changed in what was read of it."""
    return lambda remote: replace(remote, mail=replace(remote.mail, **changed))


def remote(**changed):
    return lambda remote: replace(remote, **changed)


def filed(**changed):
    return lambda remote: replace(remote, filing=replace(remote.filing, **changed))


#: What a reader might let through, by what it breaks.
PREPARING = {
    "half a character in the subject": mail(subject=HALF),
    "half a character in the text": mail(text=HALF),
    "half a character in a header": mail(headers=((HALF, "x"),)),
    "half a character in the Message-ID": mail(message_id=HALF),
    "half a character in its thread's id": remote(thread_id=HALF),
    "an object in the subject": mail(subject=object()),
    "no attachments at all": mail(attachments=None),
    "a text of 70 MB": mail(html="x" * 70_000_000),
}
STORING = {
    "a size beyond its column": remote(size=10**30),
    "a size of another kind": remote(size="large"),
    "a size that is infinite": remote(size=float("inf")),
    "a folder with a null byte": filed(folders=("inbox", "a\x00b")),
    "half a character in a folder": filed(folders=("inbox", HALF)),
    "a folder longer than its column": filed(folders=("inbox", "x" * 10_000)),
    "no size": remote(size=None),
}


@pytest.fixture
def synced(alice, mailbox):
    mailbox.deliver()
    alice.settle()
    return alice


class TestAMessageThatCannotBeStored:
    @pytest.mark.parametrize("case", PREPARING | STORING)
    def test_is_set_aside_and_its_neighbours_arrive_in_the_same_turn(self, synced, mailbox, case):
        mailbox.deliver()
        culprit = mailbox.deliver()
        mailbox.deliver()
        mailbox.twisted[culprit] = (PREPARING | STORING)[case]

        synced.run()

        row = SetAside.objects.get()
        assert row.reason == ("too-large" if case == "a text of 70 MB" else "not-storable")
        assert synced.messages.count() == 3 == MessageBody.objects.count()
        assert Thread.objects.count() == 3
        assert (synced.work.crash_count, synced.status) == (0, ASIDE)

    @pytest.mark.parametrize("case", ["half a character in the text", "a size beyond its column"])
    def test_in_the_first_sync_does_not_hold_it_up(self, alice, mailbox, case):
        ids = [mailbox.deliver() for _ in range(5)]
        for culprit in ids[1:3]:
            mailbox.twisted[culprit] = (PREPARING | STORING)[case]

        alice.settle()

        assert (alice.messages.count(), SetAside.objects.count()) == (3, 2)
        assert alice.work.first_synced_at is not None

    def test_leaves_what_was_stored_of_it_before(self, synced, mailbox):
        (known,) = mailbox.messages
        before = MessageBody.objects.get().content.ciphertext
        mailbox.twisted[known] = remote(size=10**30)
        mailbox.relabel(known, add=("TRASH",))
        mailbox.relabel(known, remove=("TRASH",))

        synced.settle()

        assert MessageBody.objects.get().content.ciphertext == before
        assert (Message.objects.count(), SetAside.objects.count()) == (1, 1)

    def test_is_told_to_the_operator_once_a_day(self, synced, mailbox):
        for _ in range(3):
            mailbox.twisted[mailbox.deliver()] = mail(subject=HALF)
            synced.run()

        (alarm,) = Alarm.objects.filter(kind=bad_messages.ALARM)
        assert alarm.about == synced.integration.id

    def test_arrives_when_it_is_asked_for_again_and_mended(self, synced, mailbox):
        culprit = mailbox.deliver()
        mailbox.twisted[culprit] = mail(subject=HALF)
        synced.run()
        mailbox.twisted.clear()

        mail_quarantine.retry_all_quarantined(integration_id=synced.integration.id, at=synced.at)
        synced.settle()

        assert (synced.messages.count(), synced.status) == (2, ACTIVE)
        assert not SetAside.objects.exists()

    def test_stays_set_aside_when_it_is_asked_for_again_and_not_mended(self, synced, mailbox):
        mailbox.twisted[mailbox.deliver()] = mail(subject=HALF)
        synced.run()

        mail_quarantine.retry_all_quarantined(integration_id=synced.integration.id, at=synced.at)
        synced.settle()

        assert SetAside.objects.get().reason == "not-storable"
        assert synced.messages.count() == 1


class TestAMessageThatIsAskedForAgain:
    @pytest.mark.parametrize(
        ("error", "found"),
        [
            (errors.Unavailable("down"), (mail_quarantine.DELAYED, 1)),
            (ParsersBusy(), ("not-storable", 0)),
        ],
    )
    def test_is_not_lost_while_it_cannot_be_asked_for(self, synced, mailbox, error, found):
        culprit = mailbox.deliver()
        mailbox.twisted[culprit] = mail(subject=HALF)
        synced.run()
        mailbox.twisted[culprit] = raising(error)
        mail_quarantine.retry_all_quarantined(integration_id=synced.integration.id, at=synced.at)

        synced.run()

        row = SetAside.objects.get()
        assert (row.reason, row.try_count) == found
        # As if the time of the next try had come.
        SetAside.objects.exclude(next_try_at=None).update(next_try_at=synced.at)
        mailbox.twisted.clear()
        synced.settle()
        assert (synced.messages.count(), SetAside.objects.count()) == (2, 0)


class TestFlagsThatCannotBeStored:
    @pytest.mark.parametrize("folder", ["x" * 10_000, "a\x00b", HALF])
    def test_set_their_message_aside_and_the_others_change(self, synced, mailbox, folder):
        first, second, third = (mailbox.deliver() for _ in range(3))
        synced.settle()
        for message_id in (first, second, third):
            mailbox.relabel(message_id, add=("STARRED",))
        filing = mailbox.messages[second].filing
        mailbox.refiled[second] = replace(filing, folders=("inbox", folder))

        synced.run()

        assert synced.messages.filter(is_starred=True).count() == 2
        assert SetAside.objects.get().reason == "not-storable"
        assert synced.work.crash_count == 0

    def test_of_a_message_that_is_asked_for_again_arrive_with_it(self, synced, mailbox):
        (known,) = mailbox.messages
        mailbox.relabel(known, add=("STARRED",))
        mailbox.refiled[known] = replace(mailbox.messages[known].filing, folders=(HALF,))
        synced.run()

        mail_quarantine.retry_all_quarantined(integration_id=synced.integration.id, at=synced.at)
        synced.settle()

        assert synced.messages.filter(is_starred=True).count() == 1
        assert not SetAside.objects.exists()


class TestIdsThatAreNoText:
    def test_of_a_listing_are_set_aside_without_being_asked_for(self, alice, mailbox):
        mailbox.deliver()
        mailbox.deliver(message_id=HALF)
        mailbox.deliver(message_id="a\x00b", thread="t")
        mailbox.deliver(thread=HALF)

        alice.settle()

        assert {row.reason for row in SetAside.objects.all()} == {"undecodable", "not-storable"}
        assert SetAside.objects.count() == 3
        assert alice.messages.count() == 1
        calls = mailbox.calls.count("fetch")
        alice.settle()
        assert mailbox.calls.count("fetch") == calls

    def test_of_changes_are_passed_by(self, synced, mailbox):
        mailbox.deliver(message_id=HALF)
        mailbox.relabel(HALF, add=("STARRED",))
        mailbox.deliver(message_id=HALF + "2")
        mailbox.delete(HALF + "2")
        mailbox.deliver()

        synced.settle()
        mail_reconciliation.request_reconciliation(
            integration_id=synced.integration.id, at=synced.at
        )
        synced.settle()

        assert synced.messages.count() == 2
        assert SetAside.objects.get().reason == "undecodable"

    def test_of_labels_do_not_stop_them(self, synced, mailbox):
        mailbox.names = {"Label_1": HALF}
        first = mailbox.deliver(label_ids=("INBOX", "Label_1"))
        synced.run()
        mailbox.relabel(first, add=("STARRED",))

        synced.run()

        assert synced.messages.filter(is_starred=True).count() == 1


class TestErrorsOfOneMessage:
    @pytest.mark.parametrize(
        "error",
        [
            OperationalError("down"),
            InterfaceError("closed"),
            KeyStoreUnavailable("down"),
            errors.Unavailable("down"),
            LeaseLost(),
            ParsersBusy(),
            ParsersUnavailable(),
            MemoryError(),
        ],
    )
    def test_of_all_messages_are_raised_again(self, error):
        with pytest.raises(type(error)):
            bad_messages.get_quarantine_reason(error)

    @pytest.mark.parametrize("error", [DataError("x"), UnicodeError("x"), TypeError("x")])
    def test_of_one_message_are_a_reason(self, error):
        assert bad_messages.get_quarantine_reason(error) == "not-storable"
        assert bad_messages.get_quarantine_reason(RecordTooLarge()) == "too-large"


def die(message):
    raise KilledDuringFetch


def crash(message):
    raise RuntimeError("a bug that a message finds")


def run_turns(house, count=20):
    """Let workers have turns, as they come: a dead one's lease runs out before the next."""
    for _ in range(count):
        work = house.work
        house.at = max(house.at, work.next_sync_at, work.lease_until or house.at)
        try:
            again = house.run(travelled=True)
        except (KilledDuringFetch, RuntimeError):
            house.at += timedelta(minutes=20)
            continue
        if not again:
            return
    raise AssertionError("still due")


@pytest.mark.parametrize("ends", [die, crash])
class TestAMessageThatAWorkerDiesOf:
    def test_is_found_and_set_aside_and_its_neighbours_arrive(self, synced, mailbox, ends):
        for _ in range(3):
            mailbox.deliver()
        culprit = mailbox.deliver()
        for _ in range(3):
            mailbox.deliver()
        mailbox.twisted[culprit] = ends

        run_turns(synced)

        assert synced.messages.count() == 7
        row = SetAside.objects.get()
        assert (row.reason, row.try_count) == ("crashed", 1)
        assert (synced.status, synced.work.crash_count) == (ASIDE, 0)

    def test_in_the_first_sync_does_not_stop_it(self, alice, mailbox, ends):
        mailbox.page_size = 3
        ids = [mailbox.deliver(thread=f"t{number // 4}") for number in range(12)]
        for culprit in (ids[0], ids[6]):
            mailbox.twisted[culprit] = ends

        run_turns(alice, 40)

        assert (alice.messages.count(), SetAside.objects.count()) == (10, 2)
        assert alice.work.first_synced_at is not None

    def test_is_set_aside_by_the_turn_that_ends_with_it(self, synced, mailbox, ends):
        culprit = mailbox.deliver()
        mailbox.twisted[culprit] = ends
        seen = []
        for _ in range(3):
            with pytest.raises((KilledDuringFetch, RuntimeError)):
                synced.run(travelled=True)
            synced.at += timedelta(minutes=20)
            seen.append(list(SetAside.objects.values_list("reason", flat=True)))

        # Noted in a commit of its own: nothing was written after the worker died.
        assert seen == [[], [], ["crashed"]]

    def test_takes_down_no_more_than_one_turn_when_it_is_asked_for_again(
        self, synced, mailbox, ends
    ):
        mailbox.twisted[mailbox.deliver()] = ends
        run_turns(synced)
        mailbox.deliver()

        mail_quarantine.retry_all_quarantined(integration_id=synced.integration.id, at=synced.at)
        run_turns(synced, 2)

        assert SetAside.objects.get().reason == "crashed"
        assert synced.messages.count() == 2

    def test_is_shown_to_its_owner_and_operators_learn_of_the_crashes(self, synced, mailbox, ends):
        mailbox.twisted[mailbox.deliver()] = ends

        run_turns(synced)

        assert Alarm.objects.filter(kind="sync.crashing").count() == 1
        assert "Antares stopped while it read this message." in details(synced)


def details(house) -> str:
    browser = Client()
    browser.force_login(house.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    with acting_as(ProcessClass.WEB):
        return browser.get(reverse("settings-details", args=[house.integration.id])).text


class TestACarefulTurn:
    def be_careful(self, house, times=2):
        SyncWork.objects.update(crash_count=times, failure_count=times)

    def test_fetches_one_message_at_a_time_and_is_the_last(self, synced, mailbox):
        thread = mailbox.messages[mailbox.deliver()].ref.thread_id
        for _ in range(4):
            mailbox.deliver(thread=thread)
        self.be_careful(synced)
        mailbox.calls.clear()

        synced.run()

        assert (mailbox.calls.count("fetch"), mailbox.calls.count("fetch_thread")) == (5, 0)
        assert (synced.work.crash_count, SetAside.objects.count()) == (0, 0)
        assert synced.messages.count() == 6

    @pytest.mark.parametrize(
        "error",
        [
            errors.Unavailable("down"),
            errors.RateLimited("slow"),
            ParsersBusy(),
            ParsersUnavailable(),
        ],
    )
    def test_blames_no_message_for_what_concerns_all(self, synced, mailbox, error):
        mailbox.deliver()
        self.be_careful(synced)
        mailbox.twisted[list(mailbox.messages)[-1]] = raising(error)

        with (
            pytest.raises(ParsersUnavailable)
            if isinstance(error, ParsersUnavailable)
            else nothing()
        ):
            synced.run()

        assert not SetAside.objects.exists()
        mailbox.twisted.clear()
        run_turns(synced)
        assert (synced.messages.count(), synced.status) == (2, ACTIVE)

    def test_blames_no_message_for_labels_that_cannot_be_read(self, synced, mailbox):
        mailbox.deliver(label_ids=("INBOX", "Label_1"))
        mailbox.failing["labels"] = RuntimeError("a bug")
        for _ in range(4):
            with pytest.raises(RuntimeError):
                synced.run()

        assert not SetAside.objects.exists()
        assert synced.status == UNEXPECTED
        mailbox.failing.clear()
        run_turns(synced)
        assert (synced.messages.count(), synced.status) == (2, ACTIVE)

    def test_blames_one_message_a_turn_where_none_can_be_read(self, synced, mailbox):
        for _ in range(5):
            mailbox.twisted[mailbox.deliver()] = crash
        for _ in range(4):
            with pytest.raises(RuntimeError):
                synced.run()

        # Two before it was careful.
        assert SetAside.objects.count() == 2
        assert synced.status == UNEXPECTED


def raising(error):
    def _raise(message):
        raise error

    return _raise


class nothing:  # noqa: N801 - as contextlib.nullcontext
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False


class TestTheDailyRound:
    def test_tries_a_few_that_crashed_again_for_a_week(self, synced, mailbox):
        for _ in range(5):
            mailbox.twisted[mailbox.deliver()] = die
        run_turns(synced, 40)
        assert SetAside.objects.filter(reason="crashed").count() == 5
        mailbox.twisted.clear()

        mail_quarantine.retry_temporary(integration_id=synced.integration.id, at=synced.at)
        run_turns(synced)
        assert SetAside.objects.count() == 2

        late = synced.at + timedelta(days=8)
        assert mail_quarantine.retry_temporary(integration_id=synced.integration.id, at=late) == 0


class TestCrashesOutsideOfMessages:
    @pytest.mark.parametrize("where", ["changes", "list_page", "profile", "labels"])
    def test_three_in_a_row_are_a_state_and_an_alarm(self, alice, mailbox, where):
        mailbox.deliver(label_ids=("INBOX", "Label_1"))
        mailbox.failing[where] = RuntimeError("a bug")

        for _ in range(3):
            with pytest.raises(RuntimeError):
                alice.run()

        assert alice.status == UNEXPECTED
        assert Alarm.objects.get(kind="sync.crashing").body["crashes"] == 3
        mailbox.failing.clear()
        run_turns(alice)
        assert (alice.status, alice.messages.count()) == (ACTIVE, 1)


class TestACrashAfterTheWorkWasGivenBack:
    def test_counts_as_one(self, synced, mailbox):
        mailbox.failing["close"] = RuntimeError("a bug")
        for _ in range(3):
            with pytest.raises(RuntimeError):
                synced.run()

        assert synced.status == UNEXPECTED
        assert (synced.work.crash_count, synced.work.failure_count) == (3, 3)
        assert synced.work.failing_since is not None
        assert Alarm.objects.filter(kind="sync.crashing").exists()
        assert synced.work.next_sync_at > synced.at

    def test_is_over_with_the_next_turn(self, synced, mailbox):
        mailbox.failing["close"] = RuntimeError("a bug")
        with pytest.raises(RuntimeError):
            synced.run()
        mailbox.failing.clear()
        mailbox.deliver()

        synced.settle()

        assert (synced.status, synced.work.crash_count) == (ACTIVE, 0)
        assert synced.messages.count() == 2


class TestEveryReason:
    def test_has_words_that_say_what_it_means(self):
        said = {
            one
            for group in typing.get_args(UnreadableReason)
            for one in typing.get_args(group) or [group]
        }
        said |= {
            bad_messages.TOO_LARGE,
            bad_messages.NOT_STORABLE,
            bad_messages.UNDECODABLE,
            bad_messages.CRASHED,
        }
        said |= {*mail_quarantine.TEMPORARY_REASONS, "rejected"}

        assert said == set(status_messages.QUARANTINE_REASONS)
        assert len(set(status_messages.QUARANTINE_REASONS.values())) == len(
            status_messages.QUARANTINE_REASONS
        )
