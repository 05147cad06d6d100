"""
Lasting faults, named by the knob `graph_faults`.

Exchange always has the default ones. Faults of single requests: `problems.BY_NAME`.
"""

from __future__ import annotations

from typing import Any, Final

from integrations.sandbox.http_messages import HttpAnswer
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.graph.routing import GraphRoute
from integrations.sandbox.microsoft.mail import attachments

HEADERS_PROPERTY: Final = "internetMessageHeaders"
_MESSAGE_READS: Final = frozenset({"messages.list", "messages.get", "messages.delta"})


def handle_with_faults(route: GraphRoute, request: GraphRequest) -> Any:
    """:raises HttpProblem: an active fault, or the route's error"""
    if route.name not in _MESSAGE_READS:
        return route.handler(request)
    faults_on = request.state.knobs.graph_faults.split()
    expand = _get_expand(request)
    if "extended_properties_500" in faults_on and "singlevalueextendedproperties" in expand.lower():
        raise problems.server_error()
    result = route.handler(request)
    if isinstance(result, HttpAnswer):
        return result
    is_delta = route.name == "messages.delta"
    for item in result.get("value", [result]):
        if is_delta and "delta_without_headers" in faults_on:
            item.pop(HEADERS_PROPERTY, None)
        if "sent_items_without_headers" in faults_on and _is_in_sent_items(request, item):
            item.pop(HEADERS_PROPERTY, None)
        if is_delta and "@removed" not in item:
            _expand_attachments(
                request, item, expand, ignores_select="delta_ignores_nested_select" in faults_on
            )
    if is_delta and expand:
        _remember_expand(request, result, expand)
    return result


def _is_in_sent_items(request: GraphRequest, item: dict[str, Any]) -> bool:
    entry = request.outlook.find_entry(str(item.get("id")))
    return entry is not None and "SENT" in entry.labels


def _expand_attachments(
    request: GraphRequest, item: dict[str, Any], expand: str, *, ignores_select: bool
) -> None:
    """The fault ignores `$select` within `$expand`."""
    name, _, nested = expand.partition("(")
    entry = request.outlook.find_entry(str(item.get("id")))
    if name.strip().lower() != "attachments" or entry is None:
        return
    select = "" if ignores_select else nested.rstrip(")").partition("=")[2]
    wants_bytes = not select or "contentbytes" in select.lower()
    attachment_list = attachments.list_all(request, entry, content=wants_bytes)
    item["attachments"] = [
        odata.select_properties(attachment, select) for attachment in attachment_list
    ]


def _get_expand(request: GraphRequest) -> str:
    """A delta link has the `$expand` of its first request."""
    token = request.call.get_param("$deltatoken") or request.call.get_param("$skiptoken")
    return request.get_option("expand") or request.state.microsoft.expand_by_token.get(token, "")


def _remember_expand(request: GraphRequest, result: dict[str, Any], expand: str) -> None:
    for name in ("@odata.nextLink", "@odata.deltaLink"):
        token = str(result.get(name, "")).partition("token=")[2]
        if token:
            request.state.microsoft.expand_by_token[token] = expand
