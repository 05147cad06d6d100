"""events.watch, calendarList.watch and channels.stop."""

import hashlib
from typing import Any

from integrations.sandbox.channels import WatchChannel
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar import problems
from integrations.sandbox.google.calendar.request import CalendarRequest

WEEK = 604_800
_LONGEST_ID, _LONGEST_TOKEN = 64, 256


def watch_events(request: CalendarRequest) -> dict[str, Any]:
    calendar = request.get_list_entry().calendar
    return _open_channel(request, f"calendars/{calendar.id}/events")


def watch_calendar_list(request: CalendarRequest) -> dict[str, Any]:
    return _open_channel(request, f"users/{request.account.sub}/calendarList")


def _open_channel(request: CalendarRequest, resource: str) -> dict[str, Any]:
    body = request.read_json()
    channel_id, address = str(body.get("id") or ""), str(body.get("address") or "")
    token = str(body.get("token") or "")
    if not 0 < len(channel_id) <= _LONGEST_ID or body.get("type") not in {"web_hook", "webhook"}:
        raise api_problems.bad_value("Invalid channel.")
    if len(token) > _LONGEST_TOKEN:
        raise api_problems.bad_value("Channel token is too long.")
    if channel_id in request.state.channels:
        raise problems.channel_not_unique(channel_id)
    if not address.startswith("https://") and not request.state.knobs.http_channels:
        raise problems.webhook_unauthorized(address)
    now = request.state.clock.now()
    ttl = (body.get("params") or {}).get("ttl")
    until = now + min(float(ttl or WEEK), WEEK)
    if body.get("expiration"):
        until = min(until, float(body["expiration"]) / 1000)
    channel = WatchChannel(
        id=channel_id,
        resource=resource,
        resource_id=hashlib.sha256(resource.encode()).hexdigest()[:26],
        resource_uri=f"{request.state.url}/calendar/v3/{resource}?alt=json",
        address=address,
        token=token,
        owner=request.account.sub,
        client_id=request.client_id,
        expires_at=until,
    )
    request.state.channels[channel_id] = channel
    request.state.pushes.send_sync_message(channel)
    return {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": str(int(channel.expires_at * 1000)),
    } | ({"token": token} if token else {})


def stop_channel(request: CalendarRequest) -> None:
    """Only the account and client that opened the channel may stop it."""
    body = request.read_json()
    channel_id = str(body.get("id") or "")
    channel = request.state.channels.get(channel_id)
    if (
        channel is None
        or channel.resource_id != body.get("resourceId")
        or (channel.owner, channel.client_id) != (request.account.sub, request.client_id)
    ):
        raise problems.channel_not_found(channel_id)
    del request.state.channels[channel_id]
