"""The whole run, step by step: control, walk, search, end, search again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from uuid import UUID

from tests.canaries import aftermath, letter
from tests.canaries.aftermath import Aftermath
from tests.canaries.cast import Cast, assemble_cast
from tests.canaries.exchanges import Exchanges
from tests.canaries.handing_over import SCHEDULER, HandingOver
from tests.canaries.journey import Journey
from tests.canaries.looking import Looking
from tests.canaries.mailboxes import Mailboxes
from tests.canaries.marks import ALICE, BOB, ORIGINS, Marks
from tests.canaries.operating import CanaryOperating
from tests.canaries.permitted import Book
from tests.canaries.saving import CanaryFiles
from tests.canaries.secrets_seen import SecretsSeen
from tests.canaries.sending import CanarySending
from tests.canaries.support_console import OWNER, CanarySupport
from tests.canaries.uploading import CanaryUploads
from tests.canaries.verdicts import Verdicts
from tests.canaries.world import CanaryWorld
from tests.smoke.walk import Failed, Walk, as_described, must


@dataclass
class Run:
    world: CanaryWorld
    walk: Walk
    marks: Marks = field(default_factory=Marks)

    def __post_init__(self) -> None:
        _set_up_django(self.world)
        # These need Django set up.
        from tests.canaries.addresses import Addresses
        from tests.canaries.crashing import Crashing
        from tests.canaries.outlook import CanaryOutlook
        from tests.canaries.owning import Owning
        from tests.canaries.scheduling import Scheduling
        from tests.canaries.writing import CanaryWrites

        self.secrets = SecretsSeen()
        self.exchanges = Exchanges((self.world.url, self.world.staff_url))
        self.cast: Cast = assemble_cast(self.world, self.marks, self.exchanges, self.secrets)
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
        self.files = CanaryFiles(self.journey)
        self.addresses = Addresses(self.journey, self.files)
        self.crashing = Crashing(self.journey)
        self.owning = Owning(self.journey)
        self.scheduling = Scheduling(self.journey)
        self.writing = CanaryWrites(
            self.journey, ALICE, error=lambda status: self.boxes.error(ALICE, status)
        )
        self.outlook = CanaryOutlook(self.journey)
        self.uploading = CanaryUploads(self.journey)
        self.sending = CanarySending(self.journey)
        self.supporting = CanarySupport(self.journey)
        self.handing_over = HandingOver(self.journey)
        self.operating = CanaryOperating(self.handing_over)
        #: What was kept of each integration before its end.
        self.kept: list[Aftermath] = []

    def all(self) -> None:
        step, journey = self.walk.step, self.journey
        step("control: found in every store, in every encoding", self.verdicts.control)
        step("every text of the provider is seeded or explained", self.verdicts.accounted)
        self.begin()
        step("changes, poison, a history that is gone", journey.changes)
        step("the provider refuses, in words of its own", journey.misbehaviour)
        step("everything read, by its owner", journey.read)
        step("texts of an older version, read by their owner", journey.read_older_texts)
        step("searched at the provider, and shown from there", journey.search)
        self.calendars()
        self.hand_over(SCHEDULER)
        step("a marketing feature refused", journey.refused)
        step("every door that a campaign tries", self.sending.try_doors)
        step("who used it, by its owner", self.owning.see_uses)
        step("a copy, for its owner", self.owning.export)
        step("one message, for support", self.owning.support)
        self.support()
        step("messages sent, undone and refused", self.sending.send)
        step("files to send", self.uploading.send)
        self.drive()
        step("every route, with something typed wherever one can", self.addresses.walk)
        step("ended at the provider, and reconnected", journey.ended_elsewhere)
        self.microsoft()
        step("a failure inside each sink, with rows of each provider", self.crashing.run)
        step("every seeded field was delivered", self.verdicts.delivered)
        self.verdicts.judge("before any purge")
        self.ends("calendars", ALICE, product="calendar")
        step("the scheduler confirms its removal", self.confirm_calendars)
        self.ends("the Drive", ALICE, product="drive")
        self.ends("mail", ALICE, product="mail")
        step("the widget confirms its removal", self.handing_over.confirm_disconnect)
        self.ends("Microsoft's calendars", BOB, product="calendar", provider="microsoft")
        self.ends("Microsoft's mail", BOB, product="mail", provider="microsoft")
        self.ended_by_support()
        step("Microsoft: nothing of ours is left there", self.outlook.nothing_left)
        step("the epoch's end: its wrapped keys do not either", self.epoch_over)
        step("signed out", self.addresses.leave)
        step("every declared route was visited", self.routes)
        step("Google's descriptions of its APIs fit", lambda: as_described(self.world.sandbox))
        self.verdicts.judge("after the purge")
        self.cast.close()

    def hand_over(self, *others: str) -> None:
        step, handing_over = self.walk.step, self.handing_over
        step("a feature let in by a person", handing_over.let_in)
        for feature in others:
            step(f"{feature} let in", lambda feature=feature: handing_over.let_in(feature))
        step("words in every parameter of the hand-over", handing_over.type_wrong_words)
        step("the feature lists its people", handing_over.list_people)
        step("switched off: refused, and told to delete", handing_over.switch_off)
        step("read by a feature", self.journey.feature_reads)
        step("let in while it is on; its token revoked", handing_over.revoke)
        step("private keys pasted by an operator", self.operating.paste_private_keys)
        step("control: each secret of a hand-over is found", handing_over.control)

    def confirm_calendars(self) -> str:
        return self.handing_over.confirm_disconnect(SCHEDULER)

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

    def drive(self) -> None:
        step, files = self.walk.step, self.files
        step("Drives added to accounts", files.connect)
        step("files into a Drive: whole, in pieces, broken off, refused", files.upload)
        step("Drive in answers of nothing but canaries, and refusals", files.strange)
        step("a folder chosen at the provider", files.choose_folder)
        step("attachments, a calendar and a copy of mail saved in a Drive", files.save)
        step("files of a feature: proposed, and within a standing consent", files.propose)
        step("the list of files, read; removed, and trashed", files.read)

    def microsoft(self) -> None:
        step, outlook = self.walk.step, self.outlook
        step("Microsoft: an account seeded with canaries", outlook.seed)
        step("Microsoft: denied, not taken, connected; mail and calendars", outlook.connect)
        step("Microsoft: answers of nothing but canaries", outlook.strange)
        step("Microsoft: refuses, in words of its own", outlook.misbehaviour)
        step("Microsoft: news, told by subscriptions", outlook.told)
        step("Microsoft: read by its owner, and searched there", outlook.read)
        step("Microsoft: events written, changed, moved, refused", outlook.writing.there)
        step("Microsoft: an attachment saved in a Drive of Google", self.cross)
        step("Microsoft: ended there, and reconnected", outlook.ended_elsewhere)

    def cross(self) -> str:
        return self.files.cross(self.outlook.deliver_letter)

    def support(self) -> None:
        step, supporting = self.walk.step, self.supporting
        step("support finds a person by a code and by an address", supporting.find)
        step("support sees states, and no content", supporting.see)
        step("support asks to see a message, reads it, and it is taken back", supporting.ask)
        step("support orders a sync", supporting.repair)
        step("support proposes a bulk revocation, which is rejected", supporting.propose)

    def ended_by_support(self) -> None:
        step = self.walk.step
        step("mail disconnected by support", self.supporting.disconnect)
        step("its receipt", lambda: self.journey.receipt(OWNER))

    def ends(self, what: str, name: str, *, product: str, provider: str = "google") -> None:
        """Keep a copy of an integration, disconnect it, and show what is left of it."""
        step, journey = self.walk.step, self.journey
        of = {"product": product, "provider": provider}
        step(f"a copy of {what} is kept", lambda: self.keep(name, **of))
        step(f"{what} disconnected", lambda: journey.disconnect(name, **of))
        step(f"{what} removed, and the receipt", lambda: journey.receipt(name))
        step(f"no row has a key's header of {what}, and the copy is shut", self.removed)

    def short(self) -> None:
        """Take mail from the control to the receipt, and search before and after."""
        step, journey = self.walk.step, self.journey
        step("control: found in every store, in every encoding", self.verdicts.control)
        self.begin()
        step("everything read, by its owner", journey.read)
        step("messages sent, undone and refused", self.sending.send)
        step("files to send", self.uploading.send)
        self.hand_over()
        step("a marketing feature refused", journey.refused)
        step("every door that a campaign tries", self.sending.try_doors)
        self.support()
        step("a Drive added", lambda: self.files.connect(ALICE))
        step("files into a Drive: whole, in pieces, broken off, refused", self.files.upload)
        step("search", self.verdicts.search)
        self.ends("the Drive", ALICE, product="drive")
        self.ends("mail", ALICE, product="mail")
        step("the widget confirms its removal", self.handing_over.confirm_disconnect)
        self.ended_by_support()
        step("search after the purge", self.verdicts.search)
        self.cast.close()

    def begin(self) -> None:
        """Seed, sign in, connect and sync: the least that a leak needs to be one."""
        self.walk.step("mailboxes seeded with canaries", self.seed)
        self.walk.step("signed in", self.journey.sign_in)
        self.walk.step("connected", self.journey.connect)
        self.walk.step("synced", self.journey.synced)
        self.walk.step("parser processes hold mail while they live, and end", self.parsers)

    def parsers(self) -> str:
        letter_of_alice = letter.raw(self.marks.of(ALICE))

        def deliver() -> None:
            self.boxes.deliver(ALICE, raw=letter_of_alice)
            self.boxes.nudge()

        return self.verdicts.parsers(deliver)

    def seed(self) -> str:
        self.boxes.seed()
        count = len(letter.headers("x"))
        return f"{len(ORIGINS)} mailboxes; {count} headers in a message"

    def keep(self, name: str, *, product: str, provider: str) -> str:
        integration = UUID(self.journey.integration(name, product=product, provider=provider)["id"])
        # With calendars alone, the grant stays for the mail.
        search = Aftermath(self.world, integration, with_connection=product == "mail")
        self.kept.append(search)
        return search.keep()

    def removed(self) -> str:
        after = self.kept[-1]
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
        must(self.kept, "nothing was kept before")
        before = sum(search.unwrapping() for search in self.kept)
        aftermath.turn_epochs()
        after = sum(search.unwrapping() for search in self.kept)
        must(after == 0, f"{after} kept keys still unwrap")
        count = sum(len(search.wrapped) for search in self.kept)
        return f"{before} of {count} unwrapped until then, as receipts say; now 0"

    def routes(self) -> str:
        from tests.canaries.addresses import EXPLAINED, names

        missing = self.addresses.left_out()
        must(not missing, f"not visited, and not explained: {', '.join(missing)}")
        return f"{len(names()) - len(EXPLAINED)} of {len(names())}"


def _set_up_django(world: CanaryWorld) -> None:
    """Read rows and keys with the service's own code, in this process."""
    import django

    os.environ.update(world.service.environment)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "CRITICAL"}
    django.setup()
    from django.conf import settings

    if getattr(settings, "CELERY_RESULT_BACKEND", None) or not settings.CELERY_TASK_IGNORE_RESULT:
        raise Failed("there is a result backend, which nobody here looks at")
