"""
calendarView/delta: a fixed window, and its changes round by round.

Occurrences have few fields and come with their master. Whatever left the window is `@removed`.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.sandbox.calendars.store import SandboxCalendar
from integrations.sandbox.microsoft.calendar import event_format, event_queries
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest

REFUSED_PARAMS = ("$select", "$filter", "$expand", "$orderby", "$search")


@dataclass
class ViewRound:
    """`known` maps the client's ids to change keys; `items` are the changes to report."""

    calendar: str
    first: datetime
    last: datetime
    version: int
    known: dict[str, str] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    offset: int = 0
    is_empty: bool = False


def list_view_changes(request: GraphRequest) -> dict[str, Any]:
    calendar = event_queries.find_list_entry(request).calendar
    rounds = request.state.microsoft.rounds
    if token := request.call.get_param("$skiptoken"):
        view_round = rounds.get(token)
        if view_round is None or view_round.calendar != calendar.id:
            raise problems.bad_request("Badly formed token.", "syncStateInvalid")
        return _make_page(request, ViewRound(**view_round.__dict__))
    if token := request.call.get_param("$deltatoken"):
        before = rounds.get(token)
        if before is None or before.calendar != calendar.id:
            raise problems.bad_request("Badly formed token.", "syncStateInvalid")
        if before.version < calendar.oldest_version:
            raise problems.sync_state_not_found(f"{request.url}?$deltatoken=")
        return _make_page(request, _make_next_round(request, calendar, before))
    if refused := [name for name in REFUSED_PARAMS if name in request.call.query]:
        raise problems.bad_request(f"{refused[0]} is not supported here.", "ErrorInvalidUrlQuery")
    first, last = event_queries.read_window(request)
    return _make_page(
        request,
        _make_next_round(request, calendar, ViewRound(calendar.id, first, last, calendar.version)),
    )


def _make_next_round(
    request: GraphRequest, calendar: SandboxCalendar, before: ViewRound
) -> ViewRound:
    items_by_id: dict[str, dict[str, Any]] = {}
    for event in event_queries.iterate_window(calendar, before.first, before.last):
        master = calendar.events.get(event.get("recurringEventId", ""))
        if master:
            items_by_id.setdefault(
                master["id"], event_format.format_event(request, calendar, master)
            )
        is_skeletal = event_format.get_event_type(calendar, event) == "occurrence"
        format_item = event_format.format_occurrence if is_skeletal else event_format.format_event
        items_by_id[event["id"]] = format_item(request, calendar, event)
    known = {name: str(item["@odata.etag"]) for name, item in items_by_id.items()}
    items = [item for name, item in items_by_id.items() if before.known.get(name) != known[name]]
    items += [
        {
            "@odata.type": "#microsoft.graph.event",
            "id": event_format.make_event_id(name, immutable=request.wants_immutable_ids),
            "@removed": {"reason": "deleted"},
        }
        for name in before.known
        if name not in known
    ]
    return ViewRound(calendar.id, before.first, before.last, calendar.version, known, items)


def _make_page(request: GraphRequest, view_round: ViewRound) -> dict[str, Any]:
    size = request.get_page_size()
    value = (
        []
        if view_round.is_empty
        else view_round.items[view_round.offset : view_round.offset + size]
    )
    after = ViewRound(**view_round.__dict__)
    after.offset += len(value)
    is_last = after.offset >= len(view_round.items)
    after.is_empty = bool(value) and not is_last and request.state.knobs.graph_empty_pages
    token = secrets.token_urlsafe(32)
    request.state.microsoft.rounds[token] = after
    name, token_param = ("deltaLink", "deltatoken") if is_last else ("nextLink", "skiptoken")
    return {
        "@odata.context": f"{request.state.url}/v1.0/$metadata#Collection(event)",
        "value": value,
        f"@odata.{name}": f"{request.url}?${token_param}={token}",
    }
