"""A limit that the provider reached is the provider's, at every write of an event."""

from __future__ import annotations

import pytest

from integrations.providers import errors
from tests.api.calendars.asking import find_event_by_title
from tests.api.calendars.test_writing import (
    allowed,
    create_event,
    make_event_body,
    match,
    send_json,
)
from tests.api.schema import problem

__all__ = ["allowed"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("week")]


def create(client, alice, _):
    return create_event(client, make_event_body(alice))


def update(client, _, event):
    return send_json(client, "patch", f"events/{event['id']}", {"title": "Later"}, **match(event))


def delete(client, _, event):
    return send_json(client, "delete", f"events/{event['id']}", **match(event))


@pytest.mark.parametrize("write", [create, update, delete])
@pytest.mark.parametrize("status", [429, 403, None])
def test_write_says_whose_limit_was_reached(alice, account, hers, write, status):
    """Without a status, the provider was not asked: our own limit comes first."""
    event = find_event_by_title(hers, "Review")
    account.refusals.append(
        errors.RateLimited("slow down", status=status, reason="rateLimitExceeded", retry_after=7)
    )

    answer = write(hers, alice, event)

    said = problem(answer, 503, "provider-rate-limited")
    assert said["limited_by"] == ("provider" if status else "self")
    assert said["provider"] == {"status": status, "reason": "rateLimitExceeded", "retry_after": 7}
    assert answer["Retry-After"] == "7"
    assert "limit" not in said
    assert account.refusals == []
