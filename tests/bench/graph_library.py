"""msgraph-sdk as its makers have it: its models of every answer, on connections that stay open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from kiota_abstractions.authentication.anonymous_authentication_provider import (
    AnonymousAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory

from integrations.providers.microsoft.graph_message import HEAD_FIELDS

PAGE: Final = 500
COLUMNS: Final = tuple(HEAD_FIELDS.split(","))
_PARAMETERS = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters


async def list_id_pages(client: GraphServiceClient) -> AsyncIterator[list[str]]:
    """Yield the listing, newest first, as pages of ids."""
    wanted = _PARAMETERS(orderby=["receivedDateTime desc"], select=list(COLUMNS), top=PAGE)
    asked = RequestConfiguration(query_parameters=wanted)
    answer = await client.me.messages.get(request_configuration=asked)
    while answer is not None:
        yield [str(one.id) for one in answer.value or ()]
        if not answer.odata_next_link:
            return
        answer = await client.me.messages.with_url(answer.odata_next_link).get()


def pages_by_httpx(client: httpx.Client) -> Iterator[list[str]]:
    """Yield the same, without the library."""
    asked = {"$orderby": "receivedDateTime desc", "$select": ",".join(COLUMNS), "$top": str(PAGE)}
    answer = client.get("/me/messages", params=asked).raise_for_status().json()
    yield [one["id"] for one in answer["value"]]
    while following := answer.get("@odata.nextLink"):
        answer = client.get(following).raise_for_status().json()
        yield [one["id"] for one in answer["value"]]


@contextmanager
def open_client(root: str, token: str) -> Iterator[tuple[asyncio.Runner, GraphServiceClient]]:
    """Yield a client, and the loop that its connections belong to."""
    headers = {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}
    with asyncio.Runner() as runner:

        async def make_clients() -> tuple[httpx.AsyncClient, GraphServiceClient]:
            http = GraphClientFactory.create_with_default_middleware(
                client=httpx.AsyncClient(headers=headers, timeout=60), options=options
            )
            adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
            adapter.base_url = root
            return http, GraphServiceClient(request_adapter=adapter)

        http, client = runner.run(make_clients())
        try:
            yield runner, client
        finally:
            runner.run(http.aclose())
