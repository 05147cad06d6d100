"""
The internet of the test: the providers' hosts lead to the sandbox, over TLS to their real names.

The service reaches them through the proxy of the documented Squid configuration, which lets
through its list and nothing else. People have a proxy of their own, which leads to the service too.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.egress_wall.edge import Listener, Proxy, couple
from tests.production.authority import Authority
from tests.production.documented import read_provider_hosts
from tests.smoke.client import SmokeBrowser
from tests.worlds.sandbox import Sandbox

_NEAR = "127.0.0.1"
_TIMEOUT = 60


@dataclass
class Internet:
    """
    Two proxies.

    :param public: the authority that everybody trusts
    """

    public: Authority
    egress: Proxy
    people: Proxy

    def serve(self, host: str, port: int) -> None:
        """Lead people who ask for `host` to a port of this machine."""
        self.people.allowed[f"{host}:443"] = (_NEAR, port)

    def browser(self, url: str) -> SmokeBrowser:
        """Return a browser whose first page is at `url`."""
        browser = SmokeBrowser(url)
        browser.http.close()
        browser.http = httpx.Client(
            proxy=self.people.url,
            verify=self.public.context(),
            trust_env=False,
            timeout=_TIMEOUT,
            follow_redirects=False,
        )
        return browser


@contextmanager
def run_internet(public: Authority, sandbox: Sandbox) -> Iterator[Internet]:
    hosts = read_provider_hosts()
    context = public.issue(*hosts).context()
    front = Listener((_NEAR, 0), lambda here: _pass_on(here, context, sandbox))
    places = {f"{host}:443": (_NEAR, front.port) for host in hosts}
    internet = Internet(public, Proxy(_NEAR, places), Proxy(_NEAR, dict(places)))
    try:
        yield internet
    finally:
        for listener in (internet.egress, internet.people, front):
            listener.close()


def _pass_on(here, context: ssl.SSLContext, sandbox: Sandbox) -> None:
    port = int(sandbox.url.rpartition(":")[2])
    with context.wrap_socket(here, server_side=True) as secured:
        couple(secured, (_NEAR, port))
