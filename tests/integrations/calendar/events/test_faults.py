"""Every write, with every fault at every step: nothing lost, nothing twice, and words for it."""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

import pytest
from django.db import transaction

from config.process_classes import ProcessClass
from integrations import providers
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events.event_drafts import EventDraft
from integrations.formats.event_content import Attendee, When
from integrations.providers import errors
from integrations.providers.calendars import RemoteEvent
from integrations.urls import error_table
from tests.factories import make_access
from tests.fakes.calendars import FakeCalendarAdapter
from tests.integrations.calendar.events.test_changing import (
    act_on_event,
    change_event,
    delete_event,
    list_shown_events,
)
from tests.integrations.calendar_house import meeting, moment
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(9), pytest.mark.scenario("C3")]

WRITES = frozenset(
    {"create_event", "update_event", "delete_event", "move_event", "respond_to_invitation"}
)
DAILY = ("RRULE:FREQ=DAILY;COUNT=6",)


#: What goes wrong before a call does anything. After a timeout nobody knows whether it did.
BEFORE = {
    "429": lambda: errors.RateLimited("slow", status=429, retry_after=3),
    "403": lambda: errors.Rejected("no", status=403, reason="forbidden"),
    "401": lambda: errors.TokenRejected("no", status=401),
    "503": lambda: errors.Unavailable("down", status=503),
    "409": lambda: errors.ChangedMeanwhile("another", status=409),
}


@dataclass
class Faulty:
    """An adapter of which one call, counted from 0, goes wrong; and how many were made."""

    held: FakeCalendarAdapter
    at: int = -1
    fault: str = ""
    made: int = 0

    def __getattr__(self, name):
        method = getattr(self.held, name)

        def call_or_fail(*given, **more):
            here, self.made = self.made == self.at, self.made + 1
            if not here:
                return method(*given, **more)
            if self.fault == "timeout after":
                method(*given, **more)
            if self.fault.startswith("timeout"):
                # A read may be repeated; of a write nobody knows.
                raise (errors.OutcomeUnknown if name in WRITES else errors.Unavailable)("silence")
            error = BEFORE[self.fault]
            raise error()

        return call_or_fail


@pytest.fixture
def faulty(account, monkeypatch):
    adapter = Faulty(FakeCalendarAdapter(account, make_access()))

    @contextmanager
    def open_faulty(access):
        access.token()
        yield adapter

    google = replace(providers.PROVIDERS["google"], open_calendars=open_faulty)
    monkeypatch.setitem(providers.PROVIDERS, "google", google)
    return adapter


@pytest.fixture
def week(alice, account):
    """A single event, an invitation, and a series."""
    account.put(meeting(moment(2), "Review"))
    guests = (Attendee("alice@gmail.example", is_self=True, response="needs_action"),)
    account.put(meeting(moment(2, 12), "Asked", attendees=guests), organizer="carol@example.test")
    account.put(meeting(moment(3), "Daily", recurrence=DAILY))
    alice.sync()
    return alice


def find_event_by_title(asked, title, place=0):
    return [one for one in list_shown_events(asked) if one["title"] == title][place]


def create_new_event(asked, alice):
    draft = EventDraft(title="New", start=When(at=moment(4), zone="UTC"),
                  end=When(at=moment(4, 10), zone="UTC"))  # fmt: skip
    with acting_as(ProcessClass.WEB):
        seen = event_access.find_writable_calendar(asked, alice.primary.id)
        return event_service.create(asked, seen, draft, key="key-00000001")


def edit(title, place, **more):
    """Return a change of what is there when it is first asked for: the same, however often."""
    return lambda asked, _: (
        (one := find_event_by_title(asked, title, place))
        and (
            lambda: change_event(
                asked, one, more.get("edit", {"title": "Edited"}), scope=more["scope"]
            )
        )
    )


def removal(title, place, scope):
    return lambda asked, _: (
        (one := find_event_by_title(asked, title, place))
        and (lambda: delete_event(asked, one, scope=scope))
    )


OPERATIONS = {
    "create": lambda asked, alice: lambda: create_new_event(asked, alice),
    "change": edit("Review", 0, scope="this"),
    "change one of a series": edit("Daily", 2, scope="this"),
    "change what follows": edit("Daily", 2, scope="following"),
    "change all": edit("Daily", 2, scope="all"),
    "move all": edit("Daily", 2, scope="all", edit={
        "start": When(at=moment(5, 15), zone="Europe/Berlin"),
        "end": When(at=moment(5, 16), zone="Europe/Berlin"),
    }),
    "delete": removal("Review", 0, "this"),
    "delete one of a series": removal("Daily", 2, "this"),
    "delete what follows": removal("Daily", 2, "following"),
    "delete all": removal("Daily", 2, "all"),
    "answer": lambda asked, _: (one := find_event_by_title(asked, "Asked")) and (
        lambda: act_on_event(event_service.respond, asked, one, "accepted", etag=one["etag"])
    ),
}  # fmt: skip


def get_state_at_provider(account) -> dict:
    """Return what is at the provider: when, what, how often, and what guests answered."""
    return {
        calendar: sorted(
            (str(one.content.start), one.content.title, one.content.recurrence,
             tuple(guest.response for guest in one.content.attendees))
            for one in held.values()
            if isinstance(one, RemoteEvent)
        )
        for calendar, held in account.events.items()
    }  # fmt: skip


def restore(account, held) -> None:
    events, versions, version = held
    account.events, account.versions = deepcopy(events), deepcopy(versions)
    account.version = version


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_write_that_fails_anywhere_is_told_and_the_same_again_finishes_it(
    week, asked, account, faulty, name
):
    before = deepcopy((account.events, account.versions, account.version))
    sid = transaction.savepoint()
    OPERATIONS[name](asked, week)()
    wanted, calls, seen = get_state_at_provider(account), faulty.made, list_shown_events(asked)
    wrong = []

    for at in range(calls):
        for fault in (*BEFORE, "timeout before", "timeout after"):
            transaction.savepoint_rollback(sid)
            sid = transaction.savepoint()
            restore(account, before)
            write = OPERATIONS[name](asked, week)
            faulty.made, faulty.at, faulty.fault = 0, at, fault
            said = []
            for _ in range(3):
                try:
                    write()
                except Exception as error:  # noqa: BLE001 - whatever it is, it has to have words
                    said.append(type(error).__name__)
                    if error_table.find_problem(error) is None:
                        wrong.append((at, fault, "no words for", type(error).__name__))
                else:
                    break
            else:
                wrong.append((at, fault, "never done", *said))
            if get_state_at_provider(account) != wanted:
                wrong.append((at, fault, *said, get_state_at_provider(account)))
            elif list_times(list_shown_events(asked)) != list_times(seen):
                wrong.append((at, fault, *said, "shown", list_times(list_shown_events(asked))))

    assert wrong == []
    assert calls


def list_times(events) -> list[tuple[str, str]]:
    return [(one["when"]["start"], one["title"]) for one in events]
