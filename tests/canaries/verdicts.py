"""What the run is held against: the search itself, what was delivered, answered and asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.canaries import control, drive_fields, fields, graph_fields, looking, parser_memory
from tests.canaries.exchanges import Exchanges
from tests.canaries.looking import Looking, Result
from tests.canaries.marks import BOB, ORIGINS, Marks
from tests.canaries.needles import Needles
from tests.canaries.permitted import Book
from tests.canaries.scanner import Hit
from tests.canaries.secrets_seen import SecretsSeen
from tests.canaries.world import CanaryWorld
from tests.smoke.walk import Failed, Walk, eventually, must

_SHOWN: Final = 20


@dataclass
class Verdicts:
    world: CanaryWorld
    walk: Walk
    marks: Marks
    secrets: SecretsSeen
    exchanges: Exchanges
    looking: Looking
    book: Book

    def judge(self, when: str) -> None:
        """Look everywhere, and hold what was answered and asked against what was allowed."""
        step = self.walk.step
        step(f"search {when}", self.search)
        step(f"places reached for, {when}", self.places)
        step(f"core files, {when}", self.core_files)
        step(f"answers with mail in them, {when}", self.answers)
        step(f"refusals, {when}", self.refusals)

    def control(self) -> str:
        made, seen = self.looking.control()
        for line in control.matrix(made, seen):
            self.walk.say(f"        {line}")
        missed = made.missed(seen)
        must(not missed, f"the search misses {len(missed)}: {'; '.join(missed[:_SHOWN])}")
        return f"{len(made.markers)} leaks, {len(seen.sizes)} stores"

    def accounted(self) -> str:
        wrong = fields.unaccounted() + graph_fields.unaccounted()
        must(not wrong, f"neither seeded nor explained, or both: {', '.join(wrong)}")
        explained = {**fields.EXPLAINED, **drive_fields.EXPLAINED, **graph_fields.EXPLAINED}
        for name, reason in sorted(explained.items()):
            self.walk.say(f"        {name}: {reason}")
        return f"{len(self._seeded())} seeded, {len(explained)} explained"

    @staticmethod
    def _seeded() -> dict[str, str]:
        return {**fields.seeded(), **graph_fields.seeded()}

    def delivered(self) -> str:
        """Hold the lists of seeded fields against what the providers really said."""
        self.secrets.collect(self.world.relay)
        wanted = {
            name: word
            for name, word in fields.seeded().items()
            # What comes by the browser; the walk typed it there.
            if not name.startswith("callback.")
        }
        marks = [self.marks.of(name) for name in ORIGINS]
        needles = Needles(
            {f"{mark}-{word}": f"{mark}-{word}" for mark in marks for word in wanted.values()}
        )
        heard = {
            name.partition("-")[2]
            for data in self.world.relay.answered()
            for name, _ in needles.found_in(data)
        }
        # What is not plain JSON: claims inside of tokens.
        wanted |= graph_fields.seeded()
        heard |= _said_in_tokens(self.secrets, marks, set(wanted.values()))
        heard |= self._said_by_graph()
        missing = sorted(name for name, word in wanted.items() if word not in heard)
        must(not missing, f"never delivered: {', '.join(missing)}")
        return f"{len(wanted)} of {len(wanted)}"

    def _said_by_graph(self) -> set[str]:
        """What is planted there is plain: every word after a mark, in one pass."""
        planted = re.compile(rf"{self.marks.of(BOB)}-(ms[a-z0-9]+)".encode())
        answers = self.world.relay.answered()
        return {word.decode() for data in answers for word in planted.findall(data)}

    def search(self) -> str:
        result = self.looking.look()
        self._table(result)
        must(not result.missed, f"the search was not everywhere: {'; '.join(result.missed)}")
        if result.hits:
            # One of each store and kind first: where there are many, all of them are seen.
            first = {key: hit for hit in reversed(result.hits) for key in _get_keys(hit)}
            ordered = sorted(result.hits, key=lambda hit: hit not in first.values())
            shown = [
                f"{one.store}, {_safe(one.where)}, {one.needle}, {one.encoding}" for one in ordered
            ]
            raise Failed(f"{len(shown)} hits: " + "; ".join(shown[: max(_SHOWN, len(first))]))
        return f"0 hits for {result.needles} canaries and secrets"

    def _table(self, result: Result) -> None:
        for store, size in sorted(result.sizes.items()):
            count = sum(hit.store == store for hit in result.hits)
            self.walk.say(f"        {store:<20}{size:>14,} bytes{count:>6} hits")
        if not self.world.embedded:
            for store in ("database files", "WAL"):
                self.walk.say(f"        {store:<20}   not scanned: the server is not ours")
        if not parser_memory.is_readable():
            self.walk.say(f"        {parser_memory.STORE:<20}   not scanned: only root may")
        self.walk.say("        result backend         there is none: Celery keeps no results")

    def places(self) -> str:
        wrong = looking.undeclared(self.world)
        must(not wrong, f"reached for {len(wrong)} others: {', '.join(wrong[:_SHOWN])}")
        return f"{len(self.world.relay.sent())} requests, to the provider alone"

    def parsers(self, deliver: Callable[[], object]) -> str:
        """
        See that a parser process holds mail while it lives, no secret, and soon nothing at all.

        :param deliver: has a message arrive, for a parser process to read; called until one did
        """

        def look_in_parsers() -> list[str] | list[int]:
            deliver()
            is_readable = parser_memory.is_readable()
            return self.looking.in_parsers() if is_readable else self.world.parsers()

        says = "a parser process with a canary in its memory, as the search sees it"
        found = eventually(look_in_parsers, within=30, says=says, every=0.5)
        open_files = {file for pid in self.world.parsers() for file in _open_files(pid)}
        secrets = [str(name) for name in found if name in self.secrets.found]
        must(not secrets, f"parser processes hold {', '.join(secrets)}")
        must(open_files <= {"pipe", "/dev/null"}, f"they have open {', '.join(open_files)}")
        left = parser_memory.wait_for_end(self.world.parsers)
        must(not left, f"{len(left)} parser processes live on with nothing to do")
        if not parser_memory.is_readable():
            return "they end; their memory was not scanned: only root may"
        return f"{len(found)} canaries while they lived; no secret, no log; then they ended"

    def core_files(self) -> str:
        """A process that dies writes no memory to disk; there is no other crash report."""
        pids = self.world.pids()
        allowed = [pid for pid in pids if not _writes_no_core(pid)]
        must(not allowed, f"{len(allowed)} processes may write a core file")
        return f"none is allowed in any of {len(pids)} processes"

    def answers(self) -> str:
        self.book.learn()
        wrong, count = self.book.without_permission(self.world.urls.database)
        must(not wrong, f"{len(wrong)} answers that no entry permits: {'; '.join(wrong[:_SHOWN])}")
        must(count, "no answer had anything in it")
        return f"each of {count} has its entry in the ledger (of {len(self.exchanges.all)} answers)"

    def refusals(self) -> str:
        wrong, count = self.book.without_record(self.world.urls.database)
        must(not wrong, f"{len(wrong)} without an entry: {'; '.join(wrong[:_SHOWN])}")
        return f"each of {count} is in the ledger by the id that it names"


def _said_in_tokens(secrets: SecretsSeen, marks: list[str], words: set[str]) -> set[str]:
    needles = Needles({f"{mark}-{word}": f"{mark}-{word}" for mark in marks for word in words})
    tokens = [value for name, value in secrets.found.items() if name.startswith("id_token")]
    texts = [part.encode() for token in tokens for part in str(token).split(".")]
    return {name.partition("-")[2] for text in texts for name, _ in needles.found_in(text)}


def _writes_no_core(pid: int) -> bool:
    limits = Path("/proc", str(pid), "limits").read_text(encoding="ascii")
    line = next(one for one in limits.splitlines() if one.startswith("Max core file size"))
    return line.split()[4:6] == ["0", "0"]


def _open_files(pid: int) -> set[str]:
    """Return what a process writes to or reads from, pipes without their numbers."""
    found = set()
    with suppress(FileNotFoundError, PermissionError):
        for one in Path("/proc", str(pid), "fd").iterdir():
            with suppress(FileNotFoundError):
                found.add(str(one.readlink()).partition(":")[0])
    return found


def _get_keys(hit: Hit) -> tuple[str, str]:
    """Return its store, and the kind of what was found: the name without its number."""
    return hit.store, f"kind {re.sub(r' [0-9]+$', '', hit.needle)}"


def _safe(where: str) -> str:
    """Return where it was, without the folder of this run and without what a key may hold."""
    return Path(where).name if where.startswith("/") else where
