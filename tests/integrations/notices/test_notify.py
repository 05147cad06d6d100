"""Notices: rows of the page, in the transaction of their cause, and then the chosen channel."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import display_times
from accounts.ids import uuid7
from accounts.models import User
from config.process_classes import ProcessClass
from integrations.calendar import notices as calendar_notices
from integrations.connections import admin_consent, automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import (
    ApprovalState,
    Connection,
    ConnectionStatus,
    NoticeChannel,
    NoticePreference,
    OwnerNotice,
    PurgeJob,
)
from integrations.notifications import (
    notice_delivery,
    notice_kinds,
    notice_preferences,
    notify,
    owner_notices,
)
from integrations.notifications.notice_details import NoticeDetails
from integrations.notifications.notice_kinds import UnknownNotice
from integrations.notifications.notice_preferences import ChannelNotOffered
from integrations.tasks.notices import deliver_notice, notify_of_share, sweep_notices
from limited_use.agreements import shares
from limited_use.models.shares import ShareLevel
from tests.broker import broker_down, record_messages
from tests.factories import (
    make_approval,
    make_connection,
    make_integration,
    make_organisation,
    make_user,
)
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
PRODUCT = NoticeDetails(provider="google", product="mail")


@pytest.fixture
def alice():
    return make_user(organisation=make_organisation())


def client_of(user):
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def owner(user):
    return {"user_id": user.id, "organisation_id": user.memberships.get().organisation_id}


def tell(user, message="administrator_approved", *, about=None, at=None, **more):
    at = at or timezone.now()
    return notify.notify(
        message,
        about=about or uuid7(),
        episode_at=more.pop("episode_at", at),
        details=PRODUCT,
        at=at,
        **owner(user),
        **more,
    )


def choose(user, kind, channel, integration=None):
    return notice_preferences.choose_channel(
        notice_kinds.find_notice_kind(kind),
        channel,
        integration_id=integration and integration.id,
        at=timezone.now(),
        **owner(user),
    )


class TestNotify:
    def test_writes_a_row_and_queues_its_delivery_after_the_commit(
        self, alice, monkeypatch, django_capture_on_commit_callbacks
    ):
        messages = record_messages(monkeypatch)

        with django_capture_on_commit_callbacks(execute=True):
            assert tell(alice)
            assert messages == []

        notice = OwnerNotice.objects.get()
        assert [(message.task, message.ids) for message in messages] == [
            ("integrations.deliver_notice", {"notice_id": str(notice.id)})
        ]
        assert (notice.provider, notice.product, notice.read_at) == ("google", "mail", None)

    def test_writes_nothing_if_its_cause_is_rolled_back(self, alice):
        with transaction.atomic():
            tell(alice)
            transaction.set_rollback(True)

        assert not OwnerNotice.objects.exists()

    def test_does_nothing_a_second_time_in_the_same_episode(self, alice):
        about, at = uuid7(), timezone.now()

        assert tell(alice, about=about, at=at)
        assert not tell(alice, about=about, at=at + timedelta(hours=1), episode_at=at)
        assert tell(alice, about=about, at=at, episode_at=at + timedelta(days=1))
        assert OwnerNotice.objects.count() == 2

    def test_refuses_a_message_that_is_not_registered(self, alice):
        with pytest.raises(UnknownNotice):
            tell(alice, "autumn_offer")

    def test_writes_nothing_that_the_person_switched_off(self, alice):
        choose(alice, "administrator_answered", NoticeChannel.OFF)

        assert not tell(alice)
        assert not OwnerNotice.objects.exists()

    def test_is_mailed_beside_a_message_of_an_earlier_version(self, alice, mailoutbox):
        choose(alice, "administrator_answered", NoticeChannel.PLATFORM_MAIL)
        for _ in range(2):
            tell(alice, at=timezone.now() - timedelta(minutes=2))
        first = OwnerNotice.objects.earliest("id")
        OwnerNotice.objects.filter(id=first.id).update(message="telegram")

        with acting_as(ProcessClass.PURGE):
            sweep_notices()

        assert len(mailoutbox) == 1

    def test_survives_a_broker_that_is_down(
        self, alice, mailoutbox, django_capture_on_commit_callbacks
    ):
        choose(alice, "administrator_answered", NoticeChannel.PLATFORM_MAIL)
        with broker_down(), django_capture_on_commit_callbacks(execute=True):
            tell(alice, at=timezone.now() - timedelta(minutes=2))
        assert mailoutbox == []

        with acting_as(ProcessClass.PURGE):
            sweep_notices()

        assert len(mailoutbox) == 1


class TestDelivery:
    @pytest.mark.clause("AN-13")
    def test_mails_nothing_unless_the_person_chose_it(self, alice, mailoutbox):
        tell(alice)

        with acting_as(ProcessClass.PURGE):
            deliver_notice(notice_id=str(OwnerNotice.objects.get().id))

        assert mailoutbox == []
        assert OwnerNotice.objects.get().routed_at is not None

    @pytest.mark.clause("AN-13")
    def test_mails_a_chosen_kind_once_with_a_link_that_stops_it(self, alice, mailoutbox):
        choose(alice, "administrator_answered", NoticeChannel.PLATFORM_MAIL)
        tell(alice)
        notice_id = str(OwnerNotice.objects.get().id)

        with acting_as(ProcessClass.PURGE):
            for _ in range(2):
                deliver_notice(notice_id=notice_id)
            sweep_notices()

        (mail,) = mailoutbox
        assert mail.to == [alice.email]
        assert mail.subject == "Your administrator approved Google mail"
        url = mail.extra_headers["List-Unsubscribe"]
        assert url.startswith("<http")
        assert url.strip("<>") in mail.body
        assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_mails_nothing_to_a_person_who_is_gone(self, alice, mailoutbox):
        choose(alice, "administrator_answered", NoticeChannel.PLATFORM_MAIL)
        tell(alice)
        alice.is_active, alice.deactivated_at = False, timezone.now()
        alice.save()

        notice_delivery.deliver_notice(OwnerNotice.objects.get().id, at=timezone.now())

        assert mailoutbox == []

    def test_of_an_owed_kind_has_no_link_that_stops_it(self, mailoutbox):
        integration = make_integration()
        connection = integration.connection
        tell(connection.user, "reconnect", about=connection.id)

        notice_delivery.deliver_notice(OwnerNotice.objects.get().id, at=timezone.now())

        (mail,) = mailoutbox
        assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & mail.extra_headers.keys()

    def test_of_an_owed_kind_goes_to_the_sign_in_address_if_the_mailbox_cannot_send(
        self, mailoutbox
    ):
        integration = make_integration()
        connection = integration.connection
        choose(connection.user, "reconnect", NoticeChannel.MAILBOX, integration)
        Connection.objects.update(
            status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=timezone.now()
        )
        tell(connection.user, "reconnect", about=connection.id)

        notice_delivery.deliver_notice(OwnerNotice.objects.get().id, at=timezone.now())

        assert [mail.to for mail in mailoutbox] == [[connection.user.email]]


class TestChoice:
    @pytest.mark.parametrize("channel", [NoticeChannel.OFF, NoticeChannel.PAGE])
    @pytest.mark.parametrize("kind", ["reconnect", "removal"])
    def test_cannot_switch_an_owed_kind_off(self, alice, kind, channel):
        with pytest.raises(ChannelNotOffered):
            choose(alice, kind, channel)

        assert not NoticePreference.objects.exists()

    def test_of_an_earlier_version_does_not_switch_an_owed_kind_off(self, alice):
        NoticePreference.objects.create(
            kind="reconnect", channel=NoticeChannel.OFF, chosen_at=timezone.now(), **owner(alice)
        )

        kind = notice_kinds.find_notice_kind("reconnect")
        chosen = notice_preferences.get_channel(kind, **owner(alice))

        assert chosen.channel == NoticeChannel.PLATFORM_MAIL

    def test_is_of_one_kind_and_one_person(self, alice):
        bob = make_user("bob", organisation=alice.memberships.get().organisation)
        choose(alice, "calendar_shared", NoticeChannel.OFF)

        kinds = notice_kinds.list_notice_kinds()
        of_alice = notice_preferences.list_channels(kinds, **owner(alice))
        of_bob = notice_preferences.list_channels(kinds, **owner(bob))

        assert [key for key, chosen in of_alice.items() if chosen != of_bob[key]] == [
            "calendar_shared"
        ]


class TestAge:
    @pytest.mark.claim("notices.kept")
    def test_deletes_notices_of_ninety_days_and_no_younger_ones(self, alice):
        now = timezone.now()
        tell(alice, at=now - timedelta(days=90, minutes=1))
        tell(alice, at=now - timedelta(days=89))

        with acting_as(ProcessClass.PURGE):
            sweep_notices()

        (kept,) = OwnerNotice.objects.all()
        assert now - kept.created_at == timedelta(days=89)


@pytest.mark.claim("notice.reconnect", "notice.reconnect-again", "notice.reconnect-last")
class TestReconnect:
    def test_is_on_the_page_as_often_as_it_is_mailed(self, mailoutbox):
        connection = make_connection()
        make_integration(connection)
        Connection.objects.update(connected_at=timezone.now() - timedelta(days=90))
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=1, at=timezone.now()
        )
        connection.refresh_from_db()

        for day in range(14):
            with acting_as(ProcessClass.PURGE):
                owner_notices.send_due_notices(
                    at=connection.reauth_since + timedelta(days=day, minutes=1)
                )

        shown = client_of(connection.user).get("/settings/notices/").text
        until = connection.reauth_since + timedelta(days=14)
        day = display_times.format_day(until)
        assert f"Your Google account has to be reconnected by {day}." in shown
        assert f"still has to be reconnected. On {day}, Antares removes its copies" in shown
        assert f"Last notice: on {day}, Antares removes its copies" in shown
        for at, removed_count in ((until, 0), (until + timedelta(seconds=1), 1)):
            automatic_disconnect.disconnect_due_integrations(at=at - timedelta(milliseconds=1))
            assert PurgeJob.objects.count() == removed_count

        notices = list(OwnerNotice.objects.exclude(message="purged").order_by("id"))
        stages = ["reconnect", "reconnect_again", "reconnect_last"]
        assert [notice.message for notice in notices] == stages
        assert {notice.until for notice in notices} == {connection.reauth_since + timedelta(14)}
        assert len(mailoutbox) == 4


class TestAdministrator:
    @pytest.mark.parametrize(
        ("is_given", "message"),
        [(True, "administrator_approved"), (False, "administrator_refused")],
    )
    def test_answers_once(self, alice, is_given, message):
        organisation = alice.memberships.get().organisation
        state = "s" * 43
        approval = make_approval(alice, organisation)
        approval.state_hash = admin_consent._hash_state(state)
        approval.save()

        with acting_as(ProcessClass.WEB):
            for given in (is_given, not is_given):
                admin_consent.record_admin_consent_answer(
                    state=state, is_given=given, at=timezone.now()
                )

        notice = OwnerNotice.objects.get()
        assert (notice.message, notice.about, notice.user_id) == (message, approval.id, alice.id)
        approval.refresh_from_db()
        assert approval.state == (ApprovalState.GIVEN if is_given else ApprovalState.REFUSED)


class TestShare:
    @pytest.fixture
    def share(self, alice):
        organisation = alice.memberships.get().organisation
        bob = make_user("bob", organisation=organisation)
        with transaction.atomic():
            return shares.give(
                person_id=alice.id,
                organisation_id=organisation.id,
                viewer_id=bob.id,
                item=uuid7(),
                level=ShareLevel.FREEBUSY,
                at=timezone.now(),
            )

    def notify(self, share):
        with acting_as(ProcessClass.PURGE):
            notify_of_share(share_id=str(share.id))

    def test_notifies_its_viewer_of_its_beginning_and_its_end(self, share, alice):
        for _ in range(2):
            self.notify(share)
        with transaction.atomic():
            shares.withdraw(person_id=alice.id, share_id=share.id, at=timezone.now())
        for _ in range(2):
            self.notify(share)

        notices = OwnerNotice.objects.order_by("id")
        assert [notice.message for notice in notices] == ["calendar_shared", "calendar_share_ended"]
        assert {notice.user_id for notice in notices} == {share.viewer_id}

    def test_notifies_of_the_end_of_a_share_whose_first_notice_was_deleted(self, share, alice):
        self.notify(share)
        later = timezone.now() + timedelta(days=91)
        notify.delete_old_notices(at=later)
        with transaction.atomic():
            shares.withdraw(person_id=alice.id, share_id=share.id, at=later)

        calendar_notices.notify_of_share(share.id, at=later)

        assert [notice.message for notice in OwnerNotice.objects.all()] == ["calendar_share_ended"]
        shown = client_of(User.objects.get(id=share.viewer_id)).get("/settings/notices/").text
        assert "A calendar is no longer shared with you." in shown

    def test_notifies_nobody_without_a_registered_viewer(self, alice):
        with transaction.atomic():
            share = shares.give(
                person_id=alice.id,
                organisation_id=alice.memberships.get().organisation_id,
                viewer_id=None,
                address="nobody@antares.example",
                item=uuid7(),
                level=ShareLevel.FREEBUSY,
                at=timezone.now(),
            )

        self.notify(share)

        assert not OwnerNotice.objects.exists()

    def test_notifies_nobody_of_an_end_without_a_beginning(self, share, alice):
        with transaction.atomic():
            shares.withdraw(person_id=alice.id, share_id=share.id, at=timezone.now())

        self.notify(share)

        assert not calendar_notices.notify_of_share(uuid7(), at=timezone.now())
        assert not OwnerNotice.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_of_two_workers_one_mails(self, mailoutbox):
        alice = make_user(organisation=make_organisation())
        choose(alice, "administrator_answered", NoticeChannel.PLATFORM_MAIL)
        tell(alice)
        notice_id, start, sent = OwnerNotice.objects.get().id, Barrier(2), []

        def deliver():
            try:
                start.wait(timeout=5)
                sent.append(notice_delivery.deliver_notice(notice_id, at=timezone.now()))
            finally:
                database.close()

        workers = [Thread(target=deliver) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=20)

        assert sorted(sent) == [False, True]
        assert len(mailoutbox) == 1
