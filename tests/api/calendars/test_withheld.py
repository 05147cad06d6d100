"""Calendars of several people in one answer, of whom one may not show theirs now."""

from __future__ import annotations

import orjson
import pytest
from django.utils import timezone

from limited_use.models import Consent, Leaf
from limited_use.policy.feature_registry import FEATURES
from tests.api import schema
from tests.api.calendars.asking import V1, WEEK, list_events, ok, share_calendar
from tests.integrations import calendar_house as houses
from tests.integrations.household import person
from tests.integrations.pages import reading

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1), pytest.mark.usefixtures("week")]


@pytest.mark.invariant(8)
class TestWhatOneOfThemMayNotShowNow:
    """Alice did not agree to sharing as it reads now; Carol did, and Bob looks at both."""

    @pytest.fixture
    def carol(self, alice, bob):
        who = person("carol", alice.organisation, at=timezone.now())
        carol = houses.calendar_house(at=timezone.now(), who=who)
        carol.sync()
        for one in (alice, carol):
            share_calendar(one, bob)
        outdated = Consent.objects.filter(owner_id=alice.user.id, feature="calendar-sharing")
        outdated.update(version=99)
        return carol

    def test_takes_nothing_from_the_others_and_is_said(self, alice, carol, his):
        body = ok(his.get(f"{V1}/events", WEEK))

        assert {one["calendar_id"] for one in body["data"]} == {str(carol.primary.id)}
        standing = {one["id"]: (one["complete"], one["state"]) for one in body["calendars"]}
        assert standing == {
            str(alice.primary.id): (False, "withheld"),
            str(carol.primary.id): (True, "current"),
        }

    def test_has_no_name_in_the_list_and_nothing_by_itself(self, alice, carol, hers, his):
        listed = ok(his.get(f"{V1}/calendars"))["data"]

        assert {one["id"]: one["name"] is None for one in listed} == {
            str(alice.primary.id): True,
            str(carol.primary.id): False,
        }
        event = list_events(hers)[0]["id"]
        schema.problem(his.get(f"{V1}/events/{event}"), 403, "limited-use-refused")

    @pytest.mark.invariant(3)
    def test_is_one_refusal_in_the_ledger_and_one_permit_beside_it(self, carol, his):
        before = set(Leaf.objects.values_list("id", flat=True))

        ok(his.get(f"{V1}/events", WEEK))

        written = Leaf.objects.exclude(id__in=before)
        told = [orjson.loads(bytes(one.payload)) for one in written]
        assert {(one["event"], one["class"]) for one in told} == {
            (event, data_class)
            for event in ("use.permitted", "use.refused")
            for data_class in ("calendar.event", "calendar.freebusy")
        }

    @pytest.mark.claim("calendar.withheld")
    def test_is_said_on_the_page_beside_what_others_show(self, alice, carol, his):
        page = reading.text(his.get("/calendar/?view=agenda").text)

        assert "1 shared calendar cannot be shown right now: its owner has not agreed" in page
        assert page.count("Review") == 1
        # That was the reason: nothing else is changed.
        agreed = Consent.objects.filter(owner_id=alice.user.id, feature="calendar-sharing")
        agreed.update(version=FEATURES["calendar-sharing"].version)
        page = reading.text(his.get("/calendar/?view=agenda").text)
        assert "cannot be shown right now" not in page
        assert page.count("Review") == 2
