"""The canary search over everything that the running service keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import psycopg

from tests.canaries import cluster
from tests.canaries.control import TRACER, Ground, planted
from tests.canaries.scanner import Needles, Stores, scan, search
from tests.canaries.secrets_seen import PUBLIC
from tests.smoke.walk import Failed, must
from tests.worlds.own import Own
from tests.worlds.sandbox import Sandbox


class Search:
    def __init__(
        self, sandbox: Sandbox, own: Own, data: Path, mark: str, accounts: tuple[str, ...]
    ) -> None:
        self.sandbox = sandbox
        self.urls = own.urls
        self.embedded = own.embedded
        self.data = data
        self.mark = mark
        self.accounts = accounts
        self.secrets: dict[str, str] = {}

    def self_test(self) -> str:
        """Plant a leak in each store, find it, and take it away again."""
        ground = Ground(
            database_url=self.urls.database,
            broker_url=self.urls.broker,
            with_files=self.embedded,
            folders={"logs": self.data / "logs"},
        )
        with (
            planted(ground, *TRACER, traffic=False) as control,
            psycopg.connect(self.urls.database, autocommit=True) as connection,
        ):
            seen = search(Needles(control.needles()), self._where(connection))
        missed = control.missed(seen)
        must(not missed, f"a leak was not found: {'; '.join(missed)}")
        return f"found in {', '.join(sorted({hit.store for hit in seen.hits}))}{self._unseen}"

    def before(self) -> str:
        return self._nothing("before")

    def after(self) -> str:
        return self._nothing("after")

    @contextmanager
    def temporary(self, content: bytes) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "receipt.json"
            path.write_bytes(content)
            yield path

    def _nothing(self, when: str) -> str:
        self._collect()
        with psycopg.connect(self.urls.database, autocommit=True) as connection:
            needles = Needles({"content": self.mark, **self.secrets})
            hits = scan(needles, self._where(connection))
        asked = [
            repr([one[part] for part in ("path", "query", "body")]).encode()
            for one in self.sandbox.requests("/gmail")
        ]
        hits += scan(Needles({"content": self.mark}), Stores(texts={"requests": asked}))
        if hits:
            raise Failed(f"{len(hits)} hits {when} the purge, the first: {hits[0]}")
        return f"0 hits for the mark and {len(self.secrets)} secrets{self._unseen}"

    @property
    def _unseen(self) -> str:
        return "" if self.embedded else "; database files and WAL not scanned: not our server"

    def _where(self, connection: psycopg.Connection) -> Stores:
        mail = self.data / "mail"
        return Stores(
            database_url=self.urls.database,
            broker_url=self.urls.broker,
            folders={
                # Flushes them first.
                **(cluster.stores_of(connection) if self.embedded else {}),
                "logs": [self.data / "logs"],
                "mail": [mail] if mail.exists() else [],
            },
        )

    def _collect(self) -> None:
        """Remember every secret that went to the provider or came from it so far."""
        for request in self.sandbox.requests("/token"):
            for name, value in parse_qsl(str(request["body"])):
                if name not in PUBLIC:
                    self.secrets[f"{name} {value[:8]}"] = value
        for one in self.sandbox.pushes()["sent"]:
            if one["proof"]:
                self.secrets[f"push {one['proof'][-12:]}"] = one["proof"]
        for account in self.accounts:
            for grant in self.sandbox.grants(account):
                for value in (*grant["refresh_tokens"], *grant["access_tokens"]):
                    self.secrets[f"token {value[:12]}"] = value
