"""The service as the demo runs it, with everything that it writes, sends and reaches for kept."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from config.embedded import embedded_service, postgres, tcp_ports
from config.embedded.embedded_servers import ServerUrls
from config.embedded.embedded_service import RunningService
from tests.canaries import cluster, parser_memory, relay, stores, traffic
from tests.canaries.control import Ground
from tests.canaries.relay import Relay
from tests.canaries.scanner import Stores
from tests.canaries.traffic import Traffic
from tests.worlds import own
from tests.worlds.sandbox import Sandbox

#: Everything that was ever written to the WAL stays in it until the end of the run.
CLUSTER: Final = {**postgres.SCANNABLE, "wal_keep_size": "2GB", "checkpoint_timeout": "1h"}
# So that nobody waits for a beat; in seconds.
FAST: Final = {
    "SWEEP_SECONDS": "1",
    "LEASE_SECONDS": "4",
    "SYNC_INTERVAL_SECONDS": "1",
    "GMAIL_UNITS_PER_MINUTE": "600000",
    "GRAPH_UNITS_PER_MINUTE": "600000",
    "RATE_LIMIT_SCALE": "100",
    "LOG_LEVEL": "DEBUG",
}
_SERVERS: Final = frozenset({"sandbox"})


@dataclass
class CanaryWorld:
    """
    :param embedded: whether the files of the database are ours to look at
    """

    service: RunningService
    urls: ServerUrls
    data: Path
    relay: Relay
    sandbox: Sandbox
    traffic: Traffic
    embedded: bool

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def staff_url(self) -> str:
        return self.service.staff_url

    @property
    def watched(self) -> Path:
        return self.data / "watched"

    def seeded(self) -> dict[str, Any]:
        """Return the people and clients of the demo, with what only they know."""
        found: dict[str, Any] = json.loads((self.data / "people.json").read_text(encoding="utf-8"))
        return found

    def parsers(self) -> list[int]:
        """Return the parser processes that there are."""
        return parser_memory.parsers_among(self.pids())

    def where(self, *, holders: Iterable[int] = ()) -> Stores:
        """
        Return every store there is to look at, flushed to where it is kept.

        :param holders: processes of the control, whose memory is searched like that of parsers
        """
        folders = {
            "logs": [path for path in self.service.logs.iterdir() if path.stem not in _SERVERS],
            "mail": [self.data / "mail"],
            "temporary files": [self.data / "tmp", *self.data.glob("beat-schedule*")],
            "crash reports": [self.watched / "crashes"],
            "places reached for": [self.watched / "egress"],
        }
        if self.embedded:
            with psycopg.connect(self.urls.database, autocommit=True) as connection:
                folders |= cluster.stores_of(connection)
            logs = [self.data / "servers" / f"{name}.log" for name in LOGS_OF_SERVERS]
            folders["logs"] += [path for path in logs if path.exists()]
        texts: dict[str, Iterable[bytes]] = {"broker traffic": list(self.traffic.commands)}
        if parser_memory.is_readable():
            texts[parser_memory.STORE] = parser_memory.pieces([*self.parsers(), *holders])
        return Stores(
            database_url=self.urls.database,
            broker_url=self.urls.broker,
            folders=folders,
            texts=texts,
        )

    def ground(self) -> Ground:
        """Return where the control plants its leaks: wherever `where` looks."""
        return Ground(
            database_url=self.urls.database,
            broker_url=self.urls.broker,
            with_files=self.embedded,
            folders={
                "logs": self.service.logs,
                "mail": self.data / "mail",
                "temporary files": self.data / "tmp",
                "crash reports": self.watched / "crashes",
                "places reached for": self.watched / "egress",
            },
            provider_url=self.relay.url,
            with_memory=parser_memory.is_readable(),
        )

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Hold every process of the service where it is: what it has in hand stays in hand."""
        held = self.pids()
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in held:
                os.kill(pid, signal.SIGCONT)

    def pids(self) -> list[int]:
        """Return the processes of the service, and theirs."""
        roots = {p.pid for name, p in self.service.processes.items() if name not in _SERVERS}
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                parents[int(entry.name)] = int(fields[1])
        return sorted(pid for pid in parents if _descends(pid, roots, parents))


LOGS_OF_SERVERS: Final = ("postgres", "valkey")


def _descends(pid: int, roots: set[int], parents: Mapping[int, int]) -> bool:
    while pid > 1:
        if pid in roots:
            return True
        pid = parents.get(pid, 0)
    return False


@contextmanager
def run_world(
    data: Path,
    *,
    settings: str = "tests.canaries.settings",
    given: Mapping[str, str] | None = None,
) -> Iterator[CanaryWorld]:
    """
    Start everything below `data` and yield it; leaving stops it.

    :param given: `DATABASE_URL` and `BROKER_URL` of servers to be used; none: the environment's
    """
    # The server's own account has to get through; what is inside is closed by itself.
    data.chmod(0o711)
    for name in ("tmp", "mail", "watched", "watched/crashes", "watched/egress"):
        (data / name).mkdir(mode=0o700)
    with ExitStack() as stack:
        sandbox_port = stack.enter_context(tcp_ports.reserve_port())
        mine = stack.enter_context(own.run_own_servers(data, settings=CLUSTER, given=given))
        urls = mine.urls
        between = stack.enter_context(relay.run_relay(sandbox_port))
        kept = stack.enter_context(traffic.recorded(urls.broker))
        extra = {
            **FAST,
            **mine.extra,
            **_providers(between.url),
            "DJANGO_SETTINGS_MODULE": settings,
            "CANARY_WATCH": str(data / "watched"),
            "TMPDIR": str(data / "tmp"),
        }
        started = stack.enter_context(
            embedded_service.run_service(
                data,
                urls,
                sandbox_port=tcp_ports.AlreadyReserved(sandbox_port),
                extra=extra,
                seed={},
                validate=True,
            )
        )
        sandbox = Sandbox(started.sandbox_url, started.control_url)
        stack.callback(sandbox.close)
        with psycopg.connect(urls.database, autocommit=True) as connection:
            stores.uncompressed(connection)
        yield CanaryWorld(started, urls, data, between, sandbox, kept, mine.embedded)


def _providers(url: str) -> dict[str, str]:
    """Return where the service finds them; the browser goes to the sandbox itself."""
    return {
        "GOOGLE_TOKEN_URL": f"{url}/token",
        "GOOGLE_REVOKE_URL": f"{url}/revoke",
        "GOOGLE_CERTS_URL": f"{url}/oauth2/v3/certs",
        "GOOGLE_USERINFO_URL": f"{url}/v1/userinfo",
        "GOOGLE_API_ROOT_URL": f"{url}/",
        # And Entra, but for its page: see `settings`.
        "MICROSOFT_GRAPH_URL": url,
    }


def sleep_for(seconds: float) -> None:
    """Let what runs run on."""
    time.sleep(seconds)
