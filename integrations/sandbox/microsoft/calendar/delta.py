"""
calendarView/delta: what is in a frozen window, and from round to round what became of it.

Occurrences come as skeletons beside their master. What is not in the window any more is
`@removed`, whatever the reason.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.sandbox.calendars.store import Calendar
from integrations.sandbox.microsoft.calendar import reading, shapes
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask

REFUSED = ("$select", "$filter", "$expand", "$orderby", "$search")


@dataclass
class Round:
    """`known` is what the client knows at its end: ids → change keys; `items` what is to tell."""

    calendar: str
    first: datetime
    last: datetime
    version: int
    known: dict[str, str] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    place: int = 0
    is_empty: bool = False


def view(ask: Ask) -> dict[str, Any]:
    found = reading.seen_of(ask).calendar
    rounds = ask.world.microsoft.rounds
    if token := ask.call.first("$skiptoken"):
        one = rounds.get(token)
        if one is None or one.calendar != found.id:
            raise problems.bad_request("Badly formed token.", "syncStateInvalid")
        return _page(ask, Round(**one.__dict__))
    if token := ask.call.first("$deltatoken"):
        before = rounds.get(token)
        if before is None or before.calendar != found.id:
            raise problems.bad_request("Badly formed token.", "syncStateInvalid")
        if before.version < found.forgotten:
            raise problems.sync_state_not_found(f"{ask.url}?$deltatoken=")
        return _page(ask, _next(ask, found, before))
    if refused := [name for name in REFUSED if name in ask.call.query]:
        raise problems.bad_request(f"{refused[0]} is not supported here.", "ErrorInvalidUrlQuery")
    first, last = reading.window(ask)
    return _page(ask, _next(ask, found, Round(found.id, first, last, found.version)))


def _next(ask: Ask, found: Calendar, before: Round) -> Round:
    shown: dict[str, dict[str, Any]] = {}
    for event in reading.inside(found, before.first, before.last):
        master = found.events.get(event.get("recurringEventId", ""))
        if master:
            shown.setdefault(master["id"], shapes.shown(ask, found, master))
        is_skeletal = shapes.kind_of(found, event) == "occurrence"
        make = shapes.skeleton if is_skeletal else shapes.shown
        shown[event["id"]] = make(ask, found, event)
    known = {name: str(one["@odata.etag"]) for name, one in shown.items()}
    items = [one for name, one in shown.items() if before.known.get(name) != known[name]]
    items += [
        {
            "@odata.type": "#microsoft.graph.event",
            "id": shapes.id_of(name, immutable=ask.immutable),
            "@removed": {"reason": "deleted"},
        }
        for name in before.known
        if name not in known
    ]
    return Round(found.id, before.first, before.last, found.version, known, items)


def _page(ask: Ask, one: Round) -> dict[str, Any]:
    size = ask.page_size()
    value = [] if one.is_empty else one.items[one.place : one.place + size]
    after = Round(**one.__dict__)
    after.place += len(value)
    is_last = after.place >= len(one.items)
    after.is_empty = bool(value) and not is_last and ask.world.dials.graph_empty_pages
    token = secrets.token_urlsafe(32)
    ask.world.microsoft.rounds[token] = after
    name, word = ("deltaLink", "deltatoken") if is_last else ("nextLink", "skiptoken")
    return {
        "@odata.context": f"{ask.world.url}/v1.0/$metadata#Collection(event)",
        "value": value,
        f"@odata.{name}": f"{ask.url}?${word}={token}",
    }
