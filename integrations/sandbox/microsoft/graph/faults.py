"""
Faults of Graph that last while the dial `graph_faults` names them.

By default it names those that Exchange always has. Faults of single requests are problems instead
(`problems.BY_NAME`).
"""

from __future__ import annotations

from typing import Any, Final

from integrations.sandbox.messages import Answer
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.graph.routing import Route
from integrations.sandbox.microsoft.mail import attachments

HEADERS: Final = "internetMessageHeaders"
_READS: Final = frozenset({"messages.list", "messages.get", "messages.delta"})


def play(route: Route, ask: Ask) -> Any:
    """
    Return what `route` answers, with the faults that are switched on.

    :raises Problem: a fault that is an error, or what the route raises
    """
    if route.name not in _READS:
        return route.play(ask)
    on = ask.world.dials.graph_faults.split()
    expand = _expand_of(ask)
    if "extended_properties_500" in on and "singlevalueextendedproperties" in expand.lower():
        raise problems.server_error()
    result = route.play(ask)
    if isinstance(result, Answer):
        return result
    is_delta = route.name == "messages.delta"
    for item in result.get("value", [result]):
        if is_delta and "delta_without_headers" in on:
            item.pop(HEADERS, None)
        if "sent_items_without_headers" in on and _is_sent(ask, item):
            item.pop(HEADERS, None)
        if is_delta and "@removed" not in item:
            _expand(ask, item, expand, ignores_select="delta_ignores_nested_select" in on)
    if is_delta and expand:
        _remember(ask, result, expand)
    return result


def _is_sent(ask: Ask, item: dict[str, Any]) -> bool:
    entry = ask.outlook.entry(str(item.get("id")))
    return entry is not None and "SENT" in entry.labels


def _expand(ask: Ask, item: dict[str, Any], expand: str, *, ignores_select: bool) -> None:
    """Show the attachments of a delta's item, whole where `$select` within `$expand` is ignored."""
    name, _, nested = expand.partition("(")
    entry = ask.outlook.entry(str(item.get("id")))
    if name.strip().lower() != "attachments" or entry is None:
        return
    select = "" if ignores_select else nested.rstrip(")").partition("=")[2]
    wants_bytes = not select or "contentbytes" in select.lower()
    found = attachments.all_of(ask, entry, content=wants_bytes)
    item["attachments"] = [odata.select(one, select) for one in found]


def _expand_of(ask: Ask) -> str:
    """Return `$expand`, or that of the request that a delta's link comes from."""
    token = ask.call.first("$deltatoken") or ask.call.first("$skiptoken")
    return ask.option("expand") or ask.world.microsoft.expanded.get(token, "")


def _remember(ask: Ask, result: dict[str, Any], expand: str) -> None:
    """Parameters of a delta live in its links."""
    for name in ("@odata.nextLink", "@odata.deltaLink"):
        token = str(result.get(name, "")).partition("token=")[2]
        if token:
            ask.world.microsoft.expanded[token] = expand
