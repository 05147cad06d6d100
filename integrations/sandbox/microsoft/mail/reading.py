"""Messages: lists, one, its MIME, folders."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.search import Candidate, compile_query
from integrations.sandbox.messages import Answer
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import exchange, rendering

EXTENDED = "singleValueExtendedProperties"
ONLY_SELECTED = ("internetmessageheaders", "uniquebody")
BASIC = frozenset({"mail.readbasic"})
CONTENT = frozenset({"mail.read", "mail.readwrite"})
MOST_SEARCHED = 1000
_BOUND = r"receivedDateTime (ge|gt|le|lt) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
_RECEIVED_WITHIN = re.compile(f"{_BOUND}(?: and {_BOUND})?")
_RECEIVED = re.compile(r"received(<=|>=)(\d{4}-\d\d-\d\d)")


def shown(ask: Ask, entry: Entry, select: str | None = None) -> dict[str, Any]:
    wanted = ask.option("select") if select is None else select
    properties = exchange.wanted_properties(ask.option("expand"))
    made = rendering.message(
        ask.outlook,
        entry,
        immutable=ask.immutable,
        text=ask.prefer.get("outlook.body-content-type", "").lower() == "text",
        unsafe="outlook.allow-unsafe-html" in ask.prefer,
        headers=any(name in wanted.lower() for name in ONLY_SELECTED),
        properties=properties,
    )
    if not ask.access.bare & CONTENT:
        for name in ("body", "bodyPreview", "uniqueBody"):
            made.pop(name, None)
    extended = {name: made[name] for name in (EXTENDED,) if name in made}
    return odata.select(made, wanted) | extended


def get(ask: Ask) -> dict[str, Any]:
    exchange.check_select(ask.option("select"))
    found = shown(ask, ask.entry())
    if "attachments" in ask.option("expand").lower():
        from integrations.sandbox.microsoft.mail import attachments

        found["attachments"] = attachments.all_of(ask, ask.entry())
    return ask.context("messages/$entity") | found


def mime(ask: Ask) -> Answer:
    if not ask.access.bare & CONTENT:
        raise problems.access_denied()
    return Answer(200, ask.outlook.box.raw(ask.entry()), {}, "text/plain")


def list_(ask: Ask) -> dict[str, Any]:
    """All folders, Deleted Items too."""
    return _page(ask, list(ask.outlook.box.newest_first()), "messages")


def list_folder(ask: Ask) -> dict[str, Any]:
    folder = ask.folder()
    return _page(ask, ask.outlook.inside(folder), f"mailFolders('{folder.id}')/messages")


def _page(ask: Ask, entries: list[Entry], what: str) -> dict[str, Any]:
    exchange.check_select(ask.option("select"))
    top, skip = ask.page_size(), ask.number("skip", 0, 10**9)
    filtered, order, search = ask.option("filter"), ask.option("orderby"), ask.option("search")
    if search:
        if filtered or order:
            raise problems.bad_request(
                "The query parameter '$search' cannot be used with '$filter' or '$orderby'.",
                "SearchWithFilter",
            )
        entries = list(_found(ask, entries, search))
    if filtered or order not in ("", "receivedDateTime desc"):
        entries = _sifted(ask, entries, filtered, order)
    page = [shown(ask, one) for one in entries[skip : skip + top]]
    body: dict[str, Any] = ask.context(what)
    if ask.option("count").lower() == "true":
        body["@odata.count"] = len(entries)
    body["value"] = page
    if skip + top < len(entries):
        query = {name: values[0] for name, values in ask.call.query.items() if name != "$skip"}
        body["@odata.nextLink"] = (
            f"{ask.url}?{urlencode(query | {'$top': top, '$skip': skip + top})}"
        )
    return body


def _sifted(ask: Ask, entries: list[Entry], filtered: str, order: str) -> list[Entry]:
    odata.order(order, filtered)
    if (span := _RECEIVED_WITHIN.fullmatch(filtered)) and order:
        # As they lie there, without a look into any of them.
        return _received_within(entries, span)
    test, wanted = odata.compile_filter(filtered), odata.tags(filtered)
    found = []
    for entry in entries:
        beside = ask.outlook.beside.get(entry.id)
        tags = beside.tags if beside else {}
        if any(tags.get(name, "").lower() != value.lower() for name, value in wanted):
            continue
        made = rendering.message(ask.outlook, entry, immutable=ask.immutable)
        if test(made):
            found.append((entry, made))
    ordered = odata.ordered((made for _, made in found), order, filtered)
    by_id = {made["id"]: entry for entry, made in found}
    return [by_id[made["id"]] for made in ordered]


def _received_within(entries: list[Entry], span: re.Match[str]) -> list[Entry]:
    bounds = [(span[at], span[at + 1]) for at in (1, 3) if span[at]]
    return [
        one
        for one in entries
        if all(odata.TESTS[name](rendering.moment(one.date), said) for name, said in bounds)
    ]


def _found(ask: Ask, entries: list[Entry], search: str) -> Iterator[Entry]:
    """KQL's from:, to:, subject:, received>=, hasAttachments:true and words, as users type them."""
    text = (
        search.strip().strip('"').replace("\\", "").replace("hasAttachments:true", "has:attachment")
    )
    days = [(one[1], one[2]) for one in _RECEIVED.finditer(text)]
    query = compile_query(_RECEIVED.sub("", text), now=ask.world.clock.now())
    count = 0
    for entry in entries:
        day = rendering.moment(entry.date)[: len("2026-11-03")]
        if any(day < one if bound == ">=" else day > one for bound, one in days):
            continue
        if count < MOST_SEARCHED and query(Candidate(entry, ask.outlook.gallery, ask.outlook.box)):
            count += 1
            yield entry
