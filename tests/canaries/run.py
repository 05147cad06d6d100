"""The whole run, step by step: control, walk, search, end, search again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from uuid import UUID

from tests.canaries import aftermath, letter
from tests.canaries.aftermath import Aftermath
from tests.canaries.cast import Cast, assembled
from tests.canaries.exchanges import Exchanges
from tests.canaries.journey import Journey
from tests.canaries.looking import Looking
from tests.canaries.mailboxes import Mailboxes
from tests.canaries.marks import ALICE, ORIGINS, Marks
from tests.canaries.permitted import Book
from tests.canaries.secrets_seen import SecretsSeen
from tests.canaries.verdicts import Verdicts
from tests.canaries.world import World
from tests.smoke.walk import Failed, Walk, must


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
        self.verdicts = Verdicts(
            world=self.world,
            walk=self.walk,
            marks=self.marks,
            secrets=self.secrets,
            exchanges=self.exchanges,
            looking=Looking(self.world, self.marks, self.secrets),
            book=Book(self.cast, self.marks),
        )
        self.addresses = Addresses(self.journey)
        self.crashing = Crashing(self.journey)
        self.owning = Owning(self.journey)
        self.scheduling = Scheduling(self.journey)
        self.writing = Writing(self.journey)
        self.aftermath: Aftermath | None = None
        self.after_calendars: Aftermath | None = None

    def all(self) -> None:
        step, journey = self.walk.step, self.journey
        step("control: found in every store, in every encoding", self.verdicts.control)
        step("every text of the provider is seeded or explained", self.verdicts.accounted)
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
        step("every seeded field was delivered", self.verdicts.delivered)
        self.verdicts.judge("before any purge")
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
        self.verdicts.judge("after the purge")
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
        self.walk.step("search", self.verdicts.search)
        self.cast.close()

    def begin(self) -> None:
        """Seed, sign in, connect and sync: the least that a leak needs to be one."""
        self.walk.step("mailboxes seeded with canaries", self.seed)
        self.walk.step("signed in", self.journey.sign_in)
        self.walk.step("connected", self.journey.connect)
        self.walk.step("synced", self.journey.synced)

    def seed(self) -> str:
        self.boxes.seed()
        count = len(letter.headers("x"))
        return f"{len(ORIGINS)} mailboxes; {count} headers in a message"

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
