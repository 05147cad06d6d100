"""What the owner of a grant that ended elsewhere is told, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Alarm
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import Connection, Notice, PurgeTrigger
from integrations.notifications import notice_delivery, notify, owner_notices
from integrations.tasks.connections import sweep_connections
from tests.factories import make_connection, make_integration

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(6)]

BOX = "secret.box@mail.example"


@pytest.fixture
def ended():
    """Return a connection whose grant ended just now."""
    connection = make_connection(email=BOX)
    make_integration(connection)
    # Connected long ago: not the seven days of a consent screen in Testing.
    Connection.objects.update(connected_at=timezone.now() - timedelta(days=90))
    provider_credentials.record_grant_ended(connection_id=connection.id, epoch=1, at=timezone.now())
    connection.refresh_from_db()
    return connection


class TestTelling:
    @pytest.mark.claim("data-use.grace", "mail.last-notice", "mail.removed-on")
    def test_happens_at_days_0_7_and_12_once_each(self, ended, mailoutbox):
        for day in range(14):
            for _ in range(2):
                owner_notices.send_due_notices(
                    at=ended.reauth_since + timedelta(days=day, minutes=1)
                )

        assert len(mailoutbox) == 3
        told = [notice.told_at - ended.reauth_since for notice in Notice.objects.order_by("id")]
        assert [when.days for when in told] == [0, 7, 12]
        end = ended.reauth_since + timedelta(days=14)
        for mail in mailoutbox:
            assert f"{end.day} {end:%b %Y}" in mail.body
        assert "This is the last notice before" in mailoutbox[-1].body

    def test_says_the_latest_only_to_who_was_not_told_for_a_while(self, ended, mailoutbox):
        owner_notices.send_due_notices(at=ended.reauth_since + timedelta(days=12))

        assert len(mailoutbox) == 1
        assert "last notice" in mailoutbox[0].subject.lower()
        assert Notice.objects.count() == 3

    @pytest.mark.invariant(4)
    def test_goes_to_the_sign_in_address_and_says_nothing_from_the_provider(
        self, ended, mailoutbox
    ):
        owner_notices.send_due_notices(at=timezone.now())

        mail = mailoutbox[0]
        assert mail.to == [ended.user.email]
        assert BOX not in mail.subject + mail.body
        assert "Google" in mail.subject
        assert "/settings/integrations/" in mail.body

    def test_tells_nobody_whose_connection_is_well(self, mailoutbox):
        make_integration()

        owner_notices.send_due_notices(at=timezone.now())

        assert not mailoutbox

    @pytest.mark.parametrize("killed_in", [(notify, "record_notice"),
                                           (notice_delivery, "deliver_notice")])  # fmt: skip
    def test_is_not_lost_if_the_worker_is_killed(self, ended, mailoutbox, monkeypatch, killed_in):
        def kill(*_, **__):
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(*killed_in, kill)
            with pytest.raises(SystemExit):
                owner_notices.send_due_notices(at=timezone.now())
        assert mailoutbox == []

        owner_notices.send_due_notices(at=timezone.now())
        notice_delivery.deliver_due_notices(at=timezone.now() + timedelta(minutes=2))

        assert [mail.to for mail in mailoutbox] == [[ended.user.email]]

    def test_survives_a_mail_server_that_is_down(self, ended, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        assert owner_notices.send_due_notices(at=timezone.now()) == 0

        assert owner_notices.get_reconnect_deadline(ended).notice_kinds == ("reconnect",)

    def test_shows_the_clock(self, ended):
        clock = owner_notices.get_reconnect_deadline(ended)

        assert clock.until - clock.since == timedelta(days=14)

    @pytest.mark.claim("mail.being-removed")
    @pytest.mark.parametrize(
        ("trigger", "reason"),
        [
            (
                "grant_ended",
                "because the access to your Google account ended and you did not reconnect",
            ),
            ("permission_withdrawn", "because its permission was withdrawn at Google"),
            ("inactive", "because you have not signed in for a year"),
        ],
    )
    def test_says_what_is_removed_and_why(self, ended, mailoutbox, trigger, reason):
        with transaction.atomic():
            job = automatic_disconnect.disconnect_in_transaction(
                integration=ended.integrations.get(),
                trigger=PurgeTrigger(trigger),
                at=timezone.now(),
            )
            owner_notices.record_purged(job=job, at=timezone.now())
        owner_notices.send_purged_notice(job=job, at=timezone.now())

        (mail,) = mailoutbox
        assert mail.subject == "Antares is removing your Google mail"
        assert reason in mail.body
        assert mail.body.count("because") == 1
        assert "stays connected" not in mail.body

    def test_comes_with_the_sweep(self, ended, mailoutbox):
        sweep_connections()

        assert len(mailoutbox) == 1


class TestAConsentScreenInTesting:
    @pytest.mark.scenario("A2")
    def test_is_one_finding_for_the_operator_and_no_storm_of_mails(self, mailoutbox):
        now = timezone.now()
        for number in range(50):
            connection = make_connection(at=now - timedelta(days=7, minutes=number))
            make_integration(connection)
            provider_credentials.record_grant_ended(connection_id=connection.id, epoch=1, at=now)

        for day in (0, 1, 7):
            owner_notices.send_due_notices(at=now + timedelta(days=day, minutes=1))

        assert Alarm.objects.get().kind == "provider.consent_screen_in_testing"
        assert not mailoutbox
        # The page says it all the same.
        assert Notice.objects.count() == 100

    @pytest.mark.scenario("A2")
    def test_is_not_seen_in_one_grant_that_died_at_that_age_by_chance(self, mailoutbox):
        connection = make_connection(at=timezone.now() - timedelta(days=7))
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=1, at=timezone.now()
        )

        owner_notices.send_due_notices(at=timezone.now())

        assert not Alarm.objects.exists()
        assert len(mailoutbox) == 1
