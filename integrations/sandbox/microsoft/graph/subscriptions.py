"""
Subscriptions: the handshake, renewal, and their end. `notifying` is what they tell.

The handshake happens while the creation is asked: both addresses get a token and must say it back.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
import orjson

from integrations.sandbox.microsoft.graph import problems

if TYPE_CHECKING:
    from integrations.sandbox.messages import Answer, Call
    from integrations.sandbox.microsoft.graph.ask import Ask
    from integrations.sandbox.world import World

HANDSHAKE_SECONDS = 10.0
SHORTEST, LONGEST = 45 * 60, 10_080 * 60
LONGEST_STATE = 128


@dataclass
class Subscription:
    """`resource` as asked; `until` in seconds of the sandbox's clock."""

    id: str
    oid: str
    tid: str
    client_id: str
    resource: str
    change_types: str
    url: str
    lifecycle_url: str
    state: str
    until: float
    immutable: bool
    reauthorized: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": self.change_types,
            "clientState": None,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": stamp(self.until),
            "creatorId": self.oid,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "notificationQueryOptions": None,
        }


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


async def handshake(call: Call) -> Answer | None:
    """None if both addresses said their tokens back; otherwise Graph's refusal."""
    try:
        body = orjson.loads(call.body)
        urls = [body.get(name) for name in ("notificationUrl", "lifecycleNotificationUrl")]
    except (orjson.JSONDecodeError, AttributeError):
        return None
    for url in urls:
        if url and (reason := await _validated(str(url))):
            return problems.bad_request(
                f"Subscription validation request failed. {reason}", "ValidationError"
            ).answer
    return None


async def _validated(url: str) -> str:
    """Empty, or why not."""
    # With the signs that a wrong decoding would change.
    token = (
        "Validation: Testing client application reachability for subscription"
        f" Request-Id: {uuid.uuid4()} a+b/c= %41"
    )
    joint = "&" if "?" in url else "?"
    timeout = aiohttp.ClientTimeout(total=HANDSHAKE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                f"{url}{joint}{urlencode({'validationToken': token})}",
                headers={"Content-Type": "text/plain; charset=utf-8"},
                allow_redirects=False,
            ) as answer,
        ):
            said, kind = await answer.text(), answer.content_type
            if answer.status != 200:  # noqa: PLR2004 - HTTP
                return f"Notification endpoint must respond with 200 OK, not {answer.status}."
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return "The request timed out, or nobody answered."
    if kind != "text/plain" or said != token:
        return "Validation token in the response does not match, or is not text/plain."
    return ""


def _needed(resource: str) -> str:
    """Mail or calendars: whose scopes it takes."""
    lower = resource.lower()
    if lower.endswith("/messages"):
        return "mail.read"
    if lower.endswith("/events"):
        return "calendars.read"
    raise problems.bad_request(f"Resource '{resource}' cannot be subscribed to.", "InvalidRequest")


def _until(ask: Ask, text: Any) -> float:
    """:raises Problem: not a moment, or further away than Outlook keeps one"""
    try:
        wanted = datetime.fromisoformat(str(text)).astimezone(UTC).timestamp()
    except ValueError as error:
        raise problems.bad_request("expirationDateTime is malformed.", "InvalidRequest") from error
    now = ask.world.clock.now()
    if wanted > now + LONGEST + 60:
        raise problems.bad_request(
            "Subscription expiration can only be 10080 minutes in the future.", "InvalidRequest"
        )
    return max(wanted, now + SHORTEST)


def create(ask: Ask) -> tuple[int, dict[str, Any]]:
    body = ask.json()
    resource = "/" + str(body.get("resource", "")).strip("/")
    needed = _needed(resource)
    if not any(scope.startswith(needed) for scope in ask.access.bare):
        raise problems.access_denied()
    kinds = str(body.get("changeType", ""))
    if not kinds or not set(kinds.split(",")) <= {"created", "updated", "deleted"}:
        raise problems.bad_request("changeType is missing or unknown.", "InvalidRequest")
    state = str(body.get("clientState") or "")
    if not body.get("notificationUrl") or len(state) > LONGEST_STATE:
        raise problems.bad_request("notificationUrl or clientState is not valid.", "InvalidRequest")
    until = _until(ask, body.get("expirationDateTime"))
    for one in mine(ask):
        if (one.resource.lower(), one.change_types) == (resource.lower(), kinds):
            raise problems.error(
                409, "ExtensionError",
                f"Subscription Id {one.id} already exists for the requested combination.",
            )  # fmt: skip
    made = Subscription(
        id=str(uuid.uuid4()),
        oid=ask.account.oid,
        tid=ask.account.tid,
        client_id=ask.access.client_id,
        resource=resource,
        change_types=kinds,
        url=str(body["notificationUrl"]),
        lifecycle_url=str(body.get("lifecycleNotificationUrl") or ""),
        state=state,
        until=until,
        immutable=ask.immutable,
    )
    ask.world.microsoft.subscriptions[made.id] = made
    return 201, ask.context("subscriptions/$entity") | made.shown() | {"clientState": state or None}


def living(world: World) -> list[Subscription]:
    now = world.clock.now()
    return [one for one in world.microsoft.subscriptions.values() if one.until > now]


def mine(ask: Ask) -> list[Subscription]:
    who = (ask.account.oid, ask.access.client_id)
    return [one for one in living(ask.world) if (one.oid, one.client_id) == who]


def _found(ask: Ask) -> Subscription:
    for one in mine(ask):
        if one.id == ask.path["subscription"]:
            return one
    raise problems.error(404, "ResourceNotFound", "The object was not found.")


def list_(ask: Ask) -> dict[str, Any]:
    return ask.context("subscriptions") | {"value": [one.shown() for one in mine(ask)]}


def get(ask: Ask) -> dict[str, Any]:
    return ask.context("subscriptions/$entity") | _found(ask).shown()


def renew(ask: Ask) -> dict[str, Any]:
    found = _found(ask)
    body = ask.json()
    if set(body) - {"expirationDateTime"}:
        raise problems.bad_request("Only expirationDateTime can be changed.", "InvalidRequest")
    found.until = _until(ask, body.get("expirationDateTime"))
    return ask.context("subscriptions/$entity") | found.shown()


def reauthorize(ask: Ask) -> None:
    _found(ask).reauthorized += 1


def delete(ask: Ask) -> None:
    del ask.world.microsoft.subscriptions[_found(ask).id]
