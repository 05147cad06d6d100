"""A reconnect without the permission that the copy needs: a disconnect with a delay."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.display_times import format_moment
from integrations import connections
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import (
    Connection,
    Integration,
    IntegrationStatus,
    Notice,
    PurgeJob,
    PurgeTrigger,
)
from integrations.notifications import owner_notices
from integrations.purge.receipt import TRIGGER_REASONS
from limited_use.models import DataKey
from tests.factories import make_message
from tests.worlds.sandbox import GMAIL_READONLY

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(6, 11),
    pytest.mark.clause("AN-21"),
    pytest.mark.scenario("A5"),
]


@pytest.fixture
def browser(browser_of, alice):
    """Return the browser of Alice, who unticked mail when she connected again."""
    browser = browser_of(alice)
    browser.connect()
    make_message(Integration.objects.get())
    browser.connect(untick=(GMAIL_READONLY,))
    return browser


def since():
    return Integration.objects.get().status_since


class TestAPermissionThatIsMissing:
    @pytest.mark.claim("mail.being-removed")
    def test_ends_in_a_purge_after_fourteen_days_that_says_why(self, browser, mailoutbox):
        assert (
            automatic_disconnect.disconnect_due_integrations(
                at=since() + timedelta(days=13, hours=23)
            )
            == []
        )

        automatic_disconnect.disconnect_due_integrations(at=since() + timedelta(days=14, seconds=1))

        job = PurgeJob.objects.get()
        assert job.trigger == PurgeTrigger.PERMISSION_WITHDRAWN
        assert "permission" in TRIGGER_REASONS[job.trigger]
        assert not DataKey.objects.filter(holder=job.integration_id).exists()
        assert "permission was withdrawn" in mailoutbox[-1].body

    def test_is_told_at_days_0_7_and_12(self, browser, mailoutbox):
        for day in range(14):
            owner_notices.send_due_notices(at=since() + timedelta(days=day, minutes=1))

        told = [notice.told_at - since() for notice in Notice.objects.order_by("id")]
        assert [when.days for when in told] == [0, 7, 12]
        assert "without a permission that Antares needs" in mailoutbox[0].body
        until = since() + timedelta(days=14)
        assert f"{until.day} {until:%b %Y}" in mailoutbox[0].body

    @pytest.mark.claim("mail.nothing-lost", "mail.reconnect-or-removed")
    def test_is_not_told_as_the_loss_of_the_whole_account(self, browser, mailoutbox):
        for day in range(14):
            owner_notices.send_due_notices(at=since() + timedelta(days=day, minutes=1))

        shown = browser.client.get("/settings/notices/").content.decode()

        copies = "its copies of what it can no longer read"
        assert shown.count(copies) == 3
        assert all(copies in mail.body for mail in mailoutbox)
        assert "lost its access" not in shown
        assert not any("data of" in mail.body for mail in mailoutbox)

    def test_is_done_on_the_page_of_notices_once_it_is_given(self, browser):
        owner_notices.send_due_notices(at=since() + timedelta(minutes=1))
        browser.connect(untick=(GMAIL_READONLY,))
        assert "Notices, 1 unread" in browser.client.get("/data-use/").text

        browser.connect()

        assert "1 unread" not in browser.client.get("/data-use/").text
        shown = browser.client.get("/settings/notices/").text
        assert (">New<" in shown, ">Done<" in shown) == (False, True)

    def test_is_done_once_the_account_is_disconnected(self, browser):
        owner_notices.send_due_notices(at=since() + timedelta(minutes=1))
        integration = Integration.objects.get()

        connections.disconnect_integration(
            integration_id=integration.id,
            user_id=integration.connection.user_id,
            organisation_id=integration.connection.organisation_id,
            at=timezone.now(),
        )

        assert "1 unread" not in browser.client.get("/data-use/").text

    @pytest.mark.claim("api.reconnect-before")
    @pytest.mark.claim("integrations.grant-until")
    def test_is_shown_with_its_deadline_on_the_page_and_in_the_api(self, browser):
        until = since() + timedelta(days=14)

        page = browser.client.get("/settings/integrations/").content.decode()
        answer = json.loads(browser.client.get("/v1/users/me/connections").content)

        assert "Antares can no longer read your mail." in page
        assert format_moment(until) in page
        assert answer["data"][0]["reconnect_before"][:16] == until.isoformat()[:16]

    def test_leaves_the_mail_to_its_owner_meanwhile(self, browser):
        answer = browser.client.get("/v1/users/me/messages")

        assert answer.status_code == 200
        assert len(json.loads(answer.content)["data"]) == 1

    def test_wins_no_time_by_coming_back_without_it_again(self, browser):
        before = since()

        browser.connect(untick=(GMAIL_READONLY,))

        assert since() == before

    def test_wins_no_time_if_the_grant_ends_as_well(self, browser):
        connection = Connection.objects.get()
        before = since()

        provider_credentials.record_grant_ended(
            connection_id=connection.id,
            epoch=connection.epoch,
            at=timezone.now() + timedelta(days=5),
        )

        connection.refresh_from_db()
        assert owner_notices.get_reconnect_deadline(connection).since == before
        automatic_disconnect.disconnect_due_integrations(at=before + timedelta(days=14, seconds=1))
        assert PurgeJob.objects.exists()

    def test_given_in_time_keeps_everything(self, browser):
        before = Integration.objects.get().id

        browser.connect()

        integration = Integration.objects.get()
        assert integration.id == before
        assert integration.status in {IntegrationStatus.SYNCING, IntegrationStatus.ACTIVE}
        automatic_disconnect.disconnect_due_integrations(at=timezone.now() + timedelta(days=15))
        assert not PurgeJob.objects.exists()
