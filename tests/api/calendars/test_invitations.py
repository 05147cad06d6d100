"""Mail to guests counts like a person's own mail, and is refused beyond the same bounds."""

from __future__ import annotations

import json

import pytest

from accounts.models import Alarm
from integrations.access import sending_bounds
from integrations.formats.event_content import Attendee
from integrations.models import OutgoingCount, OutgoingKind
from integrations.providers import errors
from limited_use.models import Leaf
from tests.api.calendars.asking import V1, find_event_by_title, ok
from tests.api.calendars.test_repeating import at_provider
from tests.api.calendars.test_writing import allowed, create_event, make_event_body
from tests.api.schema import problem
from tests.api.test_limited_use import list_entries_since
from tests.integrations.calendar_house import meeting, moment

__all__ = ["allowed"]

pytestmark = [pytest.mark.clause("AN-11"), pytest.mark.clause("LU-4")]


def list_guests(count: int) -> list[dict]:
    return [{"email": f"guest{number}@example.test"} for number in range(count)]


def invite(client, alice, count: int = 2, *, key: str = "key-00000001", **more):
    return create_event(
        client,
        make_event_body(alice, participants=list_guests(count), notify="all", **more),
        key=key,
    )


def change(client, event, **more):
    return client.patch(
        f"{V1}/events/{event['id']}",
        json.dumps(more),
        content_type="application/json",
        headers={"If-Match": f'"{event["etag"]}"'},
    )


class TestInvitation:
    def test_is_recorded_and_counted_once(self, alice, account, hers):
        before = Leaf.objects.count()

        ok(invite(hers, alice), 201)
        ok(invite(hers, alice), 201)

        count = OutgoingCount.objects.get()
        assert (count.kind, count.recipient_count) == (OutgoingKind.INVITATION, 2)
        (entry,) = [
            entry
            for entry in list_entries_since(before)
            if entry.get("purpose") == "calendar.invite"
        ]
        assert (entry["rule"], entry["recipient"]) == ("owner-invites-guests", "own_provider")

    def test_to_more_than_50_guests_is_refused_before_the_provider_is_called(
        self, alice, account, hers
    ):
        before = Leaf.objects.count()

        body = problem(invite(hers, alice, 51), 403, "limited-use-refused")

        assert body["rule"] == "few-recipients"
        assert "AN-11" in body["clauses"]
        assert body["detail"] == "A message or an invitation goes to at most 50 people."
        assert body["ledger_entry"] in {entry["id"] for entry in list_entries_since(before)}
        assert at_provider(account) == []
        assert not OutgoingCount.objects.exists()
        assert Alarm.objects.filter(kind="sending.limit_reached").exists()

    def test_beyond_the_hour_is_refused_and_its_key_is_free(
        self, alice, account, hers, monkeypatch
    ):
        monkeypatch.setattr(sending_bounds, "MAX_PER_HOUR", 1)
        ok(invite(hers, alice), 201)

        body = problem(invite(hers, alice, key="key-00000002"), 403, "limited-use-refused")
        OutgoingCount.objects.all().delete()

        assert body["rule"] == "few-messages-an-hour"
        ok(invite(hers, alice, key="key-00000002"), 201)

    def test_counts_with_mail(self, alice, account, hers, monkeypatch):
        monkeypatch.setattr(sending_bounds, "MAX_PER_DAY", 1)
        OutgoingCount.objects.create(
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            kind=OutgoingKind.MAIL,
            recipient_count=1,
            counted_at=alice.at,
        )

        body = problem(invite(hers, alice), 403, "limited-use-refused")

        assert body["rule"] == "few-messages-a-day"

    @pytest.mark.parametrize(
        "more", [{"notify": "none", "participants": list_guests(60)}, {"notify": "all"}],
        ids=["nobody is notified", "there are no guests"],
    )  # fmt: skip
    def test_is_not_counted_where_nobody_gets_mail(self, alice, account, hers, more):
        ok(create_event(hers, make_event_body(alice, **more)), 201)

        assert not OutgoingCount.objects.exists()


class TestNotice:
    @pytest.fixture
    def event(self, alice, account, hers):
        guests = tuple(Attendee(f"old{number}@example.test") for number in range(3))
        owner = Attendee(account.email, is_organizer=True, is_self=True)
        account.put(meeting(moment(3), "Planning", attendees=(owner, *guests)))
        alice.sync()
        return find_event_by_title(hers, "Planning")

    def test_of_a_change_counts_guests_before_and_after(self, hers, event):
        ok(change(hers, event, participants=list_guests(2), notify="all"))

        # Three were guests, two are invited.
        assert OutgoingCount.objects.get().recipient_count == 5

    def test_of_a_change_that_is_tried_again_counts_once(self, account, hers, event):
        account.failures["change"] = [errors.ChangedMeanwhile("changed")]

        ok(change(hers, event, title="Later", notify="all"))

        assert OutgoingCount.objects.count() == 1

    def test_of_a_change_to_too_many_guests_changes_nothing(self, account, hers, event):
        body = problem(
            change(hers, event, participants=list_guests(50), notify="all"),
            403,
            "limited-use-refused",
        )

        assert body["rule"] == "few-recipients"
        counts = [len(one.content.attendees) for one in account.events[account.email].values()]
        assert max(counts) == 4

    def test_of_a_deletion_counts_too(self, account, hers, event, monkeypatch):
        monkeypatch.setattr(sending_bounds, "MAX_RECIPIENTS", 2)
        path, version = f"{V1}/events/{event['id']}", {"If-Match": f'"{event["etag"]}"'}

        body = problem(
            hers.delete(f"{path}?notify=all", headers=version), 403, "limited-use-refused"
        )

        assert body["rule"] == "few-recipients"
        assert hers.delete(f"{path}?notify=none", headers=version).status_code == 204
        assert not OutgoingCount.objects.exists()

    def test_of_a_move_counts_too(self, alice, hers, event):
        team = next(one for one in ok(hers.get(f"{V1}/calendars"))["data"]
                    if not one["is_primary"])  # fmt: skip

        ok(
            hers.post(
                f"{V1}/events/{event['id']}/move",
                json.dumps({"calendar_id": team["id"], "notify": "all"}),
                content_type="application/json",
                headers={"If-Match": f'"{event["etag"]}"'},
            )
        )

        assert OutgoingCount.objects.get().recipient_count == 3
