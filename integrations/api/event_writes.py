"""
What is written of events: from JSON to one call, and its answer.

Each write holds a slot of the person from its beginning, so that it is refused before anything is
written and not between the write and its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import concurrency
from integrations.asking import Asked, NotFound
from integrations.calendars import single, writing
from integrations.calendars.single import EventId
from integrations.calendars.writing import BadDraft, Draft, Edit, Guest, Written, drafts, once
from integrations.event_shapes import Reminder, When

from . import conditions
from .conditions import tagged


@concurrency.waiting()
def create(question: Asked, request: Request, given: Mapping[str, Any]) -> HttpResponse:
    try:
        written, is_replayed = once.create(
            question,
            given["calendar_id"],
            Draft(**_edit(given)),
            sent=conditions.sent(request, "create_event"),
            notify=given["notify"],
            require_free=given["require_free"],
        )
    except BadDraft as error:
        raise _wrong(error) from None
    if is_replayed:
        return _replayed(question, written)
    return _answer(question, written, status=once.CREATED)


@concurrency.waiting()
def change(question: Asked, name: EventId, given: Mapping[str, Any], *, etag: str) -> HttpResponse:
    try:
        written = writing.change(
            question,
            name,
            _edit(given),
            etag=etag,
            scope=given["scope"],
            notify=given["notify"],
        )
    except BadDraft as error:
        raise _wrong(error) from None
    return _answer(question, written, status=200)


@concurrency.waiting()
def delete(question: Asked, name: EventId, given: Mapping[str, Any], *, etag: str) -> None:
    writing.delete(question, name, etag=etag, scope=given["scope"], notify=given["notify"])


@concurrency.waiting()
def move(question: Asked, name: EventId, given: Mapping[str, Any], *, etag: str) -> HttpResponse:
    try:
        written = writing.move(
            question, name, etag=etag, to=given["calendar_id"], notify=given["notify"]
        )
    except BadDraft as error:
        raise _wrong(error) from None
    return _answer(question, written, status=200)


@concurrency.waiting()
def respond(question: Asked, name: EventId, given: Mapping[str, Any], *, etag: str) -> HttpResponse:
    written = writing.respond(
        question, name, given["status"], etag=etag, scope=given["scope"], notify=given["notify"]
    )
    return _answer(question, written, status=200)


def _edit(given: Mapping[str, Any]) -> Edit:
    edit: Edit = {}
    for name in ("title", "description", "location"):
        if name in given:
            edit[name] = given[name]
    if "when" in given:
        edit["start"], edit["end"] = _times(given["when"])
    if "recurrence" in given:
        edit["recurrence"] = tuple(given["recurrence"])
    if "participants" in given:
        edit["attendees"] = tuple(
            Guest(one["email"], one["name"], one["is_optional"]) for one in given["participants"]
        )
    if "busy" in given:
        edit["is_busy"] = given["busy"]
    if "visibility" in given:
        edit["is_private"] = given["visibility"] == "private"
    if "reminders" in given:
        found = given["reminders"]
        edit["reminders"] = None if found is None else tuple(Reminder(**one) for one in found)
    return edit


def _times(when: Mapping[str, str]) -> tuple[When, When]:
    of_days = when["object"] == "datespan"
    found: list[When] = []
    for name in ("start", "end"):
        try:
            found.append(
                When(day=date.fromisoformat(when[name]))
                if of_days
                else _moment(when[name], when["timezone"], name)
            )
        except ValueError:
            said = "A date." if of_days else "A time of RFC 3339, or one without an offset."
            raise ValidationError({f"when.{name}": [said]}) from None
    return found[0], found[1]


def _moment(text: str, zone: str, name: str) -> When:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        return drafts.moment(at, zone, field=name)
    place = drafts.moment(datetime(2000, 1, 1), zone).zone  # noqa: DTZ001 - a clock time
    return When(at=at, zone=place)


def _wrong(error: BadDraft) -> ValidationError:
    return ValidationError({name: [said] for name, said in error.fields.items()})


def _replayed(question: Asked, written: Written) -> HttpResponse:
    try:
        answer = _answer(question, written, status=once.CREATED)
    except NotFound:
        raise once.NoLongerHere from None
    return conditions.replayed(answer)


def _answer(question: Asked, written: Written, *, status: int) -> HttpResponse:
    if written.id is None:
        return Response(
            {"status": "written", "calendar_id": written.calendar_id, "id": None},
            status=once.ELSEWHERE,
        )
    body = single.read_event(question, single.event_id(written.id))
    return tagged(body, status=status)
