"""events.watch, calendarList.watch and channels.stop."""

import hashlib
from typing import Any

from integrations.sandbox.channels import Channel
from integrations.sandbox.google import problems
from integrations.sandbox.google.calendar.ask import Ask

WEEK = 604_800
_LONGEST_ID, _LONGEST_TOKEN = 64, 256


def events(ask: Ask) -> dict[str, Any]:
    calendar = ask.seen().calendar
    return _open(ask, f"calendars/{calendar.id}/events")


def calendar_list(ask: Ask) -> dict[str, Any]:
    return _open(ask, f"users/{ask.person.sub}/calendarList")


def _open(ask: Ask, resource: str) -> dict[str, Any]:
    body = ask.json()
    channel_id, address = str(body.get("id") or ""), str(body.get("address") or "")
    token = str(body.get("token") or "")
    if not 0 < len(channel_id) <= _LONGEST_ID or body.get("type") not in {"web_hook", "webhook"}:
        raise problems.bad_value("Invalid channel.")
    if len(token) > _LONGEST_TOKEN:
        raise problems.bad_value("Channel token is too long.")
    if channel_id in ask.world.channels:
        raise problems.channel_not_unique(channel_id)
    if not address.startswith("https://") and not ask.world.dials.http_channels:
        raise problems.webhook_unauthorized(address)
    now = ask.world.clock.now()
    wanted = (body.get("params") or {}).get("ttl")
    until = now + min(float(wanted or WEEK), WEEK)
    if body.get("expiration"):
        until = min(until, float(body["expiration"]) / 1000)
    made = Channel(
        id=channel_id,
        resource=resource,
        resource_id=hashlib.sha256(resource.encode()).hexdigest()[:26],
        resource_uri=f"{ask.world.url}/calendar/v3/{resource}?alt=json",
        address=address,
        token=token,
        owner=ask.person.sub,
        client_id=ask.client_id,
        until=until,
    )
    ask.world.channels[channel_id] = made
    ask.world.pushes.synchronise(made)
    return {
        "kind": "api#channel",
        "id": made.id,
        "resourceId": made.resource_id,
        "resourceUri": made.resource_uri,
        "expiration": str(int(made.until * 1000)),
    } | ({"token": token} if token else {})


def stop(ask: Ask) -> None:
    """Only whoever opened it may: the same person by the same client."""
    body = ask.json()
    channel_id = str(body.get("id") or "")
    found = ask.world.channels.get(channel_id)
    if (
        found is None
        or found.resource_id != body.get("resourceId")
        or (found.owner, found.client_id) != (ask.person.sub, ask.client_id)
    ):
        raise problems.channel_not_found(channel_id)
    del ask.world.channels[channel_id]
