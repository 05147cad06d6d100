"""The search itself: every store, for every mark and every secret there was so far."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from accounts.derived_keys import derive_django_key
from limited_use.vault.keyring.keyring_factory import get_keyring
from tests.canaries import parser_memory
from tests.canaries.control import TRACER, Control, planted
from tests.canaries.marks import Marks
from tests.canaries.scanner import Hit, Needles, Seen, Stores, search
from tests.canaries.secrets_seen import SecretsSeen
from tests.canaries.world import CanaryWorld

SENT: Final = "outgoing requests"


@dataclass(frozen=True, slots=True)
class Result:
    """One search: what it found, what it looked at, and what of its own tracers it missed."""

    hits: list[Hit]
    sizes: Counter[str]
    missed: list[str]
    needles: int


@dataclass
class Looking:
    world: CanaryWorld
    marks: Marks
    secrets: SecretsSeen

    def control(self) -> tuple[Control, Seen]:
        """Plant everything everywhere, and look for it."""
        with planted(self.world.ground()) as control:
            return control, search(Needles(control.needles()), self._where(control))

    def look(self, *, quiet: bool = True) -> Result:
        """
        Look everywhere: a moment as it is, and one at which every process stands still.

        What is on its way in the first, and has arrived in the second, is seen once at least. In
        both, a tracer in each store shows that the search was there. A parser process may hold what
        it reads for as long as it lives: first, those that have nothing to do end.
        """
        self._collect()
        parser_memory.wait_for_end(self.world.parsers)
        with planted(self.world.ground(), *TRACER) as control:
            needles = self.needles()
            known = Needles({**needles, **control.needles()})
            seen = [search(known, self._where(control, live=True))]
            with self.world.quiet():
                seen.append(search(known, self._where(control)))
        tracers = set(control.needles())
        hits = {hit for one in seen for hit in one.hits if hit.needle not in tracers}
        return Result(
            hits=sorted(hit for hit in hits if not _is_due(hit)),
            sizes=seen[-1].sizes,
            missed=control.missed(seen[-1]),
            needles=len(needles),
        )

    def needles(self) -> dict[str, str | bytes]:
        return {**self.marks.all(), **self.secrets.needles()}

    def in_parsers(self) -> list[str]:
        """
        Return which canaries and secrets parser processes hold now.

        What they are given to read has ids of files in it; the provider's ids are no secrets.
        """
        self._collect()
        needles = Needles({**self.marks.all(), **self.secrets.found})
        memory = parser_memory.pieces(self.world.parsers())
        return sorted({name for data in memory for name, _ in needles.found_in(data)})

    def _where(self, control: Control, *, live: bool = False) -> Stores:
        where = self.world.where(holders=control.holders)
        if live:
            # What changes from one moment to the next; files are read when nobody writes.
            where = replace(where, folders={"logs": where.folders["logs"]})
        sent = [one.without_its_due for one in self.world.relay.sent()]
        return replace(where, texts={**where.texts, SENT: sent})

    def _collect(self) -> None:
        self.secrets.collect(self.world.relay)
        self.secrets.told(self.world.sandbox.pushes())
        environment = self.world.service.environment
        self.secrets.add("secret key", environment["SECRET_KEY"])
        self.secrets.add("key of Django", derive_django_key(environment["SECRET_KEY"]))
        for name in ("GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET"):
            self.secrets.add("client secret", environment[name])
        password = urlsplit(self.world.urls.database).password or ""
        self.secrets.add("database password", unquote(password))
        for path in sorted((self.world.data / "keyring").glob("*.key")):
            self.secrets.add(f"{path.stem} of the keyring", path.read_bytes())
        for kind, key in _data_keys():
            self.secrets.add(kind, key)


def _is_due(hit: Hit) -> bool:
    """
    Say whether it is the provider's own id of something, where that is in place.

    They go back to the provider, and a worker that compares mailboxes has them in hand: what a
    reporter would tell of that is no more than what it asked for.
    """
    return hit.store in {SENT, "crash reports"} and hit.needle.startswith("provider's id")


def _data_keys() -> list[tuple[str, bytes]]:
    """Return every data key there is, unwrapped, as the service itself would."""
    from limited_use.models import DataKey
    from limited_use.models.ledger_keys import LedgerKey
    from limited_use.policy.key_lines import KeyLine
    from limited_use.vault import ledger_key_wrap
    from limited_use.vault.keyring.keyring_port import KeyBinding

    found = []
    for row in DataKey.objects.all():
        bound = KeyBinding(row.holder, bytes(row.key_id))
        line = KeyLine(row.line)
        key = get_keyring().unwrap(line, row.kek_epoch, bytes(row.wrapped), bound)
        found.append((f"{line} key", key))
    for row in LedgerKey.objects.filter(destroyed_at=None):
        key = ledger_key_wrap.key_of(row.holder, bytes(row.commitment))
        assert key is not None
        found.append(("ledger key", key))
    return found


def places(world: CanaryWorld) -> set[str]:
    """Return every place that a process of the service reached for."""
    found = set()
    for path in (world.watched / "egress").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            found.add(str(json.loads(line)["place"]))
    return found


# A worker's banner names the platform: Python starts the first, before the tripwire is up. The
# second is the program of parser processes, with its arguments.
_PROGRAMS: Final = frozenset({"uname -p", parser_memory.PROGRAM})


def undeclared(world: CanaryWorld) -> list[str]:
    """Return those that are neither the provider, nor the broker, nor the database."""
    provider = urlsplit(world.relay.url)
    broker = urlsplit(world.urls.broker)
    database = urlsplit(world.urls.database)
    own = {
        f"{provider.hostname}:{provider.port}",
        broker.path,
        f"{broker.hostname}:{broker.port}",
        f"{database.hostname}:{database.port}",
        *_PROGRAMS,
    }
    return sorted(place for place in places(world) if place not in own)
