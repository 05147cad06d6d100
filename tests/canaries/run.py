"""The whole run, step by step: control, walk, search, end, search again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from tests.canaries import aftermath, control, fields, letter, looking
from tests.canaries.aftermath import Aftermath
from tests.canaries.cast import Cast, assembled
from tests.canaries.exchanges import Exchanges
from tests.canaries.journey import Journey
from tests.canaries.looking import Looking, Result
from tests.canaries.mailboxes import Mailboxes
from tests.canaries.marks import ALICE, ORIGINS, Marks
from tests.canaries.needles import Needles
from tests.canaries.permitted import Book
from tests.canaries.secrets_seen import SecretsSeen
from tests.canaries.world import World
from tests.smoke.walk import Failed, Walk, must

_SHOWN: Final = 20


@dataclass
class Run:
    world: World
    walk: Walk
    marks: Marks = field(default_factory=Marks)

    def __post_init__(self) -> None:
        _set_up_django(self.world)
        # These need Django set up.
        from tests.canaries.addresses import Addresses
        from tests.canaries.crashing import Crashing
        from tests.canaries.owning import Owning
        from tests.canaries.scheduling import Scheduling
        from tests.canaries.writing import Writing

        self.secrets = SecretsSeen()
        self.exchanges = Exchanges(self.world.url)
        self.cast: Cast = assembled(self.world, self.marks, self.exchanges, self.secrets)
        self.boxes = Mailboxes(self.world, self.marks)
        self.journey = Journey(self.world, self.marks, self.cast, self.boxes)
        self.looking = Looking(self.world, self.marks, self.secrets)
        self.book = Book(self.cast, self.marks)
        self.addresses = Addresses(self.journey)
        self.crashing = Crashing(self.journey)
        self.owning = Owning(self.journey)
        self.scheduling = Scheduling(self.journey)
        self.writing = Writing(self.journey)
        self.aftermath: Aftermath | None = None
        self.after_calendars: Aftermath | None = None

    def all(self) -> None:
        step, journey = self.walk.step, self.journey
        step("control: found in every store, in every encoding", self.control)
        step("every text of the provider is seeded or explained", self.accounted)
        self.begin()
        step("changes, poison, a history that is gone", journey.changes)
        step("the provider refuses, in words of its own", journey.misbehaviour)
        step("everything read, by its owner", journey.read)
        step("searched at the provider, and shown from there", journey.search)
        self.calendars()
        step("read by a feature", journey.feature_reads)
        step("a marketing feature refused", journey.refused)
        step("who used it, by its owner", self.owning.see_uses)
        step("a copy, for its owner", self.owning.export)
        step("one message, for support", self.owning.support)
        step("every route, with something typed wherever one can", self.addresses.walk)
        step("ended at the provider, and reconnected", journey.ended_elsewhere)
        step("a failure inside each sink", self.crashing.run)
        step("every seeded field was delivered", self.delivered)
        self.judge("before any purge")
        step("a copy of the calendars is kept", self.keep_calendars)
        step("calendars disconnected", lambda: journey.disconnect(ALICE, product="calendar"))
        step("calendars removed, and the receipt", lambda: journey.receipt(ALICE))
        step("no row has a calendar key's header, and the copy is shut", self.calendars_removed)
        step("a copy is kept", self.keep)
        step("disconnect", lambda: journey.disconnect(ALICE))
        step("removed, and the receipt", lambda: journey.receipt(ALICE))
        step("no row has the key's header, and the copy does not open", self.removed)
        step("the epoch's end: its wrapped keys do not either", self.epoch_over)
        step("signed out", self.addresses.leave)
        step("every declared route was visited", self.routes)
        self.judge("after the purge")
        self.cast.close()

    def calendars(self) -> None:
        step, scheduling = self.walk.step, self.scheduling
        step("calendars added to accounts", scheduling.connect)
        step("calendars read, by their owners", scheduling.read)
        step("calendars in answers of nothing but canaries", scheduling.strange)
        step("the provider refuses calendars, in words of its own", scheduling.misbehaviour)
        step("a calendar's news, told by the provider", scheduling.told)
        step("a calendar shared, seen and taken back", scheduling.share)
        step("events written, changed, refused, deleted", self.writing.there)
        step("a calendar that lives here, from files and as one", self.writing.here)
        step("the copy of calendars deleted, and asked for again", scheduling.erase)

    def short(self) -> None:
        """Go as far as mail is read, and search."""
        self.begin()
        self.walk.step("everything read, by its owner", self.journey.read)
        self.walk.step("search", self.search)
        self.cast.close()

    def begin(self) -> None:
        """Seed, sign in, connect and sync: the least that a leak needs to be one."""
        self.walk.step("mailboxes seeded with canaries", self.seed)
        self.walk.step("signed in", self.journey.sign_in)
        self.walk.step("connected", self.journey.connect)
        self.walk.step("synced", self.journey.synced)

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
        wrong = fields.unaccounted()
        must(not wrong, f"neither seeded nor explained, or both: {', '.join(wrong)}")
        for name, reason in sorted(fields.EXPLAINED.items()):
            self.walk.say(f"        {name}: {reason}")
        return f"{len(fields.SEEDED)} seeded, {len(fields.EXPLAINED)} explained"

    def seed(self) -> str:
        self.boxes.seed()
        count = len(letter.headers("x"))
        return f"{len(ORIGINS)} mailboxes; {count} headers in a message"

    def delivered(self) -> str:
        """Hold the list of seeded fields against what the provider really said."""
        wanted = {
            name: word
            for name, word in fields.SEEDED.items()
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
        heard |= _said_in_tokens(self.secrets, marks, set(wanted.values()))
        missing = sorted(name for name, word in wanted.items() if word not in heard)
        must(not missing, f"never delivered: {', '.join(missing)}")
        return f"{len(wanted)} of {len(wanted)}"

    def search(self) -> str:
        result = self.looking.look()
        self._table(result)
        must(not result.missed, f"the search was not everywhere: {'; '.join(result.missed)}")
        if result.hits:
            # One of each store first: where there are many, all stores are seen nevertheless.
            first = {one.store: one for one in reversed(result.hits)}
            ordered = sorted(result.hits, key=lambda one: first[one.store] is not one)
            shown = [
                f"{one.store}, {_safe(one.where)}, {one.needle}, {one.encoding}" for one in ordered
            ]
            raise Failed(f"{len(shown)} hits: " + "; ".join(shown[:_SHOWN]))
        return f"0 hits for {result.needles} canaries and secrets"

    def _table(self, result: Result) -> None:
        for store, size in sorted(result.sizes.items()):
            count = sum(hit.store == store for hit in result.hits)
            self.walk.say(f"        {store:<20}{size:>14,} bytes{count:>6} hits")
        if not self.world.embedded:
            for store in ("database files", "WAL"):
                self.walk.say(f"        {store:<20}   not scanned: the server is not ours")
        self.walk.say("        result backend         there is none: Celery keeps no results")

    def places(self) -> str:
        wrong = looking.undeclared(self.world)
        must(not wrong, f"reached for {len(wrong)} others: {', '.join(wrong[:_SHOWN])}")
        return f"{len(self.world.relay.sent())} requests, to the provider alone"

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

    def keep_calendars(self) -> str:
        integration = UUID(self.journey.integration(ALICE, product="calendar")["id"])
        # The grant stays for the mail.
        self.after_calendars = Aftermath(self.world, integration, with_connection=False)
        return self.after_calendars.keep()

    def calendars_removed(self) -> str:
        return self._gone(self.after_calendars)

    def keep(self) -> str:
        integration = UUID(self.journey.integration(ALICE)["id"])
        self.aftermath = Aftermath(self.world, integration)
        return self.aftermath.keep()

    def removed(self) -> str:
        return self._gone(self.aftermath)

    def _gone(self, aftermath: Aftermath | None) -> str:
        after = _kept(aftermath)
        left = after.in_rows()
        must(not left, f"still there: {'; '.join(left)}")
        opening = after.opening()
        must(opening == 0, f"{opening} kept rows still open")
        if not self.world.embedded:
            return "0 rows; files not scanned: the server is not ours"
        counts = after.in_files()
        return "0 rows; what remains is ciphertext: " + ", ".join(
            f"{count} headers in {store}" for store, count in counts.items()
        )

    def epoch_over(self) -> str:
        both = [_kept(one) for one in (self.after_calendars, self.aftermath)]
        before = sum(one.unwrapping() for one in both)
        aftermath.turn_epochs()
        after = sum(one.unwrapping() for one in both)
        must(after == 0, f"{after} kept keys still unwrap")
        count = sum(len(one.wrapped) for one in both)
        return f"{before} of {count} unwrapped until then, as receipts say; now 0"

    def routes(self) -> str:
        from tests.canaries.addresses import EXPLAINED, names

        missing = self.addresses.left_out()
        must(not missing, f"not visited, and not explained: {', '.join(missing)}")
        return f"{len(names()) - len(EXPLAINED)} of {len(names())}"


def _kept(aftermath: Aftermath | None) -> Aftermath:
    if aftermath is None:
        raise Failed("nothing was kept before")
    return aftermath


def _set_up_django(world: World) -> None:
    """Read rows and keys with the service's own code, in this process."""
    import django

    os.environ.update(world.service.environment)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "CRITICAL"}
    django.setup()
    from django.conf import settings

    if getattr(settings, "CELERY_RESULT_BACKEND", None) or not settings.CELERY_TASK_IGNORE_RESULT:
        raise Failed("there is a result backend, which nobody here looks at")


def _said_in_tokens(secrets: SecretsSeen, marks: list[str], words: set[str]) -> set[str]:
    needles = Needles({f"{mark}-{word}": f"{mark}-{word}" for mark in marks for word in words})
    tokens = [value for name, value in secrets.found.items() if name.startswith("id_token")]
    texts = [part.encode() for token in tokens for part in str(token).split(".")]
    return {name.partition("-")[2] for text in texts for name, _ in needles.found_in(text)}


def _writes_no_core(pid: int) -> bool:
    limits = Path("/proc", str(pid), "limits").read_text(encoding="ascii")
    line = next(one for one in limits.splitlines() if one.startswith("Max core file size"))
    return line.split()[4:6] == ["0", "0"]


def _safe(where: str) -> str:
    """Return where it was, without the folder of this run and without what a key may hold."""
    return Path(where).name if where.startswith("/") else where
