"""
Microsoft's client library: import, connections, and building of requests.

Its response models cost a hundred times as much as JSON. Its default middleware costs 0.2 ms per
request, resends a POST after a 503, follows redirects, and rewrites paths of the library's
builders. Both are left out. Requests bypass `httpx.AsyncClient.send`, which would share cookies
between mailboxes.

The import takes 0.1 s and 25 MB: in sync workers at start, elsewhere with the first call.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS

if TYPE_CHECKING:
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph_core.middleware import AsyncGraphTransport

CONNECT: Final = 10.0
READ: Final = 30.0


@dataclass(frozen=True, slots=True)
class GraphCall:
    """
    One request, with an absolute `url` and the token in `headers`.

    `request_count` is Graph's count: a batch has several. `max_bytes` limits the response; None:
    `provider_http.MAX_ANSWER`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    request_count: int = 1
    max_bytes: int | None = None


def load_library() -> None:
    with warnings.catch_warnings():
        # Half of the library's builders raise deprecation warnings on import.
        warnings.simplefilter("ignore", DeprecationWarning)
        import httpx  # noqa: F401 - for the functions below
        import kiota_abstractions.request_information  # noqa: F401
        import kiota_http.middleware.options  # noqa: F401
        import msgraph.graph_request_adapter  # noqa: F401
        import msgraph_core  # noqa: F401


def open_connections(
    authorities: ssl.SSLContext, proxy: str
) -> tuple[GraphRequestAdapter, AsyncGraphTransport]:
    import httpx
    from kiota_abstractions.authentication.anonymous_authentication_provider import (
        AnonymousAuthenticationProvider,
    )
    from kiota_http.kiota_client_factory import KiotaClientFactory
    from kiota_http.middleware import UserAgentHandler
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph_core.middleware import AsyncGraphTransport, GraphTelemetryHandler

    connections = httpx.AsyncHTTPTransport(
        verify=authorities,
        limits=httpx.Limits(
            max_connections=MAX_CONCURRENT_REQUESTS,
            max_keepalive_connections=MAX_CONCURRENT_REQUESTS,
        ),
        # No environment variable may redirect tokens.
        trust_env=False,
        proxy=proxy or None,
    )
    middleware = [UserAgentHandler(), GraphTelemetryHandler()]
    pipeline = KiotaClientFactory.create_middleware_pipeline(middleware, connections)
    graph_transport = AsyncGraphTransport(connections, pipeline)
    http = httpx.AsyncClient(
        transport=graph_transport,
        timeout=httpx.Timeout(READ, connect=CONNECT),
        trust_env=False,
    )
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
    return adapter, graph_transport


def build_request(call: GraphCall) -> Any:
    from kiota_abstractions.method import Method
    from kiota_abstractions.request_information import RequestInformation

    # A shared object would keep the first token.
    request = RequestInformation(Method[call.method])
    request.url = call.url
    for name, value in call.headers.items():
        request.headers.add(name, value)
    if call.body is not None:
        request.set_stream_content(call.body, call.headers["content-type"])
    return request
