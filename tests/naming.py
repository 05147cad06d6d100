"""
Requests that name something elsewhere than in their address: in a query, a body, a form, a cursor.

Of the API they are made from its document, one for each parameter and each member of a body that
is an id or a cursor, wherever it may stand. Of pages they are declared here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.urls import resolve

from tests.api import cast
from tests.integrations.calendar_house import moment

ROOT = Path(__file__).parents[1]
PACKAGES = ("accounts", "integrations", "limited_use")
DOCUMENT = ROOT / "integrations/urls/api/openapi.json"

# What a parameter or a member of that name is the id of, by the names of parameters of addresses.
OF = {
    "after": "own_entry_id",
    "answer": "message_id",
    "attachment_ids": "attachment_id",
    "calendar": "calendar_id",
    "calendar_id": "calendar_id",
    "calendars": "calendar_id",
    "command": "command_id",
    "connection": "connection_id",
    "connection_id": "connection_id",
    "cursor": "cursor",
    "delegation": "delegation",
    "drive": "drive_id",
    "mailbox": "integration_id",
    "message_id": "message_id",
    "only": "integration_id",
    "organisation": "organisation",
    "people": "user",
    "require_free": "user",
    "thread_id": "thread_id",
    "upload_ids": "upload_id",
    "user_id": "user",
    "with": "user",
}
# What pages take besides, and what of it names nothing.
NO_ID = frozenset(
    {
        "action", "agree", "at", "before", "day", "decision", "feature", "files_kept",
        "format", "from", "hour", "horizon_days", "hours", "key", "keys", "minutes", "next",
        "notify", "product", "refused", "response", "scope", "show", "signature", "switch", "to",
        "undo_seconds", "validationToken", "version", "view", "waited", "was", "zone", "folder",
        "email", "q", "source", "kept-by", "words", "beyond", "state", "part",
    }
)  # fmt: skip
#: Routes to which only features send what names something.
FOR_FEATURES = frozenset({"api-delegations", "api-proposals", "api-removals"})
TIMES = {"start": moment(1, 0).isoformat(), "end": moment(9, 0).isoformat()}
MAIL = {"to": "bob@example.test", "subject": "x", "text": "x"}
EVENT = {
    "key": "6f1c0a52-8d53-4a6e-9a0c-3c1b7f1f6d11",
    "title": "x",
    "start_day": "2026-05-04",
    "start_time": "09:00",
    "end_day": "2026-05-04",
    "end_time": "10:00",
    "zone": "UTC",
}


@dataclass(frozen=True)
class NamedRequest:
    """
    A request to a route; its address is the caller's own.

    :param name: the parameter or member that is an id or a cursor
    :param at: where in the body it stands; empty: in the query
    :param rest: what the request needs besides: of the query, the form, or the body as a whole
    :param headers: which of those that the API knows it takes
    """

    route: str
    method: str
    name: str
    at: tuple[str, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)
    headers: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.name}"

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api-")


PAGES = (
    NamedRequest("settings-connect", "GET", "connection"),
    NamedRequest("connect-begin", "POST", "connection", ("connection",), cast.AGREED),
    NamedRequest("settings-feature", "POST", "delegation", ("delegation",), {"switch": "off"}),
    NamedRequest("switch_organisation", "POST", "organisation", ("organisation",)),
    NamedRequest("settings-activity", "GET", "connection"),
    NamedRequest("settings-activity-entries", "GET", "connection"),
    NamedRequest("settings-activity-entries", "GET", "after"),
    NamedRequest("settings-activity-csv", "GET", "connection"),
    NamedRequest("settings-activity-json", "GET", "connection"),
    NamedRequest("inbox", "GET", "cursor"),
    NamedRequest("inbox-compose", "GET", "mailbox"),
    NamedRequest("inbox-compose", "GET", "answer"),
    NamedRequest("inbox-compose", "GET", "command"),
    NamedRequest("inbox-compose", "POST", "mailbox", ("mailbox",), MAIL),
    NamedRequest("inbox-compose", "POST", "answer", ("answer",), MAIL),
    NamedRequest("inbox-compose", "POST", "command", ("command",), MAIL),
    NamedRequest("inbox-compose-senders", "GET", "mailbox"),
    NamedRequest("inbox-allow-sending", "GET", "mailbox"),
    NamedRequest("inbox-allow-sending", "POST", "mailbox", ("mailbox",)),
    NamedRequest("inbox-search", "POST", "only", ("only",), {"words": "x"}),
    NamedRequest("uploads", "POST", "mailbox"),
    NamedRequest("drive-files", "GET", "cursor"),
    NamedRequest("drive-folder", "POST", "drive", ("drive",), {"action": "own"}),
    NamedRequest("calendar-new", "GET", "with"),
    NamedRequest("calendar-new", "POST", "calendar", ("calendar",), EVENT),
    NamedRequest("calendar-move", "POST", "calendar", ("calendar",)),
)


@cache
def list_named_requests() -> tuple[NamedRequest, ...]:
    """Return one request for each place in which a caller names something."""
    return (*_of_the_api(), *PAGES)


def read_by_pages() -> set[str]:
    """Return the names that views read from queries and forms."""
    asked = re.compile(r'(?:request\.(?:GET|POST)(?:\.get)?|\.getlist)[(\[]"(\w+)"')
    files = (file for each in PACKAGES for file in (ROOT / each).rglob("*.py"))
    return {name for file in files for name in asked.findall(file.read_text(encoding="utf-8"))}


def body(named: NamedRequest, theirs: str, mine: Mapping[str, str]) -> dict[str, Any]:
    """Return what is sent: `theirs` where something is named, ids of `mine` in all other places."""
    if not named.is_api:
        return {**named.rest, named.name: theirs}
    return _sample(named.rest, "", theirs, mine, wanted=named.at)


def _of_the_api() -> Iterator[NamedRequest]:
    for path, methods in _document()["paths"].items():
        # Whatever stands in an address: this only finds out whose it is.
        route = resolve(re.sub(r"\{\w+\}", str(UUID(int=1)), path)).url_name
        for method, told in methods.items():
            yield from _of_one(route, method.upper(), told)


def _of_one(route: str, method: str, told: Mapping[str, Any]) -> Iterator[NamedRequest]:
    known = told.get("parameters", [])
    queries = [one for one in known if one["in"] == "query"]
    headers = frozenset(one["name"] for one in known if one["in"] == "header")
    needed = {one["name"]: TIMES[one["name"]] for one in queries if one.get("required")}
    for one in queries:
        if _is_named(one["name"], one["schema"]):
            yield NamedRequest(route, method, one["name"], (), needed, headers)
    shape = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    for at in _places(shape.get("schema", {})):
        yield NamedRequest(route, method, at[-1], at, shape["schema"], headers)


def _places(schema: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return where in a body something is named; a list is where its members are."""
    schema = _resolved(schema)
    if at and _is_named(at[-1], schema):
        yield at
    for name, inner in schema.get("properties", {}).items():
        yield from _places(inner, (*at, name))
    if "items" in schema:
        yield from _places(schema["items"], at)


def _is_named(name: str, schema: Mapping[str, Any]) -> bool:
    """Return whether it is an id or a cursor; an id that nobody declared breaks in `OF`."""
    return schema.get("format") == "uuid" or (name in OF and schema.get("type") == "string")


def _sample(
    schema: Mapping[str, Any],
    name: str,
    theirs: str,
    mine: Mapping[str, str],
    *,
    wanted: tuple[str, ...] | None,
) -> Any:
    """
    Return the least that is of that shape.

    :param wanted: where `theirs` goes, from here on; None: not below here
    """
    schema = _resolved(schema)
    if "properties" in schema:
        return {
            each: _sample(
                inner, each, theirs, mine, wanted=wanted[1:] if _leads(wanted, each) else None
            )
            for each, inner in schema["properties"].items()
            if each in schema.get("required", ()) or _leads(wanted, each)
        }
    if "items" in schema:
        return [_sample(schema["items"], name, theirs, mine, wanted=wanted)]
    if _is_named(name, schema):
        return theirs if wanted == () else mine[OF[name]]
    if name in TIMES:
        return TIMES[name]
    if name == "address":
        return "bob@example.test"
    return schema["enum"][0] if "enum" in schema else {"integer": 60}[schema["type"]]


def _leads(wanted: tuple[str, ...] | None, name: str) -> bool:
    return bool(wanted) and wanted[0] == name


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = schema.get("allOf", [schema])[0]
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = _document()["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return found


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DOCUMENT.read_bytes())
    return found
