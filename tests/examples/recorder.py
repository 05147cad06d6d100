"""Record one request and its response for each operation of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import orjson
from django.conf import settings
from schemathesis import Case, Response

from tests.api.generated import callers
from tests.api.generated.callers import Caller
from tests.api.generated.known_requests import Request, make_known_requests
from tests.api.generated.operations import OPERATIONS
from tests.api.generated.test_known_requests import make_case
from tests.api.generated.world import GeneratedRequestsWorld
from tests.examples.stable_values import StableValues

#: Headers of a response that the examples show.
SHOWN_HEADERS: Final = ("ETag", "Location", "Retry-After", "Upload-State", "Upload-Offset")
#: All days, as the weekday of the events depends on the day of the run.
_WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNKNOWN_ID: Final = "00000000-0000-7000-8000-000000000000"


def record_examples(
    described: Any,
    world: GeneratedRequestsWorld,
    by_purpose: Mapping[str, Caller],
    *,
    person: Caller,
    own: Caller,
    marketing: Caller,
) -> dict[str, Any]:
    """
    Return the content of `examples.json`.

    :param by_purpose: a feature with a token of each purpose
    :param own: a client with its own token
    :param marketing: a client whose purpose is refused
    """
    requests = make_example_requests(world)
    stable = StableValues(world.at, world.soon, settings.PUBLIC_URL)
    operations = {}
    for operation_id in OPERATIONS:
        case = make_case(described, operation_id, requests[operation_id])
        caller = _choose_caller(case, by_purpose, person=person, own=own)
        answer = callers.send_case(case, caller)
        assert answer.status_code < 300, (operation_id, answer.content)
        operations[operation_id] = stable.replace(
            {"request": _record_request(case), "response": _record_response(answer)}
        )
    return {
        "operations": operations,
        "refusals": [
            stable.replace(_record_refusal(described, requests["list_messages"], marketing)),
            stable.replace(
                _record_refusal(
                    described,
                    replace(
                        requests["get_message"], path={"user": "me", "message_id": _UNKNOWN_ID}
                    ),
                    by_purpose["inbox.display"],
                    operation_id="get_message",
                )
            ),
        ],
    }


def make_example_requests(world: GeneratedRequestsWorld) -> dict[str, Request]:
    """Return the known requests, with values that a reader expects."""
    known = make_known_requests(world)
    start = world.soon
    times = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
    hours = {
        "timezone": "UTC",
        "open": [{"days": list(_WEEK), "start": "09:00", "end": "17:00"}],
    }
    meeting = {"object": "timespan", "timezone": "UTC", **world.hour(10)}
    reply = {
        "to": [{"name": "Dana Reyes", "address": "dana.reyes@northwind.example"}],
        "subject": "Re: Plan for the second quarter",
        "text": "Hello Dana,\n\nWednesday at ten is fine.\n\nAlice",
    }
    accepted = {"user": "me", "file_id": world.ids["accepted"]}
    return known | {
        "find_availability": Request(
            known["find_availability"].path,
            body={
                **times,
                "duration_minutes": 45,
                "limit": 3,
                "participants": [{"user_id": "me"}],
                "hours": hours,
            },
        ),
        "get_free_busy": Request(known["get_free_busy"].path, body={**times, "people": ["me"]}),
        "list_events": Request(known["list_events"].path, {**times, "limit": 2}),
        "create_event": replace(
            known["create_event"],
            body={
                "calendar_id": world.ids["primary"],
                "title": "Planning",
                "when": meeting,
                "participants": [{"email": "dana.reyes@northwind.example", "name": "Dana Reyes"}],
                "reminders": [{"minutes": 10}],
            },
        ),
        "send_message": replace(
            known["send_message"], body={**known["send_message"].body, **reply}
        ),
        "propose_draft": replace(
            known["propose_draft"], body={**known["propose_draft"].body, **reply}
        ),
        "create_file": replace(known["create_file"], query={}),
        "send_file_bytes": replace(known["send_file_bytes"], path=accepted, body=b"Hi\n"),
    }


def _choose_caller(
    case: Case, by_purpose: Mapping[str, Caller], *, person: Caller, own: Caller
) -> Caller:
    purposes = case.operation.definition.raw["x-purposes"]
    others = callers.choose_caller(case, person=person, own=own)
    return next((caller for name, caller in by_purpose.items() if name in purposes), others)


def _record_request(case: Case) -> dict[str, Any]:
    return {
        "method": case.method,
        "path": dict(case.path_parameters),
        "query": dict(case.query),
        "headers": dict(case.headers),
        **({"body": _read_body(case.body)} if isinstance(case.body, dict | bytes) else {}),
    }


def _read_body(body: Any) -> Any:
    return body.decode() if isinstance(body, bytes) else body


def _record_response(answer: Response) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    shown = {
        name: ", ".join(headers[name.lower()]) for name in SHOWN_HEADERS if name.lower() in headers
    }
    recorded: dict[str, Any] = {"status": answer.status_code, "headers": shown}
    if answer.content:
        media_type = ", ".join(headers["content-type"])
        recorded["media_type"] = media_type
        is_json = media_type.endswith("json")
        recorded["body"] = orjson.loads(answer.content) if is_json else answer.content.decode()
    return recorded


def _record_refusal(
    described: Any, request: Request, caller: Caller, *, operation_id: str = "list_messages"
) -> dict[str, Any]:
    case = make_case(described, operation_id, request)
    return _record_response(callers.send_case(case, caller))
