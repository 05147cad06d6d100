"""Notices in the owner's own mailbox: from it to itself, while the owner wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import User
from config.process_classes import ProcessClass
from integrations.access import facts
from integrations.access.facts import NoticeChoice
from integrations.connections import connection_operations, consents
from integrations.models import (
    Connection,
    ConnectionStatus,
    IntegrationStatus,
    NoticeChannel,
    NoticePreference,
    OutboxCommand,
    OutboxKind,
    OutboxProblem,
    OutboxState,
    OutgoingCount,
    OwnerNotice,
    StatusReason,
)
from integrations.notifications import notice_kinds, notice_preferences, notice_stop_links, notify
from integrations.notifications.notice_details import NoticeDetails
from integrations.outbox import notice_mail
from integrations.providers import PROVIDERS, errors
from integrations.settings.notices import stop_views
from integrations.tasks.notices import deliver_notice, mail_notice_to_mailbox, sweep_notices
from integrations.tasks.outbox import clear_outbox
from limited_use.models import Consent
from limited_use.policy.policy_vocabulary import Fact
from tests.broker import record_messages
from tests.database_rows import TABLES_OF_A_RECORD, dump_tables, list_changed_tables
from tests.factories import (
    make_connection,
    make_consent,
    make_integration,
    make_keyring,
    make_organisation,
    make_user,
)
from tests.integrations import google, microsoft
from tests.integrations import household as houses
from tests.integrations.household import Household
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock
from tests.integrations.outbox.test_dispatch import REPORT
from tests.walls import acting_as
from tests.worlds.sandbox import REDIRECT_URI

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.clause("AN-13"),
    pytest.mark.invariant(15),
]
KIND = "calendar_shared"


@pytest.fixture
def alice(db, mailbox):
    house = sending.allow_sending(houses.household(features=("inbox", "mailbox-notices")))
    choose(house, KIND)
    return house


def owner(house):
    return {"user_id": house.user.id, "organisation_id": house.organisation.id}


def choose(house, kind, channel=NoticeChannel.MAILBOX):
    return notice_preferences.choose_channel(
        notice_kinds.find_notice_kind(kind),
        channel,
        integration_id=house.integration.id if channel == NoticeChannel.MAILBOX else None,
        at=timezone.now(),
        **owner(house),
    )


def queue(house, message=KIND, *, about=None, until=None) -> OutboxCommand:
    """Emit a notice, and do what the tasks do."""
    at = timezone.now()
    notify.notify(
        message,
        about=about or uuid7(),
        episode_at=at,
        details=NoticeDetails(provider="google", product="mail", until=until or at),
        at=at,
        **owner(house),
    )
    notice = OwnerNotice.objects.latest("id")
    with acting_as(ProcessClass.PURGE):
        mail_notice_to_mailbox(notice_id=str(notice.id))
    return OutboxCommand.objects.get(notice_id=notice.id)


def sent(mailbox):
    return [
        BytesParser(policy=policy.default).parsebytes(entry.content)
        for entry in mailbox.messages.values()
        if "SENT" in entry.label_ids
    ]


class TestMailboxNotice:
    @pytest.mark.claim("mail.chosen-mailbox", "feature.mailbox-notices")
    def test_goes_from_the_mailbox_to_itself_in_fixed_words(self, alice, mailbox, mailoutbox):
        command = queue(alice)
        assert command.content is None

        sending.dispatch_until_settled(command, Clock())

        (mail,) = sent(mailbox)
        assert command.state == OutboxState.SENT
        assert mail["From"] == mail["To"] == "alice@gmail.example"
        assert (mail["Cc"], mail["Bcc"]) == (None, None)
        assert mail["Subject"] == "A colleague shares a calendar with you"
        text = mail.get_content()
        assert "A colleague shared a calendar with you." in text
        assert "alice@gmail.example" in text
        assert "/settings/access/" in text
        assert mailoutbox == []

    @pytest.mark.parametrize(
        ("zone", "day"),
        [
            ("Pacific/Auckland", "3 Mar 2026 (Pacific/Auckland)"),
            ("America/New_York", "2 Mar 2026 (America/New_York)"),
            ("", "2 Mar 2026 (UTC)"),
        ],
    )
    def test_names_days_in_the_zone_of_the_person(self, alice, mailbox, zone, day):
        choose(alice, "support_question")
        User.objects.filter(id=alice.user.id).update(time_zone=zone)

        command = queue(alice, "support_question", until=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))
        sending.dispatch_until_settled(command, Clock())

        (mail,) = sent(mailbox)
        assert f"You can answer until {day}." in " ".join(mail.get_content().split())

    @pytest.mark.claim("feature.mailbox-notices-disclosure", "stored.no-copy")
    def test_is_not_kept_by_antares(self, alice, mailbox):
        command = queue(alice)
        before = dump_tables()

        sending.dispatch_until_settled(command, Clock())

        (mail,) = sent(mailbox)
        assert (command.state, command.content) == (OutboxState.SENT, None)
        # The command has its state, and the integration counts its commands.
        assert list_changed_tables(before) <= TABLES_OF_A_RECORD | {
            "integrations_integration",
            "integrations_outboxcommand",
            "integrations_quotabucket",
        }
        assert mail["Subject"].encode() not in b"".join(dump_tables().values())

    def test_has_a_link_that_stops_its_kind(self, alice, mailbox):
        sending.dispatch_until_settled(queue(alice), Clock())

        (mail,) = sent(mailbox)
        kind = notice_kinds.find_notice_kind(KIND)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        url = mail["List-Unsubscribe"].strip("<>")
        link = notice_stop_links.read_stop_token(url.rstrip("/").rsplit("/", 1)[1])
        assert (link.kind, link.user_id) == (kind, alice.user.id)
        assert mail["Auto-Submitted"] == "auto-generated"

    def test_of_an_owed_kind_has_no_such_link(self, alice, mailbox):
        choose(alice, "removal")

        sending.dispatch_until_settled(queue(alice, "receipt_ready"), Clock())

        (mail,) = sent(mailbox)
        assert mail["List-Unsubscribe"] is None
        assert "Stop mail of this kind" not in mail.get_content()
        assert "Antares removed your Google mail." in mail.get_content()

    def test_is_stored_once(self, alice):
        command = queue(alice)

        with acting_as(ProcessClass.PURGE):
            for _ in range(2):
                mail_notice_to_mailbox(notice_id=str(command.notice_id))
            sweep_notices()

        assert OutboxCommand.objects.count() == 1

    def test_is_handed_to_the_outbox_by_the_delivery(self, alice, monkeypatch):
        messages = record_messages(monkeypatch)
        at = timezone.now()
        notify.notify(KIND, about=uuid7(), episode_at=at, at=at, **owner(alice))
        notice = OwnerNotice.objects.get()

        with acting_as(ProcessClass.PURGE):
            deliver_notice(notice_id=str(notice.id))

        assert [message.task for message in messages] == [
            "integrations.deliver_notice",
            "integrations.mail_notice_to_mailbox",
        ]
        notice.refresh_from_db()
        assert notice.routed_at is None

    def test_does_not_count_as_a_message_of_the_owner(self, alice):
        sending.dispatch_until_settled(queue(alice), Clock())

        assert not OutgoingCount.objects.exists()

    def test_fails_if_its_notice_was_deleted(self, alice, mailbox):
        command = queue(alice)
        OwnerNotice.objects.all().delete()

        sending.dispatch_until_settled(command, Clock())

        assert (command.state, sent(mailbox)) == (OutboxState.FAILED, [])


def switch_off(alice):
    with transaction.atomic():
        choose(alice, KIND, NoticeChannel.PAGE)
        notice_mail.stop_queued_notices(kind=KIND, at=timezone.now(), **owner(alice))


def use_stop_link(alice):
    stop_views._stop_mail(
        notice_stop_links.StopLink(notice_kinds.find_notice_kind(KIND), **owner(alice))
    )


def withdraw(alice):
    consents.withdraw_consent(feature="mailbox-notices", at=timezone.now(), **owner(alice))


def disconnect(alice):
    connection_operations.disconnect_integration(
        integration_id=alice.integration.id, at=timezone.now(), **owner(alice)
    )


@pytest.mark.invariant(5)
class TestStop:
    @pytest.mark.claim("feature.mailbox-notices-disclosure")
    @pytest.mark.parametrize("stop", [switch_off, use_stop_link, withdraw, disconnect])
    def test_stops_what_is_queued(self, alice, mailbox, stop):
        command = queue(alice)

        with acting_as(ProcessClass.WEB, alice):
            stop(alice)
        sending.dispatch_until_settled(command, Clock())

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.STOPPED)
        assert (sent(mailbox), mailbox.drafts) == ([], {})

    @pytest.mark.parametrize("missing", ["preference", "agreement"])
    def test_is_refused_at_dispatch_without_the_choice_even_if_nobody_stopped_it(
        self, alice, mailbox, missing
    ):
        command = queue(alice)
        if missing == "preference":
            NoticePreference.objects.all().delete()
        else:
            Consent.objects.filter(feature="mailbox-notices").update(withdrawn_at=timezone.now())

        sending.dispatch_until_settled(command, Clock())

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.STOPPED)
        assert (sent(mailbox), mailbox.drafts) == ([], {})

    def test_leaves_other_kinds_and_other_messages(self, alice):
        choose(alice, "removal")
        removal, shared = queue(alice, "receipt_ready"), queue(alice)
        with transaction.atomic():
            make_consent(alice.connection, "mail-sending")
        written = sending.order(alice)

        with acting_as(ProcessClass.WEB, alice):
            switch_off(alice)

        states = dict(OutboxCommand.objects.values_list("id", "state"))
        assert states == {
            removal.id: OutboxState.WAITING,
            shared.id: OutboxState.FAILED,
            written.id: OutboxState.WAITING,
        }

    def test_of_sending_by_the_owner_leaves_notices(self, alice):
        with transaction.atomic():
            make_consent(alice.connection, "mail-sending")
        command = queue(alice)

        with acting_as(ProcessClass.WEB, alice):
            consents.withdraw_consent(feature="mail-sending", at=timezone.now(), **owner(alice))

        command.refresh_from_db()
        assert (command.kind, command.state) == (OutboxKind.NOTICE, OutboxState.WAITING)

    def test_sends_an_owed_notice_to_the_sign_in_address_once_the_mailbox_is_gone(
        self, alice, mailoutbox
    ):
        choose(alice, "reconnect")
        at = timezone.now()
        notify.notify(
            "reconnect",
            about=alice.connection.id,
            episode_at=at,
            details=NoticeDetails(provider="google", until=at),
            at=at,
            **owner(alice),
        )
        Connection.objects.update(
            status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=timezone.now()
        )
        notice = OwnerNotice.objects.get()

        with acting_as(ProcessClass.PURGE):
            mail_notice_to_mailbox(notice_id=str(notice.id))
            deliver_notice(notice_id=str(notice.id))

        assert not OutboxCommand.objects.exists()
        assert [mail.to for mail in mailoutbox] == [[alice.user.email]]


def move_to_platform_mail(alice, mailbox):
    with transaction.atomic():
        choose(alice, "reconnect", NoticeChannel.PLATFORM_MAIL)
        notice_mail.stop_queued_notices(kind="reconnect", at=timezone.now(), **owner(alice))


def withdraw_agreement(alice, mailbox):
    withdraw(alice)


def withdraw_agreement_unseen(alice, mailbox):
    Consent.objects.filter(feature="mailbox-notices").update(withdrawn_at=timezone.now())


def end_grant(alice, mailbox):
    Connection.objects.update(status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=timezone.now())


def pause_mailbox(alice, mailbox):
    """The permission to read is missing: only its owner may read what is stored."""
    alice.integration.status = IntegrationStatus.REAUTH_REQUIRED
    alice.integration.status_reason = StatusReason.SCOPE_MISSING
    alice.integration.save()


def refuse_to_send(alice, mailbox):
    mailbox.failing["send_draft"] = errors.Rejected("no", status=400, reason="forbidden")


def lose_sending_scope(alice, mailbox):
    Connection.objects.update(granted_scopes=["email", "openid"])


def disconnect_mailbox(alice, mailbox):
    disconnect(alice)


class TestOwedNotice:
    """It cannot be switched off: what the mailbox does not send goes to the sign-in address."""

    def sweep(self):
        with acting_as(ProcessClass.PURGE):
            sweep_notices()

    def age(self):
        OwnerNotice.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    @pytest.mark.parametrize(
        "end",
        [
            withdraw_agreement, withdraw_agreement_unseen, end_grant, pause_mailbox,
            lose_sending_scope, disconnect_mailbox,
        ],
    )  # fmt: skip
    def test_that_comes_when_the_mailbox_cannot_receive_it(self, alice, mailbox, mailoutbox, end):
        choose(alice, "reconnect")
        with acting_as(ProcessClass.WEB, alice):
            end(alice, mailbox)
        at = timezone.now()
        notify.notify(
            "reconnect",
            about=alice.connection.id,
            episode_at=at,
            details=NoticeDetails(provider="google", until=at),
            at=at,
            **owner(alice),
        )

        with acting_as(ProcessClass.PURGE):
            deliver_notice(notice_id=str(OwnerNotice.objects.get().id))

        assert [mail.to for mail in mailoutbox] == [[alice.user.email]]
        assert not OutboxCommand.objects.exists()

    @pytest.mark.parametrize(
        "end",
        [
            withdraw_agreement, withdraw_agreement_unseen, move_to_platform_mail, end_grant,
            pause_mailbox, refuse_to_send, disconnect_mailbox,
        ],
    )  # fmt: skip
    def test_that_is_queued_when_the_mailbox_stops(self, alice, mailbox, mailoutbox, end):
        choose(alice, "reconnect")
        # Of another account: its cause does not end with this mailbox.
        other = make_connection(alice.user, alice.organisation)
        command = queue(alice, "reconnect", about=other.id)
        with acting_as(ProcessClass.WEB, alice):
            end(alice, mailbox)
        sending.dispatch_until_settled(command, Clock())
        self.age()

        for _ in range(2):
            self.sweep()

        assert command.state == OutboxState.FAILED
        assert sent(mailbox) == []
        assert [mail.to for mail in mailoutbox] == [[alice.user.email]]

    def test_that_was_sent_is_not_sent_again(self, alice, mailbox, mailoutbox):
        choose(alice, "reconnect")
        command = queue(alice, "reconnect", about=alice.connection.id)
        sending.dispatch_until_settled(command, Clock())
        with acting_as(ProcessClass.WEB, alice):
            withdraw(alice)
        self.age()

        self.sweep()

        assert command.state == OutboxState.SENT
        assert mailoutbox == []

    def test_of_another_kind_stays_on_the_page_alone(self, alice, mailbox, mailoutbox):
        queue(alice)
        with acting_as(ProcessClass.WEB, alice):
            withdraw(alice)
        self.age()

        self.sweep()

        assert OwnerNotice.objects.get().routed_at is not None
        assert mailoutbox == []


@pytest.mark.parametrize("provider", ["google", "microsoft"])
class TestAtProvider:
    """The journal of the sandbox lists each mail that a provider accepted."""

    BOX = "alice.box@example.com"

    @pytest.fixture
    def alice(self, db, sandbox, settings, provider):
        make_keyring()
        if provider == "google":
            google.point_at(settings, sandbox)
            sandbox.register_client(redirect_uris=(REDIRECT_URI,))
            world = sandbox
        else:
            world = microsoft.point_at(settings, sandbox)
            settings.GRAPH_UNITS_PER_MINUTE = 0
        scopes = PROVIDERS[provider].list_scopes_for({"mail.read", "mail.send"})
        world.seed(self.BOX)
        tokens = world.authorize(self.BOX, " ".join(sorted(scopes)))
        organisation = make_organisation()
        user = make_user(organisation=organisation)
        connection = make_connection(
            user,
            organisation,
            provider=provider,
            email=self.BOX,
            access_token=tokens["access_token"],
            scopes=sorted(scopes),
        )
        integration = make_integration(connection)
        make_consent(connection, "mailbox-notices")
        house = Household(
            user, organisation, user.memberships.get(), connection, integration, timezone.now()
        )
        choose(house, KIND)
        return house

    def test_arrives_in_the_own_mailbox_alone_with_the_headers_that_stop_it(
        self, alice, sandbox, provider
    ):
        command = queue(alice)

        sending.dispatch_until_settled(command, Clock())

        assert command.state == OutboxState.SENT
        (accepted,) = sandbox.sent(email=self.BOX)
        assert accepted["recipients"] == [self.BOX]
        shown = sandbox.mailbox(self.BOX, provider=provider)["messages"]
        assert {"INBOX", "SENT"} <= {label for message in shown for label in message["labelIds"]}

    @pytest.mark.parametrize("stop", [switch_off, use_stop_link, withdraw, disconnect])
    def test_does_not_arrive_once_it_was_stopped(self, alice, sandbox, stop, provider):
        command = queue(alice)

        with acting_as(ProcessClass.WEB, alice):
            stop(alice)
        sending.dispatch_until_settled(command, Clock())

        assert sandbox.sent(email=self.BOX) == []
        assert sandbox.mailbox(self.BOX, provider=provider)["messages"] == []


class TestABounceOfANotice:
    """A notice of it would go to the same mailbox, and come back, too."""

    @pytest.fixture
    def alice(self, alice):
        choose(alice, "message_returned")
        return alice

    @staticmethod
    def deliver_report(mailbox, command):
        mailbox.deliver(REPORT % {b"id": f"{command.id}@example.test".encode()})

    def test_notifies_of_nothing(self, alice, mailbox):
        command = queue(alice)
        sending.dispatch_until_settled(command, Clock())
        self.deliver_report(mailbox, command)

        alice.settle()

        command.refresh_from_db()
        assert command.bounced_at is None
        assert list(OwnerNotice.objects.values_list("message", flat=True)) == [KIND]

    def test_notifies_of_nothing_if_it_arrives_before_the_notice_is_seen_as_sent(
        self, alice, mailbox
    ):
        with transaction.atomic():
            make_consent(alice.connection, "mail-sending")
        command, message, clock = queue(alice), sending.order(alice), Clock()
        clock.skip(10)
        for one in (command, message):
            mailbox.failing_once["look_for_sent"] = [errors.Unavailable("no")]
            sending.dispatch_once(one, clock)
        self.deliver_report(mailbox, command)
        alice.settle()

        for one in (command, message):
            sending.dispatch_until_settled(one, clock)

        assert (command.state, command.bounced_at) == (OutboxState.SENT, None)
        assert list(OwnerNotice.objects.values_list("message", flat=True)) == [KIND]


class TestDeletion:
    @pytest.mark.parametrize("state", [OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN])
    def test_of_settled_notices_follows_after_thirty_days(self, alice, state):
        with transaction.atomic():
            make_consent(alice.connection, "mail-sending")
        old, new, waiting, message = *(queue(alice) for _ in range(3)), sending.order(alice)
        now = timezone.now()
        settled = {"state": state, "due_at": None, "sending_at": now}
        settled["sent_at"] = now if state == OutboxState.SENT else None
        OutboxCommand.objects.filter(id__in=[old.id, new.id]).update(**settled)
        OutboxCommand.objects.filter(id=message.id).update(
            state=OutboxState.FAILED, due_at=None, problem=OutboxProblem.REJECTED
        )
        OutboxCommand.objects.exclude(id=new.id).update(changed_at=now - timedelta(days=31))

        with acting_as(ProcessClass.PURGE):
            clear_outbox()

        left = set(OutboxCommand.objects.values_list("id", flat=True))
        assert left == {new.id, waiting.id, message.id}


class TestFact:
    def find(self, alice, kind=KIND):
        choice = NoticeChoice(alice.integration.id, kind)
        return facts.for_notice(choice, at=timezone.now())[1].facts

    def test_is_true_for_the_chosen_kind_alone(self, alice):
        assert Fact.NOTIFICATION_CHOSEN in self.find(alice)
        assert Fact.NOTIFICATION_CHOSEN not in self.find(alice, "reconnect")

    def test_is_not_true_for_a_choice_of_another_person(self, alice):
        NoticePreference.objects.update(user_id=uuid7())

        assert Fact.NOTIFICATION_CHOSEN not in self.find(alice)

    def test_is_not_true_under_an_older_agreement(self, alice):
        Consent.objects.filter(feature="mailbox-notices").update(version=0)

        assert Fact.NOTIFICATION_CHOSEN not in self.find(alice)

    def test_of_an_unknown_mailbox_is_none(self):
        choice = NoticeChoice(uuid7(), KIND)

        holder, holder_facts = facts.for_notice(choice, at=timezone.now())

        assert (holder, holder_facts.facts) == (choice.integration_id, frozenset())
