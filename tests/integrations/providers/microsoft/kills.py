"""The end of a process between two requests to Graph, as far as the code within it can tell."""

from __future__ import annotations

from integrations.providers.microsoft import http


class KilledDuringGraphCall(BaseException):
    """Ends a process, as far as the code within it can tell."""


class Kills:
    """Counts writes to Graph; ends the process after one of them, or does something then."""

    def __init__(self, monkeypatch) -> None:
        self.opened, self.count, self.at, self.act = http.get_client, 0, 0, None
        monkeypatch.setattr(http, "get_client", lambda: self)

    def arm(self, at: int = 0, *, act=None) -> None:
        self.count, self.at, self.act = 0, at, act

    def send(self, given, **more):
        answer = self.opened().send(given, **more)
        # Batches are of reads alone.
        is_write = given[0].method != "GET" and not given[0].url.endswith("/$batch")
        self.count += is_write
        if is_write and self.count == self.at:
            if self.act is None:
                raise KilledDuringGraphCall
            self.act()
        return answer
