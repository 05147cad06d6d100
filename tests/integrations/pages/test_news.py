"""How a person sees that news comes by itself, or does not, and when it was last looked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.connections import status_messages, update_messages
from integrations.models import (
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncStage,
    SyncWork,
    Watch,
)
from integrations.push.watch_health import FIRST_NOTIFICATION_WITHIN
from tests.integrations import household as houses
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watch(alice):
    return houses.open_watch(alice, at=timezone.now())


@pytest.fixture
def details(alice, her_browser):
    SyncWork.objects.update(stage=SyncStage.DELTA)

    def shown() -> str:
        answer = her_browser.get(reverse("settings-details", args=[alice.integration.id]))
        assert answer.status_code == 200
        return answer.text

    return shown


class TestACardWithoutNotifications:
    @pytest.mark.scenario("P1")
    def test_says_nothing_of_them_to_its_owner(self, watch, alice, her_browser):
        at = timezone.now()
        Watch.objects.update(silent_since=at)
        SyncWork.objects.update(stage=SyncStage.DELTA, last_synced_at=at)
        Integration.objects.update(
            status=IntegrationStatus.DEGRADED, status_reason=StatusReason.PUSH_SILENT
        )

        (card,) = reading.cards(her_browser.get(reverse("settings-integrations")).text)

        (badge,) = reading.elements(card, "badge")
        assert badge["class"] == "badge good"
        shown = reading.text(card)
        assert str(status_messages.STATUS[IntegrationStatus.ACTIVE].says) in shown
        assert "notif" not in shown


class TestDetails:
    def test_say_how_often_is_asked_where_nobody_tells(self, details):
        said = details()

        assert "Antares checks Google every minute." in said
        assert "Last notification" not in said

    @pytest.mark.scenario("P1")
    def test_show_when_the_provider_last_told_and_when_it_was_last_asked(self, watch, details):
        at = timezone.now()
        Watch.objects.update(last_event_at=at - 3 * MINUTE, started_at=at - 9 * MINUTE)
        SyncWork.objects.update(last_synced_at=at - 2 * MINUTE)

        said = details()

        assert (
            "Google notifies Antares of new mail immediately. Antares also checks every 10 minutes."
            in (said)
        )
        assert f"{at - 3 * MINUTE:%H:%M:%S} (UTC)" in said
        assert f"{at - 2 * MINUTE:%H:%M:%S} (UTC)" in said
        assert f"{watch.expires_at:%H:%M} UTC</time>, renewed before" in said

    @pytest.mark.scenario("P1")
    def test_show_that_it_should_and_does_not(self, watch, details, alice):
        Watch.objects.update(silent_since=timezone.now())
        Integration.objects.update(
            status=IntegrationStatus.DEGRADED, status_reason=StatusReason.PUSH_SILENT
        )

        said = details()

        assert "Google does not notify Antares of new mail, although it should." in said
        assert "Antares checks Google every minute." in said

    def test_show_that_it_has_not_begun_to(self, watch, details):
        Watch.objects.update(last_event_at=None)

        assert "Google is about to start notifying Antares of new mail." in details()
        Watch.objects.update(started_at=timezone.now() - FIRST_NOTIFICATION_WITHIN - MINUTE)
        assert "does not notify Antares of new mail, although it should" in details()

    @pytest.mark.parametrize(
        "values",
        [
            {"failing_since": timedelta(), "failure_count": 1, "next_sync_at": MINUTE},
            {"pause_reason": StatusReason.RATE_LIMITED, "next_sync_at": MINUTE},
            {"stage": SyncStage.SNAPSHOT},
            {"next_sync_at": -3 * MINUTE},
        ],
        ids=("backing off", "waits for the provider's limit", "imported", "without a worker"),
    )
    @pytest.mark.parametrize("looked", [timedelta(), timedelta(hours=10)])
    @pytest.mark.parametrize("has_watch", [False, True])
    def test_name_no_interval_while_checks_are_not_regular(
        self, alice, details, values, looked, has_watch
    ):
        at = timezone.now()
        if has_watch:
            houses.open_watch(alice, at=at)
        values = {
            name: at + value if isinstance(value, timedelta) else value
            for name, value in values.items()
        }
        SyncWork.objects.update(**{"stage": SyncStage.DELTA, "looked_at": at - looked, **values})

        said = details()

        assert "Antares checks Google again at the time under “Next check”." in said
        assert "checks Google every" not in said
        assert "also checks every" not in said
        assert "open your inbox" not in said

    def test_say_nothing_of_a_watch_that_is_over(self, watch, details):
        Watch.objects.update(expires_at=timezone.now())

        assert "Antares checks Google every minute." in details()


@pytest.mark.parametrize(
    ("seconds", "said"), [(60, "minute"), (600, "10 minutes"), (1, "second"), (90, "90 seconds")]
)
def test_a_length_of_time_follows_every(seconds, said):
    assert update_messages.format_interval(seconds) == said
