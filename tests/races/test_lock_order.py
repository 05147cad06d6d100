"""Transactions that take locks of one account at the same time: none waits for another for ever."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts import row_owner
from accounts.actors import Actor, ActorKind
from accounts.models import Membership, User
from config.embedded.embedded_service import ROOT
from config.process_classes import ProcessClass
from integrations.access import fences
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import sharing
from integrations.models import (
    AttemptOutcome,
    Integration,
    OutboxCommand,
    OutboxState,
    Watch,
    WatchKind,
)
from integrations.outbox import commands
from integrations.push import desired_watches
from limited_use.agreements import offboarding
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.calendar.local_house import create_local_calendar
from tests.integrations.google import ALICE_BOX, acme, alice, bob, browser_of, google
from tests.integrations.outbox import sending
from tests.integrations.test_two_products import CALENDAR
from tests.races.locks import run_in_session, session, wait_for_waiters
from tests.walls import acting_as

__all__ = ["acme", "alice", "bob", "browser_of", "google"]

transactional = pytest.mark.django_db(transaction=True)
SHORT, LONG = "200ms", "20s"


@pytest.fixture
def connected(transactional_db, browser_of, alice):
    """Return Alice's browser, whose mail is connected, and what comes back to it of calendars."""
    browser = browser_of(alice)
    mail = browser.connect().connection.integrations.get()
    back = browser.sandbox.consent(browser.begin(mail.connection, **CALENDAR), email=ALICE_BOX)
    return browser, mail, back


@transactional
@pytest.mark.scenario("A5")
class TestConnectingASecondProduct:
    """While a sync of the first one commits a watch, whose foreign keys are looked at last."""

    @pytest.mark.parametrize(("of_connect", "of_sync"), [(SHORT, LONG), (LONG, SHORT)])
    def test_waits_for_the_sync_and_is_kept(self, connected, of_connect, of_sync, caplog):
        browser, mail, back = connected
        is_held, may_commit = Event(), Event()

        def sync():
            with (
                row_owner.acting_for(mail.connection.user_id, mail.connection.organisation_id),
                transaction.atomic(durable=True),
            ):
                fences.lock_integration(integration_id=mail.id, epoch=mail.epoch)
                desired_watches.insert_watch(
                    integration=mail, resource="mail", kind=WatchKind.TOPIC, at=timezone.now()
                )
                is_held.set()
                assert may_commit.wait(20)

        with ThreadPoolExecutor(2) as pool:
            syncing = pool.submit(run_in_session, sync, deadlock_timeout=of_sync)
            assert is_held.wait(20)
            arriving = pool.submit(
                run_in_session, partial(browser.arrive, back), deadlock_timeout=of_connect
            )
            # It holds the connection by now, and waits for the integration.
            wait_for_waiters(1)
            may_commit.set()
            syncing.result(60)
            answer = arriving.result(60)

        assert answer.status_code == 303
        assert browser.attempt().outcome == AttemptOutcome.CONNECTED
        assert set(Integration.objects.live().values_list("product", flat=True)) == {
            "mail", "calendar",
        }  # fmt: skip
        assert Watch.objects.get().integration_id == mail.id
        # Not by a second try: nobody waited in a circle.
        assert "database.contended" not in caplog.messages

    def test_is_kept_although_a_deadlock_ends_its_first_try(self, connected):
        browser, mail, back = connected
        lock_integration = "SELECT 1 FROM integrations_integration WHERE id = %s FOR UPDATE"
        lock_connection = "SELECT 1 FROM integrations_connection WHERE id = %s FOR UPDATE"

        with ThreadPoolExecutor(2) as pool, session(deadlock_timeout=LONG) as other:
            other.execute(lock_integration, [mail.id])
            arriving = pool.submit(
                run_in_session, lambda: browser.arrive(back), deadlock_timeout="1s"
            )
            wait_for_waiters(1)
            # In the wrong order: it is given this once the connect was ended.
            other.execute(lock_connection, [mail.connection_id])
            assert not arriving.done()
            other.rollback()
            answer = arriving.result(30)

        assert answer.status_code == 303
        assert browser.attempt().outcome == AttemptOutcome.CONNECTED


@transactional
class TestADeactivation:
    def test_lets_a_connect_commit_that_has_begun(self, browser_of, alice):
        """The connect inserts a row whose foreign key is the person that is being locked."""
        browser = browser_of(alice)
        back = browser.sandbox.consent(browser.begin(), email=ALICE_BOX)

        with ThreadPoolExecutor(2) as pool, session(lock_timeout="5s") as connect:
            connect.execute(
                "SELECT 1 FROM accounts_membership WHERE user_id = %s FOR NO KEY UPDATE", [alice.id]
            )
            leaving = pool.submit(
                run_in_session,
                lambda: offboarding.deactivate_person(user_id=alice.id, at=timezone.now()),
                deadlock_timeout=LONG,
            )  # fmt: skip
            wait_for_waiters(1)
            # What PostgreSQL does for the foreign key of an inserted row.
            connect.execute("SELECT 1 FROM accounts_user WHERE id = %s FOR KEY SHARE", [alice.id])
            connect.commit()
            leaving.result(30)
            browser.arrive(back)

        assert not User.objects.get(id=alice.id).is_active
        assert not Integration.objects.exists()


@transactional
class TestTwoWhoShareWithEachOther:
    def test_both_share(self, alice, bob):
        shares = [sharing_of(alice, bob), sharing_of(bob, alice)]

        with ThreadPoolExecutor(2) as pool, session() as ledger:
            # Both have begun, and wait for what they write next.
            ledger.execute("LOCK TABLE limited_use_leaf IN SHARE MODE")
            sharing_now = [
                pool.submit(run_in_session, share, deadlock_timeout=SHORT) for share in shares
            ]
            wait_for_waiters(2)
            ledger.commit()
            for one in sharing_now:
                one.result(30)

        assert Share.objects.filter(withdrawn_at=None).count() == 2


def sharing_of(person, viewer):
    """Return what shares a new calendar of one person with another."""
    EmailAddress.objects.create(user=viewer, email=viewer.email, verified=True, primary=True)
    membership = Membership.objects.get(user=person)
    actor = Actor(
        kind=ActorKind.PERSON,
        id=person.id,
        user_id=person.id,
        organisation_id=membership.organisation_id,
        membership_id=membership.id,
        membership_epoch=membership.epoch,
    )
    with row_owner.acting_for(person.id, membership.organisation_id):
        calendar_id = create_local_calendar(actor)

    def share():
        with row_owner.acting_for(person.id, membership.organisation_id):
            sharing.share_calendar(
                actor=actor,
                calendar_id=calendar_id,
                email=viewer.email,
                level=ShareLevel.FREEBUSY,
                version=FEATURES[sharing.FEATURE].version,
                at=timezone.now(),
            )

    return share


@transactional
@pytest.mark.invariant(9)
class TestAnUnknownMessage:
    @pytest.fixture
    def house(self, db, monkeypatch):
        houses.provided(monkeypatch, FakeMailbox(email="alice@gmail.example"))
        return sending.allow_sending(houses.household(features=("inbox", "mail-sending")))

    @pytest.mark.parametrize("settle", [commands.settle_as_sent, commands.discard_command])
    def test_that_is_settled_while_it_is_sent_again_is_settled(self, house, settle):
        command = sending.order(house)
        OutboxCommand.objects.filter(id=command.id).update(
            state=OutboxState.UNKNOWN, sending_at=timezone.now(), due_at=None
        )
        owner = {"user_id": house.user.id, "organisation_id": house.organisation.id}

        def settle_message():
            with acting_as(ProcessClass.WEB, house):
                settle(command.id, **owner, at=timezone.now())

        def send_again():
            with pytest.raises(ObjectNotFound):
                sending.order(house, sending.write(replaces=command.id))

        with ThreadPoolExecutor(2) as pool, session() as other:
            # Settling has locked its rows by now, and deletes files next.
            other.execute("LOCK TABLE integrations_upload IN ACCESS EXCLUSIVE MODE")
            settling = pool.submit(run_in_session, settle_message, deadlock_timeout=SHORT)
            wait_for_waiters(1)
            again = pool.submit(run_in_session, send_again, deadlock_timeout=SHORT)
            wait_for_waiters(2)
            other.commit()
            settling.result(30)
            again.result(30)

        assert not OutboxCommand.objects.exclude(state=OutboxState.SENT).exists()


class TestRowLocks:
    #: Modules that delete a row which they have locked: that takes the stronger lock.
    DELETE = frozenset(
        {"integrations/calendar/sync/cache_eviction.py", "integrations/calendar/local_calendars.py"}
    )

    def test_leave_foreign_keys_alone(self):
        """A row lock is FOR NO KEY UPDATE, or inserting what belongs to the row would wait."""
        strong = {
            str(path.relative_to(ROOT))
            for package in ("accounts", "integrations", "limited_use")
            for path in (ROOT / package).rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith(".select_for_update")
            and "no_key" not in {keyword.arg for keyword in node.keywords}
        }

        assert strong == self.DELETE
