"""Each sentence about a removal is true of the rows and the provider's state while it is shown."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import display_times
from integrations import connections
from integrations.connections import connectable_products, connection_removal
from integrations.coordination.leases import NotClaimable
from integrations.grants import provider_credentials
from integrations.models import (
    AttemptOutcome,
    Calendar,
    Connection,
    ConnectionStatus,
    Event,
    Integration,
    Message,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    RevocationOutcome,
)
from integrations.notifications import removal_facts
from integrations.notifications.messages import SENTENCES
from integrations.notifications.removal_messages import (
    ACCESS_MESSAGES,
    ACCESS_OF_REVOCATION,
    TOKEN_MESSAGES,
    AccessOutcome,
    TokenOutcome,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.settings import purge_page
from integrations.settings.messages.purge import PAGE_ACCOUNTS
from limited_use.models import Receipt
from limited_use.vault import data_keys
from tests.api.calendars.test_writing import create_event
from tests.broker import record_messages
from tests.factories import actor_for, make_organisation, make_user
from tests.integrations import removal_world
from tests.integrations.calendar import local_house
from tests.integrations.microsoft import microsoft
from tests.integrations.pages import reading
from tests.integrations.removal_world import (
    TRUE,
    TRUE_IN_RECEIPT,
    Nobody,
    RemovalAtGoogle,
    RemovalAtMicrosoft,
    RemovalWorld,
)
from tests.walls import requests_act_as_web
from tests.worlds.sandbox import GMAIL_READONLY

__all__ = ["microsoft", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("requests_act_as_web"),
    pytest.mark.invariant(6),
    pytest.mark.clause("WDEL", "TOK-REVOKE"),
]
#: Whose tests read these sentences before a removal, and on its page and in its mail at the end.
ends_what_it_says = pytest.mark.claim(
    "disconnect.unchanged-there",
    "disconnect.unreadable-at-once",
    "disconnect.receipt",
    "removal.removed",
    "removal.unreadable",
    "removal.emptied",
    "removal.counted",
    "removal.signed",
    "keys.receipt",
    "receipt.removed-mail",
    "receipt.removed-calendar",
    "receipt.unreadable-since",
    "receipt.remains-until",
    "mail.removed-counts",
    "mail.unreadable-since",
    "mail.remains-until",
)

REMOVED = {f"removal.{one}" for one in ("removed", "unreadable", "emptied", "counted", "signed")}
PROMISED = {"disconnect.unchanged-there", "disconnect.unreadable-at-once", "disconnect.receipt"}
PROMISED_OF_DRIVE = PROMISED - {"disconnect.unreadable-at-once"} | {
    "disconnect.files-stay",
    "disconnect.list-unreadable",
    "disconnect.uploads-stop",
}
DESTROYED = "removal.tokens-destroyed"


@pytest.fixture
def alice(alice):
    """Return Alice, who can confirm that it is her: an empty password is not an unusable one."""
    alice.password = ""
    alice.save(update_fields=["password"])
    return alice


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch, settings):
    settings.GMAIL_UNITS_PER_MINUTE = 0
    record_messages(monkeypatch)


def connected(user, account, *products):
    for product in products:
        held = Connection.objects.filter(user=user).first()
        outcome = account.connect(user, product, connection=held).outcome
        assert outcome == AttemptOutcome.CONNECTED
    world = RemovalWorld(user, account)
    assert world.first_grant
    return world


def check_page(world, job, *, says):
    """See that the page of a removal says this, that all of it is true, and where it leads."""
    text, links = world.read_page(job)
    product = job.integration.product
    claims = world.find_claims(text, "removal.", [product])
    assert claims == says
    assert_true(world, claims, product)
    pages = set(PROVIDERS[world.account.key].revocation_pages)
    has_advice = any(claim.startswith("removal.advice-") for claim in claims)
    assert links & pages == (pages if has_advice else set())


def check_end(world, job, mail, *, says, tone):
    """See that page, settings and mail of a finished removal say what is true."""
    check_page(world, job, says=REMOVED | says)
    product = job.integration.product
    assert_true(world, world.before, product)
    text, _ = world.read_settings()
    claims = world.find_claims(text, "removal.", [product])
    assert_true(world, claims, product)
    assert is_green(world, job) is (tone == "good")
    if mail is not None:
        check_receipt(world, job)
        body = removal_world.lines_of(mail.body)
        check_counts_and_times(world, product, body)
        told = world.find_claims(body, "removal.", [product])
        assert told == says | {"removal.removed"}
        assert_true(world, told, product)
        assert world.account.key == "offline" or PROVIDERS[world.account.key].label in mail.subject


def check_receipt(world, job):
    """See that pages explain the receipt by sentences that are true, and that all have the same."""
    product = job.integration.product
    sentences = world.list_receipt_sentences(product)
    assert len(sentences) == 5
    for claim, text in sentences.items():
        assert TRUE_IN_RECEIPT[claim](world, product, text), (claim, text)
    public = world.read_public_page(product)
    own, _ = world.read_page(job)
    for claim, text in sentences.items():
        # Links are shown by their texts; the person's own page says how access is now.
        if "http" not in text and "/verify.html" not in text:
            assert text in public
            assert text in own or claim.startswith("receipt.access-")
    assert "integrations." not in own
    for step in ("Back to settings", "Download verify.html", "Next steps"):
        assert step in own


def check_counts_and_times(world, product, body):
    job = world.job_of(product)
    assert all(counted in body for counted in world.describe_counts(product))
    at = display_times.format_moment(job.fenced_at)
    assert f"Antares destroyed the keys to this data on {at} and can no longer read it." in body
    until = world.list_receipt_sentences(product)["receipt.remains-until"]
    copies, keys = until.split(". By ")
    keys, _ = keys.split(", Antares destroys its key to them. ")
    assert f"{copies}. Antares destroys its key to them by {keys}." in body


def is_green(world, job):
    """Return whether every mark of the page and the row in settings says that nothing is left."""
    page = world.client.get(f"/settings/removals/{job.id}/").content.decode()
    row = world.client.get("/settings/integrations/").content.decode().split(f"{job.id}/")[0]
    badge = row.rsplit('<span class="badge ', 1)[1].split('"')[0]
    has_kept = '<li class="kept">' in page
    assert has_kept is (badge != "good"), (badge, has_kept)
    return badge == "good"


def assert_true(world, claims, product):
    assert {claim for claim in claims if not TRUE[claim](world, product)} == set()


def find_access_after(job, outcome):
    """Return what is said of the access after a step of the purge found this outcome."""
    with transaction.atomic():
        PurgeJob.objects.filter(id=job.id).update(revocation=outcome)
        access = removal_facts.get_situation(PurgeJob.objects.get(id=job.id)).access
        transaction.set_rollback(True)
    return access


class TestThePage:
    def test_marks_access_as_ended_once_the_provider_confirmed(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        (job,) = world.disconnect("mail")
        world.finish(job)
        PurgeJob.objects.filter(id=job.id).update(
            step=PurgeStep.VERIFIED, receipt_id=None, done_at=None
        )

        job = PurgeJob.objects.get(id=job.id)
        steps = purge_page.get_purge_page_context(job)["steps"]

        marks = {step.said.claim: step.mark for step in steps if step.said}
        assert marks["removal.access-confirmed"] == "done"

    def test_says_why_only_where_it_was_not_the_person(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        (job,) = world.disconnect("mail")
        assert "You disconnected it." not in world.read_page(job)[0]

        PurgeJob.objects.filter(id=job.id).update(trigger=PurgeTrigger.INACTIVE)

        assert "You had not signed in for a year." in world.read_page(job)[0]

    def test_names_the_kind_of_account_of_each_of_several_pages(self, alice, microsoft):
        pages = [page for one in PROVIDERS.values() for page in one.revocation_pages]
        several = [one for one in PROVIDERS.values() if len(one.revocation_pages) > 1]
        named = {page for one in several for page in one.revocation_pages}
        assert {page for page in pages if page in PAGE_ACCOUNTS} == named

        world = connected(alice, RemovalAtMicrosoft(microsoft), "mail")
        text, _ = world.read_before("mail")

        assert "work or school account: https://myapps.microsoft.com, or personal" in text

    def test_says_in_settings_where_to_end_access_that_is_left(self, alice, microsoft):
        world = connected(alice, RemovalAtMicrosoft(microsoft), "mail")
        (job,) = world.disconnect("mail")
        assert "What you can do" not in world.read_settings()[0]

        world.finish(job)

        assert "What you can do" in world.read_settings()[0]

    def test_of_a_changed_receipt_says_so_in_plain_words(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        (job,) = world.disconnect("mail")
        world.finish(job)
        assert "Do not rely on it." not in world.read_public_page("mail")
        receipt = Receipt.objects.get(subject_id=job.integration_id)
        receipt.document = bytes(receipt.document).replace(b"20", b"21", 1)
        receipt.save(update_fields=["document"])

        page = world.read_public_page("mail")

        assert "Its signatures do not prove its content. Do not rely on it." in page
        assert "Part 2 does not exist yet." not in page


@ends_what_it_says
class TestTheOnlyProduct:
    @pytest.mark.claim("disconnect.access-ends", "disconnect.tokens-destroyed")
    @pytest.mark.claim("removal.access-confirmed", "removal.tokens-destroyed")
    @pytest.mark.claim("receipt.access-ended")
    @pytest.mark.claim("receipt.mail-stays", "receipt.calendars-stay", "home.optional")
    @pytest.mark.parametrize("product", ["mail", "calendar"])
    def test_is_removed_and_google_confirms(self, alice, google, mailoutbox, product):
        world = connected(alice, RemovalAtGoogle(google), product)

        (job,) = world.disconnect(product)

        assert world.before == PROMISED | {
            "disconnect.access-ends",
            "disconnect.tokens-destroyed",
        }
        check_page(world, job, says={"removal.unreadable"})
        world.finish(job)
        assert outcome_of(job) == RevocationOutcome.CONFIRMED
        said = {"removal.access-confirmed", DESTROYED}
        check_end(world, job, mailoutbox[-1], says=said, tone="good")
        # `check_end` has compared the messages and events there with those of before.
        stays = {"mail": "Your mail at the provider", "calendar": "Your calendars at the provider"}
        assert world.read_receipt(product)["remains"]["at_the_provider"].startswith(stays[product])

    @pytest.mark.claim("disconnect.files-stay", "disconnect.list-unreadable")
    @pytest.mark.claim("disconnect.uploads-stop", "receipt.removed-drive")
    @pytest.mark.claim("receipt.files-stay", "receipt.uploads-stopped")
    @pytest.mark.clause("AN-2", "AN-7")
    def test_is_a_drive_whose_files_stay(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "drive")

        text, _ = world.read_before("drive")
        (job,) = world.disconnect("drive")

        assert "Antares removes the names and states of 3 uploads, and destroys the keys" in text
        assert world.before == PROMISED_OF_DRIVE | {
            "disconnect.access-ends",
            "disconnect.tokens-destroyed",
        }
        world.finish(job)
        said = {"removal.access-confirmed", DESTROYED}
        check_end(world, job, mailoutbox[-1], says=said, tone="good")
        body = world.read_receipt("drive")
        assert body["uploads"].items() >= {"saved": 2, "stopped": 1}.items()
        assert "were stopped: 1." in body["uploads"]["says"]
        assert "put into your Drive stay there: 2." in body["remains"]["at_the_provider"]
        assert {"AN-2", "AN-7"} <= set(body["clauses"])

    @pytest.mark.claim("removal.access-gone", "receipt.access-was-ended")
    def test_is_removed_after_the_person_ended_our_access_at_google(
        self, alice, google, mailoutbox
    ):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        google.revoke_grant(world.account.email)

        (job,) = world.disconnect("mail")
        world.finish(job)

        assert outcome_of(job) == RevocationOutcome.ALREADY_GONE
        said = {"removal.access-gone", DESTROYED}
        check_end(world, job, mailoutbox[-1], says=said, tone="good")

    @pytest.mark.claim("removal.access-asked", "removal.access-unconfirmed")
    @pytest.mark.claim("receipt.access-unconfirmed")
    @pytest.mark.claim("removal.advice-check", "removal.so-far")
    def test_is_removed_while_google_does_not_answer(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        google.fail_next(99, path_prefix="/revoke", status=503, body="")

        (job,) = world.disconnect("mail")
        world.run(job)

        assert outcome_of(job) == RevocationOutcome.PENDING
        emptied = {f"removal.{one}" for one in ("unreadable", "emptied", "counted")}
        check_page(world, job, says=emptied | {"removal.access-asked"})
        assert "Antares can no longer read the data." in world.read_page(job)[0]
        assert not world.has_keys("mail")
        world.finish(job)
        assert outcome_of(job) == RevocationOutcome.UNCONFIRMED
        said = {"removal.access-unconfirmed", "removal.advice-check", DESTROYED}
        check_end(world, job, mailoutbox[-1], says=said, tone="warn")

    @pytest.mark.claim("disconnect.access-not-offered", "removal.access-not-offered")
    @pytest.mark.claim("removal.advice-remove", "receipt.not-offered")
    @pytest.mark.claim("receipt.access-not-offered")
    @pytest.mark.parametrize("product", ["mail", "calendar"])
    def test_is_removed_and_microsoft_ends_no_access(self, alice, microsoft, mailoutbox, product):
        world = connected(alice, RemovalAtMicrosoft(microsoft), product)

        _, links = world.read_before(product)
        (job,) = world.disconnect(product)

        assert world.before == PROMISED | {
            "disconnect.access-not-offered",
            "disconnect.tokens-destroyed",
        }
        assert links >= set(PROVIDERS["microsoft"].revocation_pages)
        world.finish(job)
        assert outcome_of(job) == RevocationOutcome.NOT_OFFERED
        receipt = world.read_receipt(product)["provider_revocation"]["says"]
        assert "The provider lists your agreement until you remove it" in receipt
        assert world.account.list_scopes() >= world.given > set()
        said = {"removal.access-not-offered", "removal.advice-remove", DESTROYED}
        check_end(world, job, mailoutbox[-1], says=said, tone="warn")

    @pytest.mark.claim("local-remove.within-an-hour", "receipt.not-needed")
    @pytest.mark.claim("receipt.removed-local", "receipt.no-provider")
    def test_is_stored_only_in_antares(self, alice, acme, google, mailoutbox):
        local_house.create_local_calendar(actor_for(alice, acme), "Choir")
        world = RemovalWorld(alice, Nobody())
        google.clear_journal()

        (job,) = world.disconnect("calendar")

        assert world.before == {"disconnect.receipt"}
        assert not world.has_keys("calendar")
        world.finish(job)
        assert removal_world.is_removed_within_an_hour(world, "calendar")
        assert outcome_of(job) == RevocationOutcome.NOT_NEEDED
        check_end(world, job, mailoutbox[-1], says=set(), tone="good")
        body = world.read_receipt("calendar")
        assert body["provider_revocation"]["says"].startswith("Stored only in Antares: no provider")
        assert "at_the_provider" not in body["remains"]
        assert google.requests() == []


class TestAnAccountWhoseAccessHasEnded:
    @pytest.mark.claim("disconnect.reconnect-keeps")
    def test_keeps_everything_if_it_is_connected_again(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        google.revoke_grant(world.account.email)
        now = world.now
        assert provider_credentials.record_grant_ended(
            connection_id=now.id, epoch=now.epoch, at=timezone.now()
        )

        text, _ = world.read_before("mail")

        assert "Reconnecting keeps all data." in text
        outcome = world.account.connect(alice, "mail", connection=world.now).outcome
        assert outcome == AttemptOutcome.CONNECTED
        assert "2 messages in 2 conversations" in world.read_before("mail")[0]
        shown = world.client.get("/inbox/").content.decode()
        assert "Message 1" in shown
        assert "Message 2" in shown


@ends_what_it_says
class TestOneOfTwoProducts:
    """Gmail and Google Calendar of one account have one grant."""

    @pytest.mark.claim("disconnect.access-kept", "disconnect.tokens-kept")
    @pytest.mark.claim("removal.access-kept", "removal.tokens-kept")
    @pytest.mark.claim("receipt.access-needed")
    @pytest.mark.claim("removal.advice-kept", "removal.product-kept")
    @pytest.mark.scenario("X6")
    @pytest.mark.parametrize(("product", "other"), [("mail", "calendar"), ("calendar", "mail")])
    def test_leaves_access_and_tokens_to_the_other(self, alice, google, mailoutbox, product, other):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")

        text, links = world.read_before(product)
        (job,) = world.disconnect(product)

        assert world.before == PROMISED | {"disconnect.access-kept", "disconnect.tokens-kept"}
        assert links >= set(PROVIDERS["google"].revocation_pages)
        assert "remove everything" not in text
        world.finish(job)
        assert outcome_of(job) == RevocationOutcome.NEEDED_ELSEWHERE
        said = {
            "removal.access-kept",
            "removal.tokens-kept",
            "removal.advice-kept",
            "removal.product-kept",
        }
        check_end(world, job, mailoutbox[-1], says=said, tone="info")

        (last,) = world.disconnect(other)
        world.finish(last)
        # What was kept is gone by now, and the older page says so.
        said = {"removal.access-confirmed", DESTROYED}
        check_end(world, last, mailoutbox[-1], says=said, tone="good")
        check_end(world, job, None, says=said, tone="good")

    def test_leaves_access_to_the_other_at_microsoft(self, alice, microsoft, mailoutbox):
        world = connected(alice, RemovalAtMicrosoft(microsoft), "mail", "calendar")

        (job,) = world.disconnect("mail")
        world.finish(job)

        assert world.before == PROMISED | {"disconnect.access-kept", "disconnect.tokens-kept"}
        said = {
            "removal.access-kept",
            "removal.tokens-kept",
            "removal.advice-kept",
            "removal.product-kept",
        }
        check_end(world, job, mailoutbox[-1], says=said, tone="info")

    @pytest.mark.claim("disconnect.access-ended", "disconnect.tokens-kept-ended")
    @pytest.mark.claim("removal.access-ended", "removal.tokens-kept-ended")
    def test_keeps_tokens_that_google_has_ended(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")
        google.revoke_grant(world.account.email)
        now = timezone.now()
        assert provider_credentials.record_grant_ended(
            connection_id=world.now.id, epoch=world.now.epoch, at=now
        )

        (job,) = world.disconnect("mail")
        world.finish(job)

        assert world.before == PROMISED | {
            "disconnect.access-ended",
            "disconnect.tokens-kept-ended",
        }
        said = {"removal.access-ended", "removal.tokens-kept-ended"}
        check_end(world, job, mailoutbox[-1], says=said, tone="info")


@ends_what_it_says
class TestADriveBesideMail:
    @pytest.mark.claim("receipt.drive-connected")
    @pytest.mark.scenario("X6")
    def test_keeps_access_and_tokens_when_mail_is_disconnected(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "mail", "drive")

        (job,) = world.disconnect("mail")
        world.finish(job)

        assert outcome_of(job) == RevocationOutcome.NEEDED_ELSEWHERE
        revocation = world.read_receipt("mail")["provider_revocation"]
        assert revocation["needed_by"] == ["drive"]
        assert "The Drive of this account is still connected." in revocation["says"]
        said = {
            "removal.access-kept",
            "removal.tokens-kept",
            "removal.advice-kept",
            "removal.product-kept",
        }
        check_end(world, job, mailoutbox[-1], says=said, tone="info")

    def test_and_calendars_are_all_named(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar", "drive")

        text, _ = world.read_before()
        one, _ = world.read_before("mail")

        assert "Disconnect Google mail, Google Calendar and Google Drive?" in text
        assert "in 2 conversations, 1 calendar with 2 events and the names and states of" in text
        assert "also connected for Google Calendar and Google Drive" in one
        world.finish(*world.disconnect())
        assert world.live == set()


@ends_what_it_says
class TestAnotherConnectionOfTheAccount:
    @pytest.mark.claim("disconnect.access-shared", "removal.access-shared")
    @pytest.mark.claim("removal.advice-shared", "receipt.access-left")
    @pytest.mark.scenario("X6")
    def test_keeps_the_access_and_not_our_tokens(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "mail")
        bob = make_user("bob", organisation=make_organisation("Other"))
        assert world.account.connect(bob, "mail").outcome == AttemptOutcome.CONNECTED

        (job,) = world.disconnect("mail")
        assert find_access_after(job, RevocationOutcome.PENDING) is AccessOutcome.ASKED
        # A worker that died before it ended the connection.
        assert find_access_after(job, RevocationOutcome.NEEDED_ELSEWHERE) is AccessOutcome.SHARED
        world.finish(job)

        assert world.before == PROMISED | {
            "disconnect.access-shared",
            "disconnect.tokens-destroyed",
        }
        assert outcome_of(job) == RevocationOutcome.NEEDED_ELSEWHERE
        said = {"removal.access-shared", "removal.advice-shared", DESTROYED}
        check_end(world, job, mailoutbox[-1], says=said, tone="info")
        assert Integration.objects.live().filter(connection__user=bob).exists()


class TestAnAccountThatIsConnectedAgain:
    @pytest.fixture
    def world(self, alice, google):
        """Return an account whose removal waits for Google."""
        world = connected(alice, RemovalAtGoogle(google), "mail")
        google.fail_next(1, path_prefix="/revoke", status=503, body="")
        (self.job,) = world.disconnect("mail")
        world.before = set()
        world.run(self.job)
        return world

    @pytest.mark.claim("removal.access-reconnected", "removal.tokens-reconnected")
    def test_has_access_again(self, world, alice, mailoutbox):
        assert world.account.connect(alice, "mail").outcome == AttemptOutcome.CONNECTED

        world.finish(self.job)

        said = {"removal.access-reconnected", "removal.tokens-reconnected"}
        check_end(world, self.job, mailoutbox[-1], says=said, tone="info")

    def test_without_a_product_is_removed_later_and_google_confirms(
        self, world, alice, acme, mailoutbox
    ):
        account = world.account
        attempt = account.connect(alice, "mail", untick=(GMAIL_READONLY,))
        assert attempt.outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        world.finish(self.job)
        said = {"removal.access-reconnected", "removal.tokens-reconnected"}
        check_end(world, self.job, mailoutbox[-1], says=said, tone="info")

        assert connection_removal.remove_connection(connection_id=world.now.id, at=timezone.now())

        # The job's own receipt was signed before that, and says so.
        assert outcome_of(self.job) == RevocationOutcome.NEEDED_ELSEWHERE
        said = {"removal.access-confirmed", DESTROYED}
        check_end(world, self.job, None, says=said, tone="good")


class TestTheWholeAccount:
    @pytest.mark.claim("disconnect.receipts")
    def test_ends_the_access_at_google(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")

        jobs = world.disconnect()

        assert world.before == PROMISED - {"disconnect.receipt"} | {
            "disconnect.access-ends",
            "disconnect.tokens-destroyed",
            "disconnect.receipts",
        }
        assert {one.fenced_at for one in jobs} == {jobs[0].fenced_at}
        world.finish(*jobs)
        said = {"removal.access-confirmed", DESTROYED}
        for job in jobs:
            check_end(world, job, None, says=said, tone="good")
        assert len(mailoutbox) == 2
        assert google.grants(world.account.email) == []

    def test_destroys_the_tokens_of_microsoft(self, alice, microsoft):
        world = connected(alice, RemovalAtMicrosoft(microsoft), "mail", "calendar")

        jobs = world.disconnect()
        world.finish(*jobs)

        said = {"removal.access-not-offered", "removal.advice-remove", DESTROYED}
        for job in jobs:
            check_end(world, job, None, says=said, tone="warn")

    def test_is_offered_beside_one_of_its_products(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")
        address = f"/settings/connections/{world.connection.id}/disconnect/"

        for product in ("mail", "calendar"):
            assert address in world.read_before(product)[1]

        world.finish(*world.disconnect("mail"))
        assert address not in world.read_before("calendar")[1]

    @pytest.mark.claim("disconnect.removes")
    def test_is_counted_by_product_and_calendar(self, alice, google):
        google.add_calendar(RemovalAtGoogle.email, "Choir")
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")

        text, _ = world.read_before()

        assert "Disconnect Google mail and Google Calendar?" in text
        assert "2 messages in 2 conversations and 2 calendars with 2 events" in text
        assert "“Choir”: 0 events" in text
        assert f"“{RemovalAtGoogle.email}”: 2 events" in text
        assert ", and destroys the keys that open them. You cannot undo this." in text
        products = ("mail", "calendar")
        assert all(world.has_rows(one) and world.has_keys(one) for one in products)

        world.finish(*world.disconnect())

        assert not any(world.has_rows(one) or world.has_keys(one) for one in products)

    @pytest.mark.claim("disconnect.name-not-shown")
    def test_is_counted_without_names_while_no_key_opens(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")

        with keys_away():
            text, _ = world.read_before()
            assert world.client.get(world.address_of("calendar")).status_code == 200

        assert "2 messages in 2 conversations and 1 calendar with 2 events" in text
        assert "A calendar whose name cannot be shown now: 2 events" in text
        assert RemovalAtGoogle.email not in text

    def test_is_not_what_is_stored_only_in_antares(self, alice, acme, google):
        local_house.create_local_calendar(actor_for(alice, acme), "Choir")
        world = RemovalWorld(alice, Nobody())

        address = f"/settings/connections/{world.connection.id}/disconnect/"

        assert world.client.get(address).status_code == 404
        assert world.client.post(address).status_code == 404
        with pytest.raises(connections.NotConnectedError):
            disconnect_account(world)
        assert world.live == {"calendar"}

    def test_is_disconnected_once(self, alice, google):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")
        world.disconnect()

        with pytest.raises(connections.NotConnectedError):
            disconnect_account(world)

        again = world.client.post(f"/settings/connections/{world.connection.id}/disconnect/")
        assert again.status_code == 404


class TestRemovalMessageTable:
    def test_has_a_truth_for_each_sentence(self):
        assert set(TRUE) == set(SENTENCES)

    def test_has_words_for_each_outcome_access_and_fate_of_tokens(self):
        assert set(ACCESS_OF_REVOCATION) == set(RevocationOutcome)
        assert set(ACCESS_MESSAGES) == set(AccessOutcome)
        assert set(TOKEN_MESSAGES) == set(TokenOutcome)

    def test_calls_products_as_the_offers_do(self, google, microsoft):
        names = {
            ("google", "mail"): "Google mail",
            ("google", "calendar"): "Google Calendar",
            ("google", "drive"): "Google Drive",
            ("microsoft", "mail"): "Microsoft mail",
            ("microsoft", "calendar"): "Microsoft Calendar",
        }

        assert {
            (one.provider, one.product): one.title
            for one in connectable_products.list_connectable_products()
        } == names
        assert {what: name_product(*what) for what in names} == names
        assert name_product("offline", "calendar") == "Antares calendars"

    def test_says_nothing_that_is_not_in_it(self):
        words = (*ACCESS_MESSAGES.values(), *TOKEN_MESSAGES.values())
        used = {claim for one in words for claim in (one.before, one.now) if claim}
        used |= {one.advice for one in ACCESS_MESSAGES.values() if one.advice}
        assert used <= set(SENTENCES)


@contextmanager
def keys_away():
    """Take the keys away, also from memory."""
    folder, away = settings.KEYRING.folder, settings.KEYRING.folder.with_name("away")
    folder.rename(away)
    data_keys.drop_cached_keys()
    try:
        yield
    finally:
        away.rename(folder)
        data_keys.drop_cached_keys()


def disconnect_account(world):
    return connections.disconnect_account(
        connection_id=world.connection.id,
        user_id=world.user.id,
        organisation_id=world.connection.organisation_id,
        at=timezone.now(),
    )


def outcome_of(job):
    job.refresh_from_db()
    return job.revocation


#: The words that state a fact, in each sentence of these.
WORDS = {
    "disconnect.access-kept": r"(\w+) (still) lists Antares, with (\w+) permissions that you",
    "disconnect.tokens-kept": r"Antares (\w+) the access tokens of this account for ([^.]+)\.",
    "removal.access-kept": r"(\w+) (still) lists Antares, with (\w+) permissions that you",
    "removal.tokens-kept": r"Antares (\w+) the access tokens of this account for ([^.]+)\.",
    "removal.product-kept": r"Still (connected): ([^.]+)\.",
    "removal.advice-kept": r"You can end this access at (\w+) at any time, which also (stops) "
    r"([^:]+):",
    "receipt.access-needed": r"Antares (\w+) its access to the account at (\w+), because its (\w+)"
    r" (?:was|were) still connected: you can end it at (\S+)\.",
    "disconnect.access-ends": r"Antares (\w+) (\w+) to end its access to this account\.",
    "disconnect.tokens-destroyed": r"Antares (\w+) the access tokens of (\w+) connection\.",
    "removal.access-confirmed": r"(\w+) (\w+) that Antares (no longer has) access\.",
    "removal.tokens-destroyed": r"Antares (\w+ed) the (\w+) tokens\.",
    "receipt.access-ended": r"(\w+) (\w+) that Antares (no longer has) access to the account:"
    r" there is (\w+) for you to end\.",
    "home.removed": r"The content becomes (unreadable at once) and is then (removed)\. You get a"
    r" (signed) receipt that (anyone) can check\.",
    "receipt.calendars-stay": r"Your (\w+) at the (\w+), with the (\w+) that you saved with"
    r" (\w+)\.",
}


def read_words(world, product, **texts):
    """Return what page, mail and receipt say in each of these sentences that they have."""
    document = world.read_receipt(product)["remains"]["at_the_provider"]
    texts["receipt"] = " ".join([*world.list_receipt_sentences(product).values(), document])
    said = {
        claim: {found.groups() for found in re.finditer(words, texts[claim.split(".")[0]])}
        for claim, words in WORDS.items()
    }
    return {claim: found for claim, found in said.items() if found}


def bring_news(world):
    """Have each product at the provider change, and workers bring it in."""
    sandbox, email = world.account.sandbox, world.account.email
    sandbox.deliver(email, subject="News")
    at = {"dateTime": (timezone.now() + timedelta(hours=3)).isoformat(), "timeZone": "UTC"}
    sandbox.put_event(email, summary="News", start=at, end=at)
    removal_world.bring_in(world.connection)


def count_rows():
    return {"mail": Message.objects.count(), "calendar": Event.objects.count()}


def save_event(world):
    """Save an event as the owner does, with Antares."""
    calendar = Calendar.objects.get(integration=world.integrations["calendar"])
    hours = [(timezone.now() + timedelta(hours=one)).isoformat() for one in (5, 6)]
    when = {"object": "timespan", "start": hours[0], "end": hours[1]}
    body = {"calendar_id": str(calendar.id), "title": "Saved", "when": when}
    assert create_event(world.client, body).status_code == 201


class TestWords:
    """Sentences name what rows and provider have: who, how much, and for which product."""

    @pytest.mark.claim("disconnect.access-kept", "disconnect.tokens-kept")
    @pytest.mark.claim("removal.access-kept", "removal.tokens-kept", "removal.product-kept")
    @pytest.mark.claim("removal.advice-kept", "receipt.access-needed")
    @pytest.mark.parametrize(("product", "other"), [("mail", "calendar"), ("calendar", "mail")])
    def test_name_what_is_kept(self, alice, google, mailoutbox, product, other):
        world = connected(alice, RemovalAtGoogle(google), "mail", "calendar")
        before, _ = world.read_before(product)
        (job,) = world.disconnect(product)
        world.finish(job)
        page = world.read_page(job)[0] + removal_world.lines_of(mailoutbox[-1].body)
        said = read_words(world, product, disconnect=before, removal=page, home="")

        # The other test has what it says.
        assert ("receipt.calendars-stay" in said) is (product == "calendar")
        said.pop("receipt.calendars-stay", None)
        name = {"mail": "Google mail", "calendar": "Google Calendar"}[other]
        noun = {"mail": "mail", "calendar": "calendars"}[other]
        # With the kept tokens, news come in: of the other product alone.
        assert world.live == {other}
        bring_news(world)
        rows = count_rows()
        assert rows == {product: 0, other: 3}
        listed = world.account.list_scopes()
        permissions = ("Google", "still", "all" if listed >= world.given > set() else "some")
        # The person ends the access where the sentence says, and the other product stops.
        google.revoke_grant(world.account.email)
        with pytest.raises(NotClaimable):
            bring_news(world)
        assert count_rows() == rows
        assert world.now.status == ConnectionStatus.REAUTH_REQUIRED
        assert said == {
            "disconnect.access-kept": {permissions},
            "disconnect.tokens-kept": {("keeps", name)},
            "removal.access-kept": {permissions},
            "removal.tokens-kept": {("keeps", name)},
            "removal.product-kept": {("connected", name)},
            "removal.advice-kept": {("Google", "stops", name)},
            "receipt.access-needed": {
                ("kept", "Google", noun, *PROVIDERS["google"].revocation_pages)
            },
        }

    @pytest.mark.claim("disconnect.access-ends", "disconnect.tokens-destroyed")
    @pytest.mark.claim("removal.access-confirmed", "removal.tokens-destroyed")
    @pytest.mark.claim("receipt.access-ended", "receipt.calendars-stay", "home.removed")
    def test_name_what_has_ended_and_what_stays(self, alice, google, mailoutbox):
        world = connected(alice, RemovalAtGoogle(google), "calendar")
        save_event(world)
        assert google.grants(world.account.email)
        before, _ = world.read_before("calendar")
        (job,) = world.disconnect("calendar")
        assert (world.has_keys("calendar"), world.has_rows("calendar")) == (False, True)
        world.finish(job)
        assert not world.has_rows("calendar")
        page = world.read_page(job)[0] + removal_world.lines_of(mailoutbox[-1].body)
        home = reading.text(Client().get(reverse("home")).text)
        said = read_words(world, "calendar", disconnect=before, removal=page, home=home)

        # Anyone: without an account.
        assert world.has_receipt("calendar")
        assert "could not be verified" not in world.read_public_page("calendar")
        assert world.account.list_answers() == [200]
        assert google.grants(world.account.email) == []
        assert not world.has_tokens
        events = google.calendar(world.account.email)["events"]
        assert sorted(event["summary"] for event in events) == ["Event 1", "Event 2", "Saved"]
        assert said == {
            "disconnect.access-ends": {("asks", "Google")},
            "disconnect.tokens-destroyed": {("destroys", "this")},
            "removal.access-confirmed": {("Google", "confirmed", "no longer has")},
            "removal.tokens-destroyed": {("destroyed", "access")},
            "receipt.access-ended": {("Google", "confirmed", "no longer has", "nothing")},
            "home.removed": {("unreadable at once", "removed", "signed", "anyone")},
            "receipt.calendars-stay": {("calendars", "provider", "events", "Antares")},
        }
