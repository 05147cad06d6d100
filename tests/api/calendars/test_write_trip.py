"""How far an event write travels: files that it enters, and look-ups of its calendar."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

import integrations
from integrations.access.calendar_permits import owner_permits
from integrations.calendar import calendar_access
from integrations.formats.event_content import Attendee
from integrations.grants import provider_calls
from integrations.models import Connection
from integrations.providers.google.google_config import GOOGLE
from tests.api.calendars.asking import list_events
from tests.api.calendars.test_writing import create_event, make_event_body, match, send_json
from tests.integrations.calendar_house import meeting, moment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("allowed")]

MOST_FILES = 18
#: A change of a series also enters `series` and `series_arithmetic`.
MOST_FILES_OF_SERIES = 20
_ROOT = Path(integrations.__file__).parent.parent
#: Several files that count as one: a layer that every request or read of an event passes.
LAYERS = {
    "web layer": (
        "integrations/web/api/api_views.py", "integrations/web/api/request_fields.py",
        "integrations/calendar/api/preconditions.py",
        "integrations/web/api/json_fields.py", "integrations/web/api/negotiation.py",
        "integrations/web/api/api_rate_limits.py", "integrations/web/api/json_parser.py",
        "integrations/web/idempotency.py",
    ),
    "event as read": (
        "integrations/access/calendar_permits/viewer_permits.py", "integrations/calendar/agenda.py",
        "integrations/calendar/occurrences.py", "integrations/calendar/refresh_on_read.py",
        "integrations/calendar/event_rows.py", "integrations/calendar/event_json.py",
        "integrations/calendar/event_descriptions.py", "integrations/calendar/event_lookup.py",
        "integrations/calendar/event_codec.py",
    ),
    "guard": ("limited_use/guard/guard.py",),
    "vault": ("limited_use/vault/",),
    "provider": ("tests/fakes/calendars.py",),
}  # fmt: skip
COUNTED = (
    "integrations/web/api/",
    "integrations/calendar/",
    "integrations/access/calendar_permits/",
    "integrations/grants/provider_calls.py",
)
#: The rows of the cache, which a sync writes as well.
UNCOUNTED = "integrations/calendar/sync/"


class Trip:
    """Runs a request, and collects the functions that it calls."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()

    def follow(self, request):
        def count_call(frame, event, _):
            path = Path(frame.f_code.co_filename)
            if event == "call" and path.is_relative_to(_ROOT):
                self.calls[str(path.relative_to(_ROOT)), frame.f_code.co_name] += 1

        before = sys.getprofile()
        sys.setprofile(count_call)
        try:
            return request()
        finally:
            sys.setprofile(before)

    @property
    def files(self) -> set[str]:
        return {stop for file, _ in self.calls if (stop := name_of(file))}

    def count(self, module, function) -> int:
        file = str(Path(module.__file__).relative_to(_ROOT))
        return self.calls[file, function]


def name_of(file: str) -> str | None:
    for layer, parts in LAYERS.items():
        if file.startswith(parts):
            return layer
    return file if file.startswith(COUNTED) and not file.startswith(UNCOUNTED) else None


@pytest.fixture
def allowed(alice, account, week, monkeypatch):
    monkeypatch.setattr(provider_calls, "request_refresh", lambda _: None)
    scopes = sorted(GOOGLE.list_scopes_for(frozenset({"calendar.read", "calendar.write"})))
    Connection.objects.filter(id=alice.integration.connection_id).update(granted_scopes=scopes)
    guests = (Attendee("bob@gmail.example"), Attendee("alice@gmail.example", is_self=True))
    account.put(meeting(moment(6), "Party", attendees=guests), organizer="bob@gmail.example")
    alice.sync()


def prepare_create(hers, alice):
    # A request imports the routes, which is no part of a write.
    list_events(hers)
    body = make_event_body(alice)
    return lambda: create_event(hers, body)


def prepare_move(hers, alice):
    team = alice.calendars.get(is_primary=False)
    return prepare(hers, "post", "Review", "/move", calendar_id=str(team.id))


def prepare(hers, method, name, action="", **body):
    """Return a write of the last event that has `name` as its title."""
    event = [found for found in list_events(hers) if found["title"] == name][-1]
    path = f"events/{event['id']}{action}"
    return lambda: send_json(hers, method, path, body, **match(event))


WRITES = {
    "create": prepare_create,
    "change": lambda hers, _: prepare(hers, "patch", "Review", title="Retro"),
    "following": lambda hers, _: prepare(hers, "patch", "Daily", title="R", scope="following"),
    "delete": lambda hers, _: prepare(hers, "delete", "Review"),
    "move": prepare_move,
    "respond": lambda hers, _: prepare(hers, "post", "Party", "/response", status="accepted"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_enters_few_files_and_looks_its_calendar_up_once(hers, alice, write):
    request = WRITES[write](hers, alice)
    trip = Trip()

    answer = trip.follow(request)

    assert answer.status_code in {200, 201, 204}, answer.content
    assert {
        "integrations/calendar/events/event_service.py",
        "guard",
        "vault",
        "provider",
    } <= trip.files
    most = MOST_FILES_OF_SERIES if write == "following" else MOST_FILES
    assert len(trip.files) <= most, sorted(trip.files)
    assert trip.count(calendar_access, "get_own_calendars") == 1
    # A move writes in two calendars, and each has a key of its own.
    assert trip.count(owner_permits, "to_write_at_provider") == (2 if write == "move" else 1)
