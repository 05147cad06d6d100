"""How these tests ask: for a window of her week, by id, and how she shares."""

from __future__ import annotations

import json

from django.db import transaction
from django.utils import timezone

from accounts import clients, delegations
from limited_use.agreements import consents, shares
from limited_use.agreements.service_clients import create_declared_client
from limited_use.models import Share
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast, schema
from tests.integrations.calendar_house import moment

V1 = "/v1/users/me"
WEEK = {
    "start": moment(1, 0).isoformat(),
    "end": moment(9, 0).isoformat(),
    "timezone": "Europe/Berlin",
}


def ok(answer, status: int = 200):
    assert answer.status_code == status, answer.content
    assert "no-store" in answer.headers["Cache-Control"]
    return schema.check_answer(answer)


def list_events(client, **more) -> list[dict]:
    return ok(client.get(f"{V1}/events", {**WEEK, **more}))["data"]


def find_event_by_title(client, title: str, **more) -> dict:
    """Return the first of her events with that title."""
    return next(one for one in list_events(client, **more) if one["title"] == title)


def post_json(client, path: str, body):
    """Return the answer to a question that is posted as JSON."""
    return client.post(f"{V1}/{path}", json.dumps(body), content_type="application/json")


def free_busy(client, *people, **more) -> dict:
    return ok(
        post_json(client, "free-busy", {**WEEK, "people": [str(one) for one in people], **more})
    )


def availability(client, *participants, **more) -> dict:
    """Return when they could meet: ids, or participants as they are written."""
    named = [one if isinstance(one, dict) else {"user_id": str(one)} for one in participants]
    body = {**WEEK, "duration_minutes": 60, "participants": named, **more}
    return ok(post_json(client, "availability", body))


def share_calendar(alice, bob, level=ShareLevel.DETAILS, **more) -> Share:
    at = timezone.now()
    with transaction.atomic():
        consents.give(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            feature="calendar-sharing",
            version=FEATURES["calendar-sharing"].version,
            at=at,
        )
        return shares.give(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            viewer_id=bob[0].id,
            item=alice.primary.id,
            level=level,
            at=at,
            **more,
        )


def withdraw(alice, given: Share) -> None:
    with transaction.atomic():
        shares.withdraw(person_id=alice.user.id, share_id=given.id, at=timezone.now())


def scheduler(alice):
    """Return the scheduling assistant as a caller, which Alice switched on."""
    client = clients.ServiceClient.objects.filter(client_id="scheduler").first()
    client = client or create_declared_client(
        feature="scheduler",
        purposes=["calendar.schedule"],
        jwks=cast.KEYS,
        at=timezone.now(),
    )
    delegation = delegations.switch_delegation_on(
        user_id=alice.user.id,
        organisation_id=alice.organisation.id,
        feature="scheduler",
        feature_version=FEATURES["scheduler"].version,
        at=timezone.now(),
    )
    return cast.feature(client, delegation, "calendar.schedule")
