"""The canary search over everything that the running service keeps."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import psycopg

from tests.canaries import cluster
from tests.canaries.control import TRACER, Ground, planted
from tests.canaries.scanner import Needles, Stores, scan, search
from tests.canaries.secrets_seen import PUBLIC
from tests.smoke.walk import Failed, Walk, must
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.own import Own
from tests.worlds.sandbox import Sandbox

# Where each provider is asked for tokens, and for mail: that of calendars has names in its path.
_TOKENS = ("/token", "/common/oauth2/v2.0/token")
_MAIL = ("/gmail", "/v1.0/me/messages", "/v1.0/me/mailFolders")
# Every link to changes is as good as another, and a needle more.
_MOST_LINKS = 50


class Search:
    """
    :param accounts: at Google; `outlook` is one at Microsoft
    """

    def __init__(  # noqa: PLR0917 - where to look, and whose secrets to look for
        self,
        walk: Walk,
        sandbox: Sandbox,
        own: Own,
        data: Path,
        mark: str,
        accounts: tuple[str, ...],
        outlook: str,
    ) -> None:
        self.walk = walk
        self.sandbox = sandbox
        self.urls = own.urls
        self.embedded = own.embedded
        self.data = data
        self.mark = mark
        self.accounts = accounts
        self.outlook = outlook
        self.secrets: dict[str, str] = {}

    def self_test(self) -> str:
        """Plant a leak in each store, find it, and take it away again."""
        self.walk.say_bypass("a leak is planted in each store and taken away again")
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

    def _nothing(self, when: str) -> str:
        self._collect()
        self.walk.say_bypass("the stores are read for the canary search")
        with psycopg.connect(self.urls.database, autocommit=True) as connection:
            needles = Needles({"content": self.mark, **self.secrets})
            hits = scan(needles, self._where(connection))
        asked = [
            repr([one[part] for part in ("path", "query", "body")]).encode()
            for prefix in _MAIL
            for one in self.sandbox.requests(prefix)
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
        for request in (one for path in _TOKENS for one in self.sandbox.requests(path)):
            for name, value in parse_qsl(str(request["body"])):
                if name not in PUBLIC:
                    self.secrets[f"{name} {value[:8]}"] = value
        asked = [parse_qsl(str(one["query"])) for one in self.sandbox.requests("/v1.0/me")]
        links = [value for query in asked for name, value in query if name == "$deltatoken"]
        self.secrets |= {f"link {value[-12:]}": value for value in links[-_MOST_LINKS:]}
        for one in self.sandbox.pushes()["sent"]:
            if one["proof"]:
                # Of a signed token the signature, of what a subscription says its token.
                proof = one["proof"].rpartition(".")[2]
                self.secrets[f"push {proof[-12:]}"] = proof
        grants = [one for account in self.accounts for one in self.sandbox.grants(account)]
        grants.append(MicrosoftSandbox(self.sandbox).look("microsoft/grants", email=self.outlook))
        for grant in grants:
            for value in (*grant["refresh_tokens"], *grant["access_tokens"]):
                self.secrets[f"token {value[-12:]}"] = value
