"""How a person sees that news comes by itself, or does not, and when it was last looked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import (
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncWork,
    Watch,
    WatchKind,
    WatchStatus,
)
from integrations.settings_pages import words
from integrations.watches.standing import HEARD_WITHIN

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watch(alice):
    at = timezone.now()
    return Watch.objects.create(
        integration=alice.integration,
        connection=alice.connection,
        resource="mail",
        kind=WatchKind.TOPIC,
        status=WatchStatus.LIVE,
        lookup_blind=b"x" * 32,
        wanted_at=at,
        due_at=at + timedelta(days=1),
        started_at=at - MINUTE,
        expires_at=at + timedelta(days=7),
        last_event_at=at,
    )


@pytest.fixture
def details(alice, her_browser):
    def shown() -> str:
        answer = her_browser.get(reverse("settings-details", args=[alice.integration.id]))
        assert answer.status_code == 200
        return answer.text

    return shown


class TestDetails:
    def test_say_how_often_is_asked_where_nobody_tells(self, details):
        said = details()

        assert "Antares checks Google every minute." in said
        assert "Last told" not in said

    @pytest.mark.scenario("P1")
    def test_show_when_the_provider_last_told_and_when_it_was_last_asked(self, watch, details):
        at = timezone.now()
        Watch.objects.update(last_event_at=at - 3 * MINUTE, started_at=at - 9 * MINUTE)
        SyncWork.objects.update(last_synced_at=at - 2 * MINUTE)

        said = details()

        assert "Google tells Antares of news at once. Antares checks every 10 minutes, too." in said
        assert f"{at - 3 * MINUTE:%H:%M:%S} UTC" in said
        assert f"{at - 2 * MINUTE:%H:%M:%S} UTC" in said
        assert f"{watch.expires_at:%H:%M} UTC, renewed before" in said

    @pytest.mark.scenario("P1")
    def test_show_that_it_should_and_does_not(self, watch, details, alice):
        Watch.objects.update(silent_since=timezone.now())
        Integration.objects.update(
            status=IntegrationStatus.DEGRADED, status_reason=StatusReason.PUSH_SILENT
        )

        said = details()

        assert words.REASON[StatusReason.PUSH_SILENT] in said
        assert "Google should tell Antares of news, and does not." in said
        assert "Antares checks every minute." in said

    def test_show_that_it_has_not_begun_to(self, watch, details):
        Watch.objects.update(last_event_at=None)

        assert "Google is about to begin telling Antares of news." in details()
        Watch.objects.update(started_at=timezone.now() - HEARD_WITHIN - MINUTE)
        assert "should tell Antares of news, and does not" in details()

    def test_say_nothing_of_a_watch_that_is_over(self, watch, details):
        Watch.objects.update(expires_at=timezone.now())

        assert "Antares checks Google every minute." in details()


@pytest.mark.parametrize(
    ("seconds", "said"), [(60, "minute"), (600, "10 minutes"), (1, "second"), (90, "90 seconds")]
)
def test_a_length_of_time_follows_every(seconds, said):
    assert words.duration(seconds) == said
