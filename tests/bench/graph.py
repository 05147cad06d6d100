"""
Outlook's messages listed and read by our adapter, by msgraph-sdk's models, and by `httpx` alone.

All ask the sandbox for the same pages with the same columns, on connections that stay open; what
counts is this process's own time. The models are those that the library makes of every answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

import httpx
from kiota_abstractions.authentication.anonymous_authentication_provider import (
    AnonymousAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory

from integrations.mime import raw
from integrations.providers.base import Access, Wanted
from integrations.providers.microsoft.mail import GraphMailAdapter
from tests.bench import connecting, figures, google, measure, sizes
from tests.bench.figures import Figure
from tests.worlds.microsoft import MAIL, Microsoft

EMAIL = "ada@contoso.example"
MESSAGES, READ = sizes.of(1_000, tiny=60), sizes.of(100, tiny=10)
PAGE = 500
RUNS, WARM_UP = sizes.of(3, tiny=1), sizes.of(1, tiny=1)
COLUMNS: Final = ("id", "conversationId", "parentFolderId", "receivedDateTime")
_PARAMETERS = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters


def run() -> list[Figure]:
    microsoft = Microsoft(connecting.connected())
    microsoft.register_client()
    microsoft.seed(EMAIL, size=MESSAGES, seed=5)
    google.unlimited(microsoft.sandbox)
    token = microsoft.authorize(EMAIL, MAIL)["access_token"]
    root = f"{microsoft.url}/v1.0"
    adapter = GraphMailAdapter(Access(lambda: token, root))
    with microsoft.graph(token) as plain, _typed(root, token) as (runner, typed):
        listing = {
            "ours": lambda: _ours(adapter),
            "typed": lambda: runner.run(_models(typed)),
            "plain": lambda: _plain(plain),
        }
        # Ours leaves out what is in junk and among the deleted.
        ids = listing["ours"]()
        if listing["typed"]() != listing["plain"]() or not set(ids) <= set(listing["plain"]()):
            raise AssertionError("the three list different messages")
        some = ids[:READ]
        reading: dict[str, Callable[[], object]] = {
            "ours": lambda: _read(adapter, some),
            "typed": lambda: runner.run(_read_models(typed, some)),
            "plain": lambda: _read_plain(plain, some),
        }
        if len({read() for read in reading.values()}) != 1:
            raise AssertionError("the three read different messages")
        listed = measure.interleaved(listing, runs=RUNS, warm_up=WARM_UP).processor
        read = measure.interleaved(reading, runs=RUNS, warm_up=0).processor
    return [*_figures("listing", MESSAGES, listed), *_figures("reading", READ, read)]


def _ours(adapter: GraphMailAdapter) -> list[str]:
    found: list[str] = []
    page: str | None = None
    while True:
        answer = adapter.list_page(page=page, limit=PAGE)
        found += [one.message_id for one in answer.refs]
        page = answer.next_page
        if page is None:
            return found


def _plain(client: httpx.Client) -> list[str]:
    asked = {"$orderby": "receivedDateTime desc", "$select": ",".join(COLUMNS), "$top": str(PAGE)}
    answer = client.get("/me/messages", params=asked).raise_for_status().json()
    found = [one["id"] for one in answer["value"]]
    while following := answer.get("@odata.nextLink"):
        answer = client.get(following).raise_for_status().json()
        found += [one["id"] for one in answer["value"]]
    return found


async def _models(client: GraphServiceClient) -> list[str]:
    wanted = _PARAMETERS(orderby=["receivedDateTime desc"], select=list(COLUMNS), top=PAGE)
    asked = RequestConfiguration(query_parameters=wanted)
    answer = await client.me.messages.get(request_configuration=asked)
    found: list[str] = []
    while answer is not None:
        found += [str(one.id) for one in answer.value or ()]
        if not answer.odata_next_link:
            break
        answer = await client.me.messages.with_url(answer.odata_next_link).get()
    return found


def _read(adapter: GraphMailAdapter, ids: list[str]) -> int:
    found = adapter.fetch([Wanted(message_id=one) for one in ids])
    return sum(len(getattr(one, "messages", ())) for one in found)


def _read_plain(client: httpx.Client, ids: list[str]) -> int:
    for one in ids:
        path = f"/me/messages/{quote(one, safe='')}"
        client.get(path).raise_for_status().json()
        raw.parse(client.get(f"{path}/$value").raise_for_status().content)
    return len(ids)


async def _read_models(client: GraphServiceClient, ids: list[str]) -> int:
    for one in ids:
        message = client.me.messages.by_message_id(one)
        await message.get()
        raw.parse(bytes(await message.content.get() or b""))
    return len(ids)


@contextmanager
def _typed(root: str, token: str) -> Iterator[tuple[asyncio.Runner, GraphServiceClient]]:
    """Yield the library as its makers have it, and the loop that its connections belong to."""
    headers = {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}
    with asyncio.Runner() as runner:

        async def opened() -> tuple[httpx.AsyncClient, GraphServiceClient]:
            http = GraphClientFactory.create_with_default_middleware(
                client=httpx.AsyncClient(headers=headers, timeout=60), options=options
            )
            adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
            adapter.base_url = root
            return http, GraphServiceClient(request_adapter=adapter)

        http, client = runner.run(opened())
        try:
            yield runner, client
        finally:
            runner.run(http.aclose())


def _figures(what: str, count: int, processor: dict[str, list[float]]) -> list[Figure]:
    each = {name: 1e6 * measure.median(found) / count for name, found in processor.items()}
    note = f"{count:,} messages; processor time, median of {RUNS} in turn"
    listing = what == "listing"
    return [
        figures.times(
            f"{what} a message",
            each["ours"],
            "µs",
            baseline=each["typed"],
            against="msgraph-sdk's typed models",
            least=20.0 if listing else None,
            note=note,
        ),
        figures.ratio(
            "… and by httpx alone",
            each["ours"],
            "µs",
            baseline=each["plain"],
            against="httpx and its JSON",
            most=3.0 if listing else None,
            note=note,
        ),
    ]
