"""Simulates the end of a process between two requests to Graph."""

from __future__ import annotations

from integrations.providers.microsoft import graph_http


class KilledDuringGraphCall(BaseException):
    """The simulated end of a process."""


class Kills:
    """Counts writes to Graph; after one of them it ends the process or calls `act`."""

    def __init__(self, monkeypatch) -> None:
        self.opened, self.count, self.at, self.act = graph_http.get_graph_client, 0, 0, None
        monkeypatch.setattr(graph_http, "get_graph_client", lambda: self)

    def arm(self, at: int = 0, *, act=None) -> None:
        self.count, self.at, self.act = 0, at, act

    def send(self, given, **more):
        answer = self.opened().send(given, **more)
        # Batches contain reads only.
        is_write = given[0].method != "GET" and not given[0].url.endswith("/$batch")
        self.count += is_write
        if is_write and self.count == self.at:
            if self.act is None:
                raise KilledDuringGraphCall
            self.act()
        return answer
