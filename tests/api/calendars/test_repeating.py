"""One event for one `Idempotency-Key`: whatever goes wrong, however often the same is sent."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integrations.access import fences
from integrations.access.request_context import RequestContext
from integrations.models import Integration, Reply
from integrations.providers import errors
from integrations.web import idempotency
from integrations.web.idempotency import KeyedRequest
from limited_use.models import Consent
from tests.api import schema
from tests.api.calendars.asking import V1, ok
from tests.api.calendars.test_writing import allowed, create_event, make_event_body, problem

__all__ = ["allowed"]

pytestmark = [pytest.mark.django_db, pytest.mark.scenario("C3"), pytest.mark.invariant(9)]


def at_provider(account) -> list[str]:
    """Return the titles of what is at the provider under ids that we made."""
    held = account.events[account.email]
    return [one.content.title for name, one in held.items() if one and len(name) == 40]


class TestTheSameAgain:
    def test_is_answered_the_same_and_says_so(self, alice, account, hers):
        first, again = (
            create_event(hers, make_event_body(alice)),
            create_event(hers, make_event_body(alice)),
        )

        assert ok(first, 201) == ok(again, 201)
        assert first.headers["ETag"] == again.headers["ETag"]
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert at_provider(account) == ["New"]

    def test_is_the_same_in_another_order(self, alice, hers):
        first = ok(create_event(hers, make_event_body(alice, location="Here")), 201)

        body = json.dumps(dict(reversed(make_event_body(alice, location="Here").items())), indent=2)
        again = hers.post(f"{V1}/events", body, content_type="application/json",
                          headers={"Idempotency-Key": "key-00000001"})  # fmt: skip

        assert ok(again, 201) == first

    def test_asks_nobody_at_the_provider(self, alice, account, hers):
        ok(create_event(hers, make_event_body(alice)), 201)
        account.failures["create"] = [errors.Unavailable("down")]

        ok(create_event(hers, make_event_body(alice)), 201)

    def test_outside_of_what_is_kept_is_answered_the_same(self, alice, account, hers):
        far = timezone.now() + timedelta(days=900)
        when = {"object": "timespan", "start": far.isoformat(),
                "end": (far + timedelta(hours=1)).isoformat()}  # fmt: skip

        first, again = (
            ok(create_event(hers, make_event_body(alice, when=when)), 202) for _ in range(2)
        )

        assert first == again
        assert at_provider(account) == ["New"]

    def test_shows_the_event_as_it_is_by_then(self, alice, hers):
        made = ok(create_event(hers, make_event_body(alice)), 201)
        ok(hers.patch(f"{V1}/events/{made['id']}", json.dumps({"title": "Later"}),
                      content_type="application/json",
                      headers={"If-Match": f'"{made["etag"]}"'}))  # fmt: skip

        assert ok(create_event(hers, make_event_body(alice)), 201)["title"] == "Later"

    @pytest.mark.claim("write.gone-since")
    def test_of_what_was_removed_since_is_told_and_not_done_again(self, alice, account, hers):
        made = ok(create_event(hers, make_event_body(alice)), 201)
        hers.delete(f"{V1}/events/{made['id']}", headers={"If-Match": f'"{made["etag"]}"'})

        problem(create_event(hers, make_event_body(alice)), 410, "gone")

        assert at_provider(account) == []

    @pytest.mark.invariant(5)
    def test_is_refused_where_reading_it_is(self, alice, hers):
        ok(create_event(hers, make_event_body(alice)), 201)
        Consent.objects.filter(feature="calendar").update(version=99)

        answer = create_event(hers, make_event_body(alice))

        schema.problem(answer, 403, "limited-use-refused")
        assert b"New" not in answer.content

    def test_under_another_key_is_another_event(self, alice, account, hers):
        ok(create_event(hers, make_event_body(alice)), 201)
        ok(create_event(hers, make_event_body(alice), key="key-00000002"), 201)

        assert at_provider(account) == ["New", "New"]


class TestSomethingElseUnderTheKey:
    @pytest.mark.parametrize(
        "more",
        [{"title": "Other"}, {"description": "x"}, {"notify": "all"}, {"busy": False},
         {"participants": [{"email": "carol@example.test"}]}],
        ids=lambda more: next(iter(more)),
    )  # fmt: skip
    def test_is_told_whatever_differs(self, alice, account, hers, more):
        ok(create_event(hers, make_event_body(alice)), 201)

        problem(create_event(hers, make_event_body(alice, **more)), 422, "key-reused")

        assert at_provider(account) == ["New"]

    def test_is_taken_where_nothing_came_of_the_first(self, alice, account, hers):
        problem(
            create_event(hers, make_event_body(alice, description="x" * 9_000)), 400, "bad-request"
        )
        account.failures["create"] = [errors.Rejected("no", reason="invalid", status=400)]
        problem(create_event(hers, make_event_body(alice, title="No")), 422, "refused-by-provider")

        ok(create_event(hers, make_event_body(alice)), 201)


class TestWhileNobodyKnows:
    def test_whether_it_was_written_the_same_alone_is_tried_again(self, alice, account, hers):
        account.failures["create"] = [errors.OutcomeUnknown("no answer")] * 2
        problem(create_event(hers, make_event_body(alice)), 503, "outcome-unknown")

        problem(create_event(hers, make_event_body(alice, title="Other")), 422, "key-reused")
        ok(create_event(hers, make_event_body(alice)), 201)

        assert at_provider(account) == ["New"]

    @pytest.mark.claim("write.in-progress")
    def test_as_it_is_being_written_the_second_is_told_to_wait(self, alice, account, hers):
        seen = []
        account.before_answer = lambda: seen.append(create_event(hers, make_event_body(alice)))

        ok(create_event(hers, make_event_body(alice)), 201)

        [second] = seen
        problem(second, 409, "in-progress")
        # For as long as the first may take; nobody knows whether it still runs.
        assert int(second.headers["Retry-After"]) == idempotency.LEASE_TIME.total_seconds()
        assert at_provider(account) == ["New"]

    @pytest.mark.claim("write.in-progress")
    def test_as_whoever_wrote_it_died_the_wait_is_told_and_is_long_enough(self, alice, hers):
        asked = RequestContext(alice.actor, alice.user.id, timezone.now())
        body = json.dumps(make_event_body(alice), separators=(",", ":"), sort_keys=True).encode()
        lease = idempotency.claim(
            asked, KeyedRequest("create_event", "key-00000001", body), alice.integration
        )

        for left in (120, 119.5, 60, 0.8, 0.001):
            with time_machine.travel(lease.held_until - timedelta(seconds=left), tick=False):
                answer = create_event(hers, make_event_body(alice))
            problem(answer, 409, "in-progress")
            assert int(answer.headers["Retry-After"]) == math.ceil(left)

        with time_machine.travel(lease.held_until, tick=False):
            ok(create_event(hers, make_event_body(alice)), 201)

    def test_as_whoever_wrote_it_died_the_same_finds_it(self, alice, account, hers):
        made = ok(create_event(hers, make_event_body(alice)), 201)
        died = timezone.now() - idempotency.LEASE_TIME
        Reply.objects.update(status=None, result_id=None, held_until=timezone.now())
        Reply.objects.update(began_at=died, held_until=died + idempotency.LEASE_TIME)

        assert ok(create_event(hers, make_event_body(alice)), 201)["id"] == made["id"]
        assert at_provider(account) == ["New"]


class TestARow:
    @pytest.fixture
    def asked(self, alice):
        return RequestContext(alice.actor, alice.user.id, timezone.now())

    def test_says_nothing_of_what_was_asked_for(self, asked, alice):
        one, other = (
            idempotency.claim(asked, KeyedRequest("create_event", key, b"New"), alice.integration)
            for key in ("key-1", "key-2")
        )

        assert one.body_blind != other.body_blind
        sealed = {field.name for field in Reply._meta.concrete_fields} - {
            "id", "integration", "user_id", "organisation_id", "began_at", "held_until",
            "status", "result_id",
        }  # fmt: skip
        assert sealed == {"key_blind", "body_blind"}

    def test_is_of_one_caller_and_one_operation(self, asked, alice):
        sent = KeyedRequest("create_event", "key-1", b"")
        mine = idempotency.claim(asked, sent, alice.integration)
        feature = replace(asked, actor=replace(alice.actor, id=alice.organisation.id))

        for who, what in ((feature, sent), (asked, replace(sent, route="other"))):
            assert idempotency.claim(who, what, alice.integration).id != mine.id

    def test_is_forgotten_after_a_day(self, asked, alice):
        sent = KeyedRequest("create_event", "key-1", b"one")
        idempotency.claim(asked, sent, alice.integration)
        tomorrow = replace(asked, at=asked.at + idempotency.RETENTION)

        # The key is free again, even before anybody swept.
        idempotency.claim(tomorrow, replace(sent, body=b"other"), alice.integration)
        assert idempotency.delete_expired(at=tomorrow.at) == 0
        assert idempotency.delete_expired(at=tomorrow.at + idempotency.RETENTION) == 1

    @pytest.mark.invariant(5)
    def test_is_not_made_after_a_disconnect(self, asked, alice):
        Integration.objects.filter(id=alice.integration.id).update(epoch=99)

        with pytest.raises(fences.DisconnectedError):
            idempotency.claim(asked, KeyedRequest("create_event", "key-1", b""), alice.integration)

        assert not Reply.objects.exists()


def test_what_is_not_hers_takes_no_key(alice, hers):
    body = make_event_body(alice, calendar_id="00000000-0000-7000-8000-000000000001")

    problem(create_event(hers, body), 404, "not-found")

    assert not Reply.objects.exists()
