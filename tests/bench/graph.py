"""
Outlook's messages listed, read and synced by us, by msgraph-sdk's models, and by `httpx` alone.

All ask the sandbox for the same pages with the same columns, on connections that stay open; what
counts is the time of this process and of its parser processes. The models are those that the
library makes of every answer.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import httpx
from msgraph import GraphServiceClient

from integrations.formats.mime import rfc5322
from integrations.providers.mail import FetchTarget
from integrations.providers.microsoft.graph_mail_adapter import GraphMailAdapter
from tests.bench import (
    connecting,
    figures,
    google,
    graph_library,
    graph_limits,
    graph_syncing,
    measure,
    parsing,
    sizes,
)
from tests.bench.figures import Figure
from tests.factories import make_access
from tests.worlds.microsoft import MAIL, MicrosoftSandbox

MESSAGES, READ = sizes.choose_size(1_000, tiny=60), sizes.choose_size(100, tiny=10)
RUNS, WARM_UP = sizes.choose_size(3, tiny=1), sizes.choose_size(1, tiny=1)


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    microsoft = MicrosoftSandbox(sandbox)
    for seed, email in ((microsoft.seed, connecting.OUTLOOK), (sandbox.seed, connecting.EMAIL)):
        seed(email, size=MESSAGES, seed=5, malformed=0)
    google.remove_limits(sandbox)
    token = microsoft.authorize(connecting.OUTLOOK, MAIL)["access_token"]
    root = f"{microsoft.url}/v1.0"
    access = make_access(token, root)
    # What one lists, it knows the heads of: the other has to ask for them, as the baselines do.
    adapter, reader = GraphMailAdapter(access), GraphMailAdapter(access)
    with microsoft.graph(token) as plain, graph_library.open_client(root, token) as (runner, typed):
        listing = {
            "ours": lambda: _list_with_adapter(adapter),
            "typed": lambda: runner.run(_models(typed)),
            "plain": lambda: _plain(plain),
        }
        # Ours leaves out what is in junk and among the deleted.
        ids = listing["ours"]()
        if listing["typed"]() != listing["plain"]() or not set(ids) <= set(listing["plain"]()):
            raise AssertionError("the three list different messages")
        some = ids[:READ]
        reading: dict[str, Callable[[], object]] = {
            "ours": lambda: _count_fetched_messages(reader, some),
            "typed": lambda: runner.run(_read_models(typed, some)),
            "plain": lambda: _read_plain(plain, some),
        }
        if len({read() for read in reading.values()}) != 1:
            raise AssertionError("the three read different messages")
        listed = measure.interleaved(listing, runs=RUNS, warm_up=WARM_UP).processor
        with parsing.warm():
            read = measure.interleaved(
                reading, runs=RUNS, warm_up=0, processor=measure.processor_time
            ).processor
        synced = graph_syncing.measure_syncs(
            sandbox, count=MESSAGES, plain=plain, typed=typed, runner=runner
        )
    return [
        *_build_figures("listing", MESSAGES, listed),
        *_build_figures("reading", READ, read),
        *synced,
        *graph_limits.measure_large_mailbox(sandbox),
    ]


def _list_with_adapter(adapter: GraphMailAdapter) -> list[str]:
    found: list[str] = []
    page: str | None = None
    while True:
        answer = adapter.list_messages(page=page, limit=graph_library.PAGE)
        found += [one.message_id for one in answer.refs]
        page = answer.next_page
        if page is None:
            return found


def _plain(client: httpx.Client) -> list[str]:
    return [one for page in graph_library.pages_by_httpx(client) for one in page]


async def _models(client: GraphServiceClient) -> list[str]:
    return [one async for page in graph_library.list_id_pages(client) for one in page]


def _count_fetched_messages(adapter: GraphMailAdapter, ids: list[str]) -> int:
    found = adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])
    return sum(len(getattr(one, "messages", ())) for one in found)


def _read_plain(client: httpx.Client, ids: list[str]) -> int:
    for one in ids:
        path = f"/me/messages/{quote(one, safe='')}"
        client.get(path).raise_for_status().json()
        rfc5322.parse_message(client.get(f"{path}/$value").raise_for_status().content)
    return len(ids)


async def _read_models(client: GraphServiceClient, ids: list[str]) -> int:
    for one in ids:
        message = client.me.messages.by_message_id(one)
        await message.get()
        rfc5322.parse_message(bytes(await message.content.get() or b""))
    return len(ids)


def _build_figures(what: str, count: int, processor: dict[str, list[float]]) -> list[Figure]:
    each = {name: 1e6 * measure.median(found) / count for name, found in processor.items()}
    note = f"{count:,} messages; processor time, median of {RUNS} in turn"
    listing = what == "listing"
    return [
        figures.make_times_figure(
            f"{what} a message",
            each["ours"],
            "µs",
            baseline=each["typed"],
            against="msgraph-sdk's typed models",
            least=20.0 if listing else None,
            note=note,
        ),
        figures.make_ratio_figure(
            "… and by httpx alone",
            each["ours"],
            "µs",
            baseline=each["plain"],
            against="httpx and its JSON",
            most=3.0 if listing else None,
            note=note,
        ),
    ]
