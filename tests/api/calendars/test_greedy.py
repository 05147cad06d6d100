"""A person who waits for a provider twice already, and their calendars."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.coordination.person_slots import STREAM_SLOTS, WAIT_SLOTS
from integrations.grants import provider_calls
from integrations.models import Calendar, Connection, Reply
from integrations.providers.google.google_config import GOOGLE
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast, schema
from tests.api.calendars.asking import V1, WEEK, find_event_by_title, ok, post_json
from tests.api.calendars.test_writing import create_event, make_event_body, match, send_json
from tests.integrations.calendar_house import moment

pytestmark = pytest.mark.django_db
LOCAL = FEATURES["local-calendar"].version


@pytest.fixture(autouse=True)
def allowed(alice, week, monkeypatch):
    monkeypatch.setattr(provider_calls, "request_refresh", lambda _: None)
    scopes = sorted(GOOGLE.list_scopes_for(frozenset({"calendar.read", "calendar.write"})))
    Connection.objects.filter(id=alice.integration.connection_id).update(granted_scopes=scopes)


@pytest.fixture
def waits(alice):
    """Two requests of Alice's that wait for a provider."""
    lent = [WAIT_SLOTS.lend_slot(alice.user.id), WAIT_SLOTS.lend_slot(alice.user.id)]
    yield lent
    for slot in lent:
        slot.give_back()


@pytest.fixture
def stale(alice):
    """Copies that are too old to be shown, and nobody who brings new ones."""
    old = timezone.now() - timedelta(days=2)
    Calendar.objects.filter(user_id=alice.user.id).update(cached_at=old, listed_at=old)


class TestAThirdWait:
    @pytest.mark.claim("problem.too-many-waits")
    def test_of_a_write_writes_nothing_and_leaves_its_key(self, alice, account, hers, waits):
        before = account.version

        refused = create_event(hers, make_event_body(alice))

        schema.problem(refused, 429, "too-many-waits")
        assert account.version == before
        assert not Reply.objects.exists()
        waits.pop().give_back()
        assert ok(create_event(hers, make_event_body(alice)), 201)["title"] == "New"

    @pytest.mark.claim("problem.too-many-waits")
    @pytest.mark.parametrize("method", ["patch", "delete"])
    def test_of_a_change_changes_nothing(self, alice, account, hers, waits, method):
        review = find_event_by_title(hers, "Review")
        before = account.version

        answer = send_json(
            hers, method, f"events/{review['id']}", {"title": "Other"}, **match(review)
        )

        schema.problem(answer, 429, "too-many-waits")
        assert account.version == before

    def test_leaves_copies_that_are_current_alone(self, hers, waits):
        assert find_event_by_title(hers, "Review")
        assert hers.get("/calendar/").status_code == 200

    @pytest.mark.parametrize("way", ["list", "one", "free-busy", "availability"])
    def test_of_copies_that_are_too_old_is_refused(self, alice, hers, waits, stale, way):
        event = alice.primary.events.first()
        me = str(alice.user.id)
        ask = {
            "list": lambda: hers.get(f"{V1}/events", WEEK),
            "one": lambda: hers.get(f"{V1}/events/{event.id}"),
            "free-busy": lambda: post_json(hers, "free-busy", {**WEEK, "people": [me]}),
            "availability": lambda: post_json(
                hers,
                "availability",
                {**WEEK, "participants": [{"user_id": me}], "duration_minutes": 30},
            ),
        }[way]

        schema.problem(ask(), 429, "too-many-waits")

    def test_of_a_page_asks_again_by_itself(self, alice, hers, waits, stale):
        address = f"/calendar/events/{alice.primary.events.first().id}/"

        page = hers.get(address)

        assert page.status_code == 429
        assert page["Refresh"] == f"2; url={address}?again=1"

    def test_of_a_form_keeps_what_was_typed(self, alice, account, hers, waits):
        typed = {
            "calendar": str(alice.primary.id),
            "key": "00000000-0000-4000-8000-000000000001",
            "title": "Typed",
            "start_day": f"{moment(5):%Y-%m-%d}",
            "end_day": f"{moment(5):%Y-%m-%d}",
            "start_time": "09:00",
            "end_time": "10:00",
            "zone": "Europe/Berlin",
            "every": "1",
        }
        before = account.version

        page = hers.post("/calendar/new/", typed)

        assert page.status_code == 429, page.text
        assert "Two of your other pages are waiting for a provider." in page.text
        assert 'value="Typed"' in page.text
        assert account.version == before

    def test_is_given_back_by_a_write_that_fails(self, alice, account, hers):
        for _ in range(4):
            review = {"etag": "0" * 8, "id": find_event_by_title(hers, "Review")["id"]}
            answer = send_json(
                hers, "patch", f"events/{review['id']}", {"title": "x"}, **match(review)
            )
            assert answer.status_code in {400, 412}, answer.content

        assert WAIT_SLOTS.count_lent(alice.user.id) == 0


class TestAThirdStream:
    def test_of_a_calendar_is_refused_until_one_has_ended(self, alice, hers):
        made = hers.post(
            f"{V1}/calendars",
            {"name": "Mine", "timezone": "Europe/Berlin", "version": LOCAL},
            content_type="application/json",
            headers={"Idempotency-Key": "key-00000009"},
        )
        exported = f"{V1}/calendars/{made.json()['id']}/export"
        first, second = hers.get(exported), hers.get(exported)

        refused = hers.get(exported)
        page = hers.get(f"/settings/calendars/{made.json()['id']}/calendar.ics")

        schema.problem(refused, 429, "too-many-downloads")
        assert (page.status_code, page["Retry-After"]) == (429, "5")
        cast.go_away(first)
        assert hers.get(exported).getvalue().endswith(b"END:VCALENDAR\r\n")
        cast.go_away(second)
        assert STREAM_SLOTS.count_lent(alice.user.id) == 0
