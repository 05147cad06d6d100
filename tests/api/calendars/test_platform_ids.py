"""People are named by `me`, our id or the platform's, wherever a request or an answer names one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.ids import uuid7
from accounts.models import User
from integrations.access import person_references
from integrations.access.person_references import PersonResolver
from integrations.access.request_context import RequestContext
from integrations.calendar import refresh_on_read
from limited_use.models import Leaf
from limited_use.models.shares import Share
from tests.api import schema
from tests.api.calendars.asking import (
    V1,
    WEEK,
    availability,
    free_busy,
    ok,
    post_json,
    scheduler,
    share_calendar,
    withdraw,
)

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1)]


@pytest.fixture(autouse=True)
def synced(week, monkeypatch):
    """Her week is here, and nobody waits for a worker that no test has."""
    monkeypatch.setattr(refresh_on_read, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(refresh_on_read.wait_for_refresh, "__kwdefaults__", {"seconds": 0.0})


def rename(user: User, platform_id: str) -> str:
    """Give a person another id on the platform."""
    User.objects.filter(id=user.id).update(platform_id=platform_id)
    user.platform_id = platform_id
    return platform_id


def describe(told: dict) -> tuple:
    return told["person"], told["user_id"], told["platform_id"], told["status"]


class TestBusyTimes:
    def test_of_oneself_are_the_same_by_each_name(self, alice, hers):
        names = ["me", str(alice.user.id), alice.user.platform_id]

        answers = [free_busy(hers, name)["data"][0] for name in names]

        for name, told in zip(names, answers, strict=True):
            assert describe(told) == (name, str(alice.user.id), alice.user.platform_id, "known")
        assert answers[0]["time_slots"]
        assert len({str(told | {"person": ""}) for told in answers}) == 1

    @pytest.mark.clause("AN-8")
    def test_of_a_colleague_who_shares_are_the_same_by_each_name(self, alice, bob, his):
        share_calendar(alice, bob)
        names = [str(alice.user.id), alice.user.platform_id]

        by_id, by_platform_id = (free_busy(his, name)["data"][0] for name in names)

        assert by_id["time_slots"]
        assert by_id | {"person": ""} == by_platform_id | {"person": ""}
        assert describe(by_platform_id) == (
            alice.user.platform_id, str(alice.user.id), alice.user.platform_id, "known"
        )  # fmt: skip

    @pytest.mark.control("3.1.4")
    @pytest.mark.clause("AN-8")
    def test_are_unknown_byte_by_byte_whoever_a_platform_id_names(self, alice, his, mallory):
        """A colleague who shares nothing, a stranger, and nobody: one answer, one way to it."""
        answers, counts, entries = set(), set(), set()
        free_busy(his, "nobody-at-all")
        for name in (alice.user.platform_id, mallory[0].platform_id, "nobody"):
            before = Leaf.objects.count()
            with CaptureQueriesContext(connection) as asked:
                answer = post_json(his, "free-busy", {**WEEK, "people": [name]})
            body = ok(answer)
            assert describe(body["data"][0]) == (name, None, None, "unknown")
            known = answer.content.replace(name.encode(), b"?")
            answers.add(known.replace(body["request_id"].encode(), b"!"))
            counts.add(len(asked))
            entries.add(Leaf.objects.count() - before)
            assert not [q for q in asked.captured_queries if name in q["sql"]]

        assert len(answers) == len(counts) == 1
        assert entries == {0}

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("end", ["withdrawn", "expired"])
    def test_are_unknown_once_the_share_has_ended(self, alice, bob, his, end):
        share = share_calendar(alice, bob)
        assert free_busy(his, alice.user.platform_id)["data"][0]["status"] == "known"

        if end == "withdrawn":
            withdraw(alice, share)
        else:
            past = timezone.now() - timedelta(hours=1)
            Share.objects.filter(id=share.id).update(
                given_at=past - timedelta(hours=1), expires_at=past
            )

        told = free_busy(his, alice.user.platform_id)["data"][0]
        assert describe(told) == (alice.user.platform_id, None, None, "unknown")

    def test_of_one_person_by_two_names_are_refused(self, alice, bob, his):
        share_calendar(alice, bob)
        people = [str(alice.user.id), alice.user.platform_id]

        answer = post_json(his, "free-busy", {**WEEK, "people": people})

        [error] = schema.problem(answer, 400, "bad-request")["errors"]
        assert error["parameter"] == "people"

    def test_of_a_stranger_by_two_names_do_not_tell_that_it_is_one(self, mallory, his):
        people = [str(mallory[0].id), mallory[0].platform_id]

        assert [one["person"] for one in free_busy(his, *people)["data"]] == people

    @pytest.mark.clause("LU-2.1")
    def test_are_refused_to_a_feature_for_anybody_else(self, alice, bob):
        assistant = scheduler(alice)
        details = set()
        for name in (bob[0].platform_id, str(bob[0].id), "nobody"):
            answer = post_json(assistant, "free-busy", {**WEEK, "people": ["me", name]})
            details.add(schema.problem(answer, 403, "limited-use-refused")["detail"])

        assert details == {"No feature receives calendar.freebusy for calendar.share."}

    def test_are_told_to_a_feature_by_the_platforms_id_of_its_person(self, alice):
        [told] = free_busy(scheduler(alice), alice.user.platform_id)["data"]

        assert describe(told)[1:] == (str(alice.user.id), alice.user.platform_id, "known")


class TestAPlatformWhoseIdsAreUuids:
    def test_names_people_by_them(self, alice, bob, his):
        share_calendar(alice, bob)
        name = rename(alice.user, str(uuid4()))

        [told] = free_busy(his, name)["data"]

        assert describe(told) == (name, str(alice.user.id), name, "known")

    def test_names_oneself_in_the_address_and_in_bodies(self, alice, hers):
        name = rename(alice.user, str(uuid4()))

        answer = hers.post(
            f"/v1/users/{name}/free-busy",
            {**WEEK, "people": [name]},
            content_type="application/json",
        )

        assert describe(ok(answer)["data"][0]) == (name, str(alice.user.id), name, "known")

    def test_loses_to_our_id_of_somebody_else(self, alice, bob, his):
        """Bob's id on the platform is Alice's id here: Alice is meant if she shares with him."""
        name = rename(bob[0], str(alice.user.id))

        assert free_busy(his, name)["data"][0]["user_id"] == str(bob[0].id)
        share_calendar(alice, bob)
        assert free_busy(his, name)["data"][0]["user_id"] == str(alice.user.id)


class TestMeetingTimes:
    def test_name_participants_as_the_request_does(self, alice, bob, his):
        share_calendar(alice, bob)
        optional = {"user_id": "nobody", "required": False}

        body = availability(his, alice.user.platform_id, optional)

        assert body["data"]
        assert [describe(one) for one in body["participants"]] == [
            (alice.user.platform_id, str(alice.user.id), alice.user.platform_id, "known"),
            ("nobody", None, None, "unknown"),
        ]

    def test_list_optional_people_by_our_id(self, alice, hers):
        optional = {"user_id": alice.user.platform_id, "required": False}

        answer = post_json(
            hers,
            "availability",
            {**WEEK, "duration_minutes": 60, "participants": [optional]},
        )

        # Somebody has to come.
        schema.problem(answer, 400, "bad-request")

    def test_for_an_unknown_required_participant_are_none(self, his):
        body = availability(his, "nobody")

        assert body["data"] == []
        assert describe(body["participants"][0]) == ("nobody", None, None, "unknown")


class TestWriting:
    def make_body(self, alice, *people: str) -> dict:
        start = timezone.now().replace(hour=3, minute=0, second=0, microsecond=0)
        day = start + timedelta(days=5)
        return {
            "calendar_id": str(alice.primary.id),
            "title": "Tea",
            "when": {
                "object": "timespan",
                "start": day.isoformat(),
                "end": (day + timedelta(hours=1)).isoformat(),
                "timezone": "UTC",
            },
            "require_free": list(people),
        }

    def test_requires_nobody_twice(self, alice, hers):
        body = self.make_body(alice, "me", alice.user.platform_id)

        answer = hers.post(
            f"{V1}/events", body, content_type="application/json",
            headers={"Idempotency-Key": "key-1"},
        )  # fmt: skip

        [error] = schema.problem(answer, 400, "bad-request")["errors"]
        assert error["parameter"] == "require_free"


class TestAnswersThatNameAPerson:
    def test_of_shares_have_both_ids_for_the_viewer(self, alice, bob, his, hers):
        share_calendar(alice, bob, address="bob@antares.example")

        [received] = ok(his.get(f"{V1}/shares"))["data"]
        [given] = ok(hers.get(f"{V1}/shares"))["data"]

        assert (received["user_id"], received["platform_id"]) == (
            str(alice.user.id),
            alice.user.platform_id,
        )
        # The owner does not learn whether the address has an account.
        assert (given["user_id"], given["platform_id"]) == (None, None)

    def test_of_calendars_have_both_ids_of_who_shares_them(self, alice, bob, his, hers):
        share_calendar(alice, bob)

        [shared] = ok(his.get(f"{V1}/calendars"))["data"]
        single = ok(his.get(f"{V1}/calendars/{shared['id']}"))

        for told in (shared, single):
            assert (told["shared_by"], told["shared_by_platform_id"]) == (
                str(alice.user.id),
                alice.user.platform_id,
            )
        for own in ok(hers.get(f"{V1}/calendars"))["data"]:
            assert (own["shared_by"], own["shared_by_platform_id"]) == (None, None)


ASKER = uuid7()
NAMES = st.one_of(
    st.sampled_from(["me", str(ASKER), str(ASKER).upper(), "asker", "nobody"]),
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex),
    st.text(min_size=1, max_size=64, alphabet=st.characters(codec="utf-8")),
)


class TestResolver:
    """Which people the look-up returns. No test here reads the database."""

    def make_resolver(self, monkeypatch, partners: dict[UUID, str]) -> PersonResolver:
        monkeypatch.setattr(person_references, "find_sharer_platform_ids", lambda _: partners)
        context = RequestContext(actor=None, user_id=ASKER, at=timezone.now())  # type: ignore[arg-type]
        return PersonResolver(context, platform_id="asker")

    @given(
        name=NAMES,
        partners=st.dictionaries(st.uuids(version=4), st.uuids().map(str) | st.text(min_size=1)),
        is_partner=st.booleans(),
        data=st.data(),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_tells_only_whom_the_asker_may_know(
        self, monkeypatch, name, partners, is_partner, data
    ):
        if is_partner and partners:
            user_id = data.draw(st.sampled_from(sorted(partners)))
            name = data.draw(st.sampled_from([str(user_id), partners[user_id]]))

        found = self.make_resolver(monkeypatch, partners).resolve(name)

        known = {**partners, ASKER: "asker"}
        assert found.named == name
        if found.platform_id is not None:
            assert known[found.key] == found.platform_id
            assert found.user_id == found.key
            assert name in {"me", found.platform_id} or name.lower() == str(found.key)
        else:
            assert found.key not in known
            assert found.user_id is None or str(found.user_id) == name.lower()
            assert name not in {"me", "asker", *known.values(), *map(str, known)}

    @given(first=NAMES, second=NAMES)
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_takes_no_two_unknown_names_for_one_person(self, monkeypatch, first, second):
        resolver = self.make_resolver(monkeypatch, {})
        one, other = resolver.resolve(first), resolver.resolve(second)

        if one == other and one.platform_id is None:
            assert first.lower() == second.lower()

    def test_looks_nobody_up_for_the_asker(self, monkeypatch):
        resolver = self.make_resolver(monkeypatch, {})
        monkeypatch.setattr(person_references, "find_sharer_platform_ids", None)

        for name in ("me", "asker", str(ASKER)):
            assert resolver.resolve(name).key == ASKER
