"""
Subscriptions; `notifications` sends their messages.

Creation sends both addresses a token, which they must return.
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
    from integrations.sandbox.http_messages import HttpAnswer, HttpCall
    from integrations.sandbox.microsoft.graph.request import GraphRequest
    from integrations.sandbox.state import SandboxState

HANDSHAKE_SECONDS = 10.0
SHORTEST, LONGEST = 45 * 60, 10_080 * 60
LONGEST_STATE = 128


@dataclass
class GraphSubscription:
    """`expires_at` in seconds of the sandbox's clock."""

    id: str
    oid: str
    tid: str
    client_id: str
    resource: str
    change_types: str
    url: str
    lifecycle_url: str
    client_state: str
    expires_at: float
    wants_immutable_ids: bool
    reauthorized: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": self.change_types,
            "clientState": None,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": format_timestamp(self.expires_at),
            "creatorId": self.oid,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "notificationQueryOptions": None,
        }


def format_timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


async def validate_addresses(call: HttpCall) -> HttpAnswer | None:
    """Return Graph's refusal, or None."""
    try:
        body = orjson.loads(call.body)
        urls = [body.get(name) for name in ("notificationUrl", "lifecycleNotificationUrl")]
    except (orjson.JSONDecodeError, AttributeError):
        return None
    for url in urls:
        if url and (reason := await _validate_address(str(url))):
            return problems.bad_request(
                f"Subscription validation request failed. {reason}", "ValidationError"
            ).answer
    return None


async def _validate_address(url: str) -> str:
    """Empty, or the reason of the failure."""
    # Wrong decoding changes these characters.
    token = (
        "Validation: Testing client application reachability for subscription"
        f" Request-Id: {uuid.uuid4()} a+b/c= %41"
    )
    separator = "&" if "?" in url else "?"
    timeout = aiohttp.ClientTimeout(total=HANDSHAKE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                f"{url}{separator}{urlencode({'validationToken': token})}",
                headers={"Content-Type": "text/plain; charset=utf-8"},
                allow_redirects=False,
            ) as answer,
        ):
            answer_text, content_type = await answer.text(), answer.content_type
            if answer.status != 200:  # noqa: PLR2004 - HTTP
                return f"Notification endpoint must respond with 200 OK, not {answer.status}."
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return "The request timed out, or nobody answered."
    if content_type != "text/plain" or answer_text != token:
        return "Validation token in the response does not match, or is not text/plain."
    return ""


def _get_needed_scope(resource: str) -> str:
    lower = resource.lower()
    if lower.endswith("/messages"):
        return "mail.read"
    if lower.endswith("/events"):
        return "calendars.read"
    raise problems.bad_request(f"Resource '{resource}' cannot be subscribed to.", "InvalidRequest")


def _read_expiration(request: GraphRequest, text: Any) -> float:
    """:raises HttpProblem: not a time, or beyond Outlook's maximum"""
    try:
        expires_at = datetime.fromisoformat(str(text)).astimezone(UTC).timestamp()
    except ValueError as error:
        raise problems.bad_request("expirationDateTime is malformed.", "InvalidRequest") from error
    now = request.state.clock.now()
    if expires_at > now + LONGEST + 60:
        raise problems.bad_request(
            "Subscription expiration can only be 10080 minutes in the future.", "InvalidRequest"
        )
    return max(expires_at, now + SHORTEST)


def create_subscription(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    body = request.read_json()
    resource = "/" + str(body.get("resource", "")).strip("/")
    needed_scope = _get_needed_scope(resource)
    if not any(scope.startswith(needed_scope) for scope in request.access.bare_scopes):
        raise problems.access_denied()
    change_types = str(body.get("changeType", ""))
    if not change_types or not set(change_types.split(",")) <= {"created", "updated", "deleted"}:
        raise problems.bad_request("changeType is missing or unknown.", "InvalidRequest")
    client_state = str(body.get("clientState") or "")
    if not body.get("notificationUrl") or len(client_state) > LONGEST_STATE:
        raise problems.bad_request("notificationUrl or clientState is not valid.", "InvalidRequest")
    expires_at = _read_expiration(request, body.get("expirationDateTime"))
    for other in list_own(request):
        if (other.resource.lower(), other.change_types) == (resource.lower(), change_types):
            raise problems.make_problem(
                409, "ExtensionError",
                f"Subscription Id {other.id} already exists for the requested combination.",
            )  # fmt: skip
    subscription = GraphSubscription(
        id=str(uuid.uuid4()),
        oid=request.account.oid,
        tid=request.account.tid,
        client_id=request.access.client_id,
        resource=resource,
        change_types=change_types,
        url=str(body["notificationUrl"]),
        lifecycle_url=str(body.get("lifecycleNotificationUrl") or ""),
        client_state=client_state,
        expires_at=expires_at,
        wants_immutable_ids=request.wants_immutable_ids,
    )
    request.state.microsoft.subscriptions[subscription.id] = subscription
    return 201, request.make_context("subscriptions/$entity") | subscription.to_json() | {
        "clientState": client_state or None
    }


def list_live(state: SandboxState) -> list[GraphSubscription]:
    now = state.clock.now()
    return [
        subscription
        for subscription in state.microsoft.subscriptions.values()
        if subscription.expires_at > now
    ]


def list_own(request: GraphRequest) -> list[GraphSubscription]:
    owner = (request.account.oid, request.access.client_id)
    return [
        subscription
        for subscription in list_live(request.state)
        if (subscription.oid, subscription.client_id) == owner
    ]


def _find_subscription(request: GraphRequest) -> GraphSubscription:
    for subscription in list_own(request):
        if subscription.id == request.path["subscription"]:
            return subscription
    raise problems.make_problem(404, "ResourceNotFound", "The object was not found.")


def list_subscriptions(request: GraphRequest) -> dict[str, Any]:
    return request.make_context("subscriptions") | {
        "value": [subscription.to_json() for subscription in list_own(request)]
    }


def get_subscription(request: GraphRequest) -> dict[str, Any]:
    return request.make_context("subscriptions/$entity") | _find_subscription(request).to_json()


def renew_subscription(request: GraphRequest) -> dict[str, Any]:
    subscription = _find_subscription(request)
    body = request.read_json()
    if set(body) - {"expirationDateTime"}:
        raise problems.bad_request("Only expirationDateTime can be changed.", "InvalidRequest")
    subscription.expires_at = _read_expiration(request, body.get("expirationDateTime"))
    return request.make_context("subscriptions/$entity") | subscription.to_json()


def reauthorize_subscription(request: GraphRequest) -> None:
    _find_subscription(request).reauthorized += 1


def delete_subscription(request: GraphRequest) -> None:
    del request.state.microsoft.subscriptions[_find_subscription(request).id]
