"""Lists, single messages, MIME, search."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.http_messages import HttpAnswer
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.search import SearchCandidate, compile_query
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import exchange_format, rendering

EXTENDED_PROPERTIES = "singleValueExtendedProperties"
ONLY_SELECTED = ("internetmessageheaders", "uniquebody")
BASIC_SCOPES = frozenset({"mail.readbasic"})
CONTENT_SCOPES = frozenset({"mail.read", "mail.readwrite"})
MAX_SEARCH_RESULTS = 1000
_BOUND = r"receivedDateTime (ge|gt|le|lt) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
_RECEIVED_WITHIN = re.compile(f"{_BOUND}(?: and {_BOUND})?")
_RECEIVED = re.compile(r"received(<=|>=)(\d{4}-\d\d-\d\d)")


def format_message(
    request: GraphRequest, entry: MailboxEntry, select: str | None = None
) -> dict[str, Any]:
    selected = request.get_option("select") if select is None else select
    properties = exchange_format.read_expanded_properties(request.get_option("expand"))
    item = rendering.render_message(
        request.outlook,
        entry,
        immutable=request.wants_immutable_ids,
        text=request.prefer.get("outlook.body-content-type", "").lower() == "text",
        unsafe="outlook.allow-unsafe-html" in request.prefer,
        headers=any(name in selected.lower() for name in ONLY_SELECTED),
        properties=properties,
    )
    if not request.access.bare_scopes & CONTENT_SCOPES:
        for name in ("body", "bodyPreview", "uniqueBody"):
            item.pop(name, None)
    extended = {name: item[name] for name in (EXTENDED_PROPERTIES,) if name in item}
    return odata.select_properties(item, selected) | extended


def get_message(request: GraphRequest) -> dict[str, Any]:
    exchange_format.check_select(request.get_option("select"))
    item = format_message(request, request.find_entry())
    if "attachments" in request.get_option("expand").lower():
        from integrations.sandbox.microsoft.mail import attachments

        item["attachments"] = attachments.list_all(request, request.find_entry())
    return request.make_context("messages/$entity") | item


def get_mime(request: GraphRequest) -> HttpAnswer:
    if not request.access.bare_scopes & CONTENT_SCOPES:
        raise problems.access_denied()
    return HttpAnswer(200, request.outlook.store.get_raw(request.find_entry()), {}, "text/plain")


def list_messages(request: GraphRequest) -> dict[str, Any]:
    """Of all folders, Deleted Items too."""
    return _make_page(request, list(request.outlook.store.iterate_newest_first()), "messages")


def list_folder_messages(request: GraphRequest) -> dict[str, Any]:
    folder = request.find_folder()
    return _make_page(
        request, request.outlook.list_messages(folder), f"mailFolders('{folder.id}')/messages"
    )


def _make_page(request: GraphRequest, entries: list[MailboxEntry], resource: str) -> dict[str, Any]:
    exchange_format.check_select(request.get_option("select"))
    top, skip = request.get_page_size(), request.get_number("skip", 0, 10**9)
    filter_text, order, search = (
        request.get_option("filter"),
        request.get_option("orderby"),
        request.get_option("search"),
    )
    if search:
        if filter_text or order:
            raise problems.bad_request(
                "The query parameter '$search' cannot be used with '$filter' or '$orderby'.",
                "SearchWithFilter",
            )
        entries = list(_search_messages(request, entries, search))
    if filter_text or order not in ("", "receivedDateTime desc"):
        entries = _filter_and_sort(request, entries, filter_text, order)
    page = [format_message(request, entry) for entry in entries[skip : skip + top]]
    body: dict[str, Any] = request.make_context(resource)
    if request.get_option("count").lower() == "true":
        body["@odata.count"] = len(entries)
    body["value"] = page
    if skip + top < len(entries):
        query = {name: values[0] for name, values in request.call.query.items() if name != "$skip"}
        body["@odata.nextLink"] = (
            f"{request.url}?{urlencode(query | {'$top': top, '$skip': skip + top})}"
        )
    return body


def _filter_and_sort(
    request: GraphRequest, entries: list[MailboxEntry], filter_text: str, order: str
) -> list[MailboxEntry]:
    odata.parse_order(order, filter_text)
    if (bounds_match := _RECEIVED_WITHIN.fullmatch(filter_text)) and order:
        # Without rendering any message.
        return _filter_by_date(entries, bounds_match)
    test, tag_conditions = odata.compile_filter(filter_text), odata.parse_tags(filter_text)
    matches = []
    for entry in entries:
        extras = request.outlook.extras.get(entry.id)
        tags = extras.tags if extras else {}
        if any(tags.get(name, "").lower() != value.lower() for name, value in tag_conditions):
            continue
        item = rendering.render_message(
            request.outlook, entry, immutable=request.wants_immutable_ids
        )
        if test(item):
            matches.append((entry, item))
    ordered = odata.sort_items((item for _, item in matches), order, filter_text)
    by_id = {item["id"]: entry for entry, item in matches}
    return [by_id[item["id"]] for item in ordered]


def _filter_by_date(entries: list[MailboxEntry], bounds_match: re.Match[str]) -> list[MailboxEntry]:
    bounds = [(bounds_match[at], bounds_match[at + 1]) for at in (1, 3) if bounds_match[at]]
    return [
        entry
        for entry in entries
        if all(
            odata.COMPARISONS[name](rendering.format_time(entry.date), bound)
            for name, bound in bounds
        )
    ]


def _search_messages(
    request: GraphRequest, entries: list[MailboxEntry], search: str
) -> Iterator[MailboxEntry]:
    """KQL's from:, to:, subject:, received>=, hasAttachments:true and words."""
    text = (
        search.strip().strip('"').replace("\\", "").replace("hasAttachments:true", "has:attachment")
    )
    days = [(day_match[1], day_match[2]) for day_match in _RECEIVED.finditer(text)]
    query = compile_query(_RECEIVED.sub("", text), now=request.state.clock.now())
    count = 0
    for entry in entries:
        day = rendering.format_time(entry.date)[: len("2026-11-03")]
        if any(day < limit if bound == ">=" else day > limit for bound, limit in days):
            continue
        if count < MAX_SEARCH_RESULTS and query(
            SearchCandidate(entry, request.outlook.rendering_cache, request.outlook.store)
        ):
            count += 1
            yield entry
