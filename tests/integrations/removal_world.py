"""
A connected account at the sandbox that is disconnected step by step, and whether what is said of it
is true of the rows and of the provider's state.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, combinations

from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import display_times
from config.process_classes import ProcessClass
from integrations import purge
from integrations.access import scopes
from integrations.models import (
    Calendar,
    Connection,
    ConnectionStatus,
    DriveFile,
    Event,
    Integration,
    Message,
    PurgeJob,
    SyncWork,
    Thread,
)
from integrations.notifications.messages import SENTENCES
from integrations.notifications.removal_messages import RemovalSubject
from integrations.operations.sync_products import PRODUCTS
from integrations.providers import PROVIDERS
from integrations.providers.product_names import PRODUCTS as PRODUCT_ORDER
from integrations.purge import inventory, receipt_summary
from integrations.sync import sync_engine
from limited_use.ledger.signed_notes import VerifierKey
from limited_use.models import DataKey, KeyEpoch, Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.receipts import receipt_links, receipts
from limited_use.rotation import rotation_schedule
from limited_use.verify import verifier
from tests import drive
from tests.api import cast
from tests.integrations import google, microsoft
from tests.integrations.pages import reading
from tests.walls import acting_as
from tests.worlds.microsoft import ACCEPT

OTHERS = tuple(chain.from_iterable(combinations(PRODUCT_ORDER, n) for n in range(3)))


class RemovalAtGoogle:
    """Alice's Google account, by the sandbox."""

    key, email = "google", google.ALICE_BOX

    def __init__(self, sandbox):
        self.sandbox = sandbox
        sandbox.dial(units_per_minute=0, concurrency=0)
        start = timezone.now().replace(microsecond=0)
        for hour in (1, 2):
            sandbox.deliver(self.email, subject=f"Message {hour}")
            moment = {"dateTime": (start + timedelta(hours=hour)).isoformat(), "timeZone": "UTC"}
            sandbox.put_event(self.email, summary=f"Event {hour}", start=moment, end=moment)

    def connect(self, user, product, *, connection=None, untick=()):
        browser = google.GoogleConnectBrowser(user, self.sandbox)
        address = browser.begin(connection, product=product, version=versions(product))
        browser.arrive(self.sandbox.consent(address, email=self.email, untick=untick))
        return browser.attempt()

    def list_scopes(self):
        """Return the permissions that the provider's own page lists for us."""
        return {scope for one in self.sandbox.grants(self.email) for scope in one["scopes"]}

    def list_answers(self):
        """Return the status of each answer to a revocation."""
        return [one["status"] for one in self.sandbox.requests("/revoke")]

    def list_watches(self):
        """Return what the provider tells us of by itself."""
        pushes = self.sandbox.pushes()
        return [*pushes["topics"], *pushes["channels"]]

    def look_at_content(self):
        mailbox = self.sandbox.mailbox(self.email)
        calendar = self.sandbox.calendar(self.email)
        return mailbox["messages"], calendar["events"]


class RemovalAtMicrosoft(RemovalAtGoogle):
    """Alice's Microsoft account, by the sandbox."""

    key, email = "microsoft", microsoft.ALICE_BOX

    def __init__(self, there):
        self.there = there
        self.sandbox = there.sandbox

    def connect(self, user, product, *, connection=None, untick=()):
        browser = microsoft.MicrosoftConnectBrowser(user, self.there)
        begun = browser.begin(connection, product=product, version=versions(product))
        said = self.there.visit(begun["Location"], ACCEPT, account=self.email)
        return browser.arrive(**said)

    def list_scopes(self):
        consents = self.there.look("microsoft/grants", email=self.email)["consents"]
        return {scope for granted in consents.values() for scope in granted}

    def list_watches(self):
        return self.there.look("microsoft/subscriptions", email=self.email)["subscriptions"]

    def look_at_content(self):
        return self.there.look("mailbox", email=self.email, provider="microsoft")["messages"]


class Nobody:
    """No provider: what is stored only in Antares."""

    key = "offline"

    def list_scopes(self):
        return set()

    def list_answers(self):
        return []

    def list_watches(self):
        return []

    def look_at_content(self):
        return None


def versions(product):
    return [f"{one.key}:{one.version}" for one in scopes.features_for(product)]


class RemovalClock:
    """The machine's time, or later."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return timezone.now() + self.ahead

    def reach(self, at):
        self.ahead = max(self.ahead, at - timezone.now())


@dataclass
class RemovalWorld:
    """
    One connection, as it was before anything of it was removed, and how it stands now.

    :param before: what is said on the page that asks for confirmation, and holds in the end
    """

    user: object
    account: RemovalAtGoogle | RemovalAtMicrosoft | Nobody
    clock: RemovalClock = field(default_factory=RemovalClock)
    before: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.connection = Connection.objects.get(user=self.user)
        self.integrations = {
            one.product: one for one in Integration.objects.filter(connection=self.connection)
        }
        self.client = cast.browser(self.user, recent=True)
        self.content = self.account.look_at_content()
        bring_in(self.connection)
        if drive_integration := self.integrations.get("drive"):
            save_files(drive_integration)
        owned = [integration.id for integration in self.integrations.values()]
        self.counts = {
            model._meta.label: model.objects.filter(integration_id__in=owned).count()
            for model in (Message, Thread, Calendar, Event, DriveFile)
        }
        self.holders = {
            product: [
                one.id,
                *Calendar.objects.filter(integration=one).values_list("cache_id", flat=True),
            ]
            for product, one in self.integrations.items()
        }
        self.given = self.account.list_scopes()

    # What is done.

    def read_before(self, product=None):
        """Return what the page before a disconnect says: of a product, or of the whole account."""
        self.removed = list(self.integrations) if product is None else [product]
        answer = self.client.get(self.address_of(product))
        assert answer.status_code == 200
        return self.text_and_links(answer)

    def disconnect(self, product=None):
        """Read the page before, remember what it says, press the button; return the purges."""
        text, _ = self.read_before(product)
        self.before = self.find_claims(text, "disconnect.", self.removed)
        # Only the page of Antares calendars asks for it.
        answer = self.client.post(self.address_of(product), {"files_kept": "yes"})
        assert answer.status_code == 302, answer.content
        jobs = [PurgeJob.objects.get(integration=self.integrations[one]) for one in self.removed]
        assert answer["Location"] in {reverse("settings-purge", args=[one.id]) for one in jobs}
        if "disconnect.unreadable-at-once" in self.before:
            assert not any(self.has_keys(one) for one in self.removed)
        return jobs

    def address_of(self, product):
        if product is None:
            return reverse("settings-disconnect-account", args=[self.connection.id])
        return reverse("settings-disconnect", args=[self.integrations[product].id])

    def run(self, job):
        """One turn of the worker."""
        with acting_as(ProcessClass.PURGE):
            return purge.run_purge(job_id=job.id, now=self.clock)

    def finish(self, *jobs):
        """Have workers run these purges, in turns, until there are receipts."""
        for _ in range(200):
            waiting = [
                one
                for one in PurgeJob.objects.filter(id__in=[job.id for job in jobs])
                if not one.receipt_id
            ]
            if not waiting:
                return
            job = min(waiting, key=lambda one: one.next_try_at)
            self.clock.reach(job.next_try_at)
            self.run(job)
        raise AssertionError("a purge does not end")

    # What is said.

    def read_page(self, job):
        return self.text_and_links(self.client.get(reverse("settings-purge", args=[job.id])))

    def read_public_page(self, product):
        """Return the page that whoever has the link sees."""
        token = receipt_links.create_link(
            subject_id=self.integrations[product].id, at=timezone.now()
        )
        return self.text_and_links(Client().get(reverse("receipt-link", args=[token])))[0]

    def read_settings(self):
        return self.text_and_links(self.client.get("/settings/integrations/"))

    @staticmethod
    def text_and_links(answer):
        html = answer.content.decode()
        return reading.text(html), set(reading.links(html))

    def find_claims(self, text, prefix, products):
        """Return the claims that `text` makes about these products."""
        return {
            claim
            for claim, sentence in SENTENCES.items()
            if claim.startswith(prefix)
            for product in products
            for others in OTHERS
            if RemovalSubject(self.account.key, product, others).format_sentence(sentence) in text
        }

    # What is true.

    def has_keys(self, product):
        return DataKey.objects.filter(holder__in=self.holders[product]).exists()

    def has_rows(self, product):
        integration = self.integrations[product]
        tables = (Message, Thread, Calendar, Event, SyncWork, DriveFile)
        counts = inventory.count_rows_left(integration_id=integration.id)
        return any(counts.values()) or any(
            one.objects.filter(integration_id=integration.id).exists() for one in tables
        )

    @property
    def live(self):
        return set(self.connection.integrations.live().values_list("product", flat=True))

    @property
    def now(self):
        self.connection.refresh_from_db()
        return self.connection

    @property
    def has_tokens(self):
        now = self.now
        holders = {now.id, now.grant_id, self.first_grant}
        return (
            now.refresh_token is not None
            or now.access_token is not None
            or DataKey.objects.filter(holder__in=holders).exists()
        )

    @property
    def first_grant(self):
        return self.holders.setdefault("grant", self.connection.grant_id)

    def job_of(self, product):
        return PurgeJob.objects.get(integration=self.integrations[product])

    def has_receipt(self, product):
        keys = [VerifierKey.parse(text) for text in receipts.get_receipt_public_keys()]
        found = Receipt.objects.filter(subject_id=self.integrations[product].id).first()
        return found is not None and bool(
            verifier.check_signed_document(bytes(found.document), keys)
        )

    def read_receipt(self, product):
        receipt = Receipt.objects.get(subject_id=self.integrations[product].id)
        return json.loads(bytes(receipt.document))["body"]

    def list_receipt_sentences(self, product):
        """Return the sentences by which pages explain the receipt, as texts by claim."""
        receipt = Receipt.objects.get(subject_id=self.integrations[product].id)
        summary = receipt_summary.summarize_receipt(json.loads(bytes(receipt.document)))
        return {sentence.claim: join_parts(sentence.parts) for sentence in summary.sentences}

    def describe_counts(self, product):
        """Return the counts of before the removal, in the words of a receipt."""
        names = {
            "mail": ("Message", "Thread"),
            "calendar": ("Calendar", "Event"),
            "drive": ("DriveFile",),
        }[product]
        words = {"Message": "message", "Thread": "conversation", "DriveFile": "upload"}
        counts = [
            (self.counts[f"integrations.{name}"], words.get(name, name.lower())) for name in names
        ]
        return [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts]


def bring_in(connection):
    """Have workers bring in everything that the account has."""
    works = SyncWork.objects.filter(integration__connection=connection)
    for _ in range(2):
        for work_id in list(works.values_list("id", flat=True)):
            for _ in range(20):
                SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
                with acting_as(ProcessClass.SYNC):
                    if not sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now()):
                        break


def save_files(integration):
    """Put two files into the Drive, and leave one upload on its way."""
    at = timezone.now()
    for _ in range(2):
        drive.make_drive_file(integration, at, state="done", received=9, finished_at=at, due_at=None)
    drive.make_drive_file(integration, at, state="uploading", received=4)
    Integration.objects.filter(id=integration.id).update(saved_file_count=2)


def has_no_open_upload(world, product):
    job = world.job_of(product)
    return job.stopped_upload_count == 1 and not world.has_rows(product)


def is_notified(world, _):
    return world.account.list_watches() != []


def is_not_notified(world, _):
    return world.account.list_watches() == []


def may_be_notified_until(world, product):
    job = world.job_of(product)
    return job.watch_lapse_by is not None and world.account.list_watches() != []


def lists_antares(world, _):
    return bool(world.account.list_scopes())


def keeps_permissions(world, _):
    return world.account.list_scopes() >= world.given > set() and world.live > set()


def keeps_tokens(world, product):
    now = world.now
    has_key = DataKey.objects.filter(holder=now.grant_id).exists()
    return (
        now.refresh_token is not None
        and has_key
        and world.live > set()
        and product not in world.live
    )


def has_no_tokens(world, _):
    return not world.has_tokens


def asks_nothing(world, _):
    return world.account.list_answers() == []


def is_removed_within_an_hour(world, product):
    job = world.job_of(product)
    took = job.emptied_at - job.fenced_at
    return not world.has_keys(product) and not world.has_rows(product) and took < timedelta(hours=1)


def has_counted_every_table(world, product):
    tables = {
        one.label for one in inventory.HOLDINGS if one.scope is not inventory.PurgeScope.CONNECTION
    }
    counted = world.job_of(product).counts_left
    return counted.keys() >= tables and set(counted.values()) == {0} and not world.has_rows(product)


#: Whether a sentence is true, by claim: of `disconnect.*` once all is done, of the rest now.
TRUE = {
    "disconnect.unchanged-there": lambda world, _: world.account.look_at_content() == world.content,
    "disconnect.unreadable-at-once": is_removed_within_an_hour,
    "disconnect.list-unreadable": is_removed_within_an_hour,
    # Antares asks the provider for nothing that would remove a file.
    "disconnect.files-stay": lambda world, _: not any(
        "/drive/" in request["path"] for request in world.account.sandbox.requests()
    ),
    "disconnect.uploads-stop": has_no_open_upload,
    "disconnect.access-ends": lambda world, _: world.account.list_answers() != [],
    "disconnect.access-not-offered": lists_antares,
    "disconnect.access-kept": keeps_permissions,
    "disconnect.access-ended": lambda world, _: world.account.list_scopes() == set(),
    "disconnect.access-shared": asks_nothing,
    "disconnect.tokens-destroyed": has_no_tokens,
    "disconnect.tokens-kept": keeps_tokens,
    "removal.notices-asked": is_notified,
    "removal.notices-stopped": is_not_notified,
    "removal.notices-lapsed": lambda world, product: world.job_of(product).watch_lapse_by is None,
    "removal.notices-unanswered": may_be_notified_until,
    "removal.notices-no-access": may_be_notified_until,
    "removal.notices-kept": is_notified,
    "disconnect.tokens-kept-ended": keeps_tokens,
    "disconnect.receipt": lambda world, product: world.has_receipt(product),
    "disconnect.receipts": lambda world, product: world.has_receipt(product),
    "removal.removed": lambda world, product: (
        not (world.has_rows(product) or world.has_keys(product))
    ),
    "removal.unreadable": lambda world, product: not world.has_keys(product),
    "removal.emptied": lambda world, product: not world.has_rows(product),
    "removal.counted": has_counted_every_table,
    "removal.signed": lambda world, product: world.has_receipt(product),
    "removal.access-asked": lambda world, product: (
        200 not in world.account.list_answers()
        and world.clock() < world.job_of(product).fenced_at + timedelta(days=1)
    ),
    "removal.access-confirmed": lambda world, _: (
        200 in world.account.list_answers() and world.account.list_scopes() == set()
    ),
    "removal.access-gone": lambda world, _: (
        400 in world.account.list_answers() and world.account.list_scopes() == set()
    ),
    "removal.access-unconfirmed": lambda world, _: 200 not in world.account.list_answers(),
    "removal.access-not-offered": lists_antares,
    "removal.access-kept": keeps_permissions,
    "removal.access-ended": lambda world, _: world.account.list_scopes() == set(),
    "removal.access-reconnected": lambda world, _: (
        world.now.status == ConnectionStatus.ACTIVE and world.account.list_scopes() != set()
    ),
    "removal.access-shared": lambda world, _: (
        world.account.list_answers() == [] and world.account.list_scopes() != set()
    ),
    "removal.tokens-destroyed": has_no_tokens,
    "removal.tokens-kept": keeps_tokens,
    "removal.tokens-kept-ended": keeps_tokens,
    "removal.tokens-reconnected": lambda world, _: (
        world.has_tokens and world.now.grant_id != world.first_grant
    ),
    "removal.advice-check": lambda world, _: (
        200 not in world.account.list_answers() or world.now.status == ConnectionStatus.ENDED
    ),
    "removal.advice-remove": lists_antares,
    "removal.advice-kept": keeps_permissions,
    "removal.advice-shared": lists_antares,
    "removal.product-kept": lambda world, product: (
        world.live == set(world.integrations) - {product}
    ),
}


def join_parts(parts):
    """Return a sentence as text, with moments as mails show them and links by their addresses."""
    return "".join(
        display_times.format_moment(part.at) if part.at else part.url or part.text for part in parts
    )


def states_the_counts(world, product, text):
    assert all(counted in text for counted in world.describe_counts(product)), text
    return not (world.has_rows(product) or world.has_keys(product))


def states_when_it_was_unreadable(world, product, text):
    job = world.job_of(product)
    moments = [display_times.format_moment(at) for at in (job.fenced_at, job.verified_at)]
    assert all(moment in text for moment in moments), text
    return not (world.has_rows(product) or world.has_keys(product))


def names_the_pages(is_true):
    """Return a check of the fact, and of the provider's pages where it can be changed."""

    def check(world, product, text):
        assert all(page in text for page in PROVIDERS[world.account.key].revocation_pages), text
        return is_true(world, product)

    return check


def states_what_remains(world, product, text):
    """See that the promised times are those of settings and key epochs, which other tests keep."""
    job = world.job_of(product)
    hours = settings.KEY_EPOCH_HOURS
    if job.own_kek_epoch is not None:
        hours = rotation_schedule.get_max_hours(KeyLine.OWN)
    backups = job.verified_at + timedelta(days=settings.BACKUP_RETENTION_DAYS)
    moments = [
        display_times.format_moment(at) for at in (backups, job.fenced_at + timedelta(hours=hours))
    ]
    assert all(moment in text for moment in moments), text
    # The record that stays, and the key's epoch that is still to end.
    return not world.has_rows(product) and KeyEpoch.objects.filter(destroyed_at=None).exists()


#: Whether a sentence about a receipt is true when it is signed, by claim.
TRUE_IN_RECEIPT = {
    "receipt.removed-mail": states_the_counts,
    "receipt.removed-calendar": states_the_counts,
    "receipt.removed-drive": states_the_counts,
    "receipt.removed-local": states_the_counts,
    "receipt.unreadable-since": states_when_it_was_unreadable,
    "receipt.access-ended": lambda world, product, _: TRUE["removal.access-confirmed"](
        world, product
    ),
    "receipt.access-was-ended": lambda world, product, _: TRUE["removal.access-gone"](
        world, product
    ),
    "receipt.access-unconfirmed": names_the_pages(TRUE["removal.access-unconfirmed"]),
    "receipt.access-not-offered": names_the_pages(lists_antares),
    "receipt.access-needed": names_the_pages(lambda world, _: world.has_tokens),
    "receipt.access-left": names_the_pages(
        lambda world, product: (
            TRUE["removal.access-shared"](world, product) and not world.has_tokens
        )
    ),
    "receipt.no-provider": lambda world, _, __: world.account.key == "offline",
    "receipt.remains-until": states_what_remains,
    # Of the page's file, which tests/integrations/purge/test_verifier_page.py opens offline.
    "receipt.check-offline": lambda _, __, text: "/verify.html" in text and "/keys/" in text,
}


def lines_of(body):
    return re.sub(r"\s+", " ", body)
