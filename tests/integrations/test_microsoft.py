"""Microsoft 365 from the button to the receipt, through the sandbox."""

from __future__ import annotations

import io
import json
import re
import zipfile
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations import connections, purge
from integrations.grants import access_tokens
from integrations.mail import mailbox_export
from integrations.models import (
    AttemptOutcome,
    Calendar,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    Message,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
    StatusReason,
    SyncWork,
    Thread,
)
from integrations.operations.sync_products import PRODUCTS
from integrations.providers import errors
from integrations.sandbox.microsoft.accounts import make_tid
from integrations.sync import sync_engine
from limited_use.models import Receipt
from tests.factories import actor_for, as_agreed
from tests.integrations import google as googles
from tests.integrations.microsoft import ALICE_BOX, MicrosoftConnectBrowser, microsoft
from tests.walls import acting_as
from tests.worlds.microsoft import ACCEPT, CANCEL, MAIL

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db

# Of the sandbox: the tenant of Alice's account.
OWN_TENANT = make_tid(ALICE_BOX.partition("@")[2])
ASKED = {
    "openid", "profile", "email", "offline_access", "Mail.Read", "MailboxSettings.Read",
}  # fmt: skip


@pytest.fixture
def alices(microsoft, alice):
    return MicrosoftConnectBrowser(alice, microsoft)


@pytest.fixture
def connected(alices):
    assert alices.connect().outcome == AttemptOutcome.CONNECTED
    return Connection.objects.get()


def sync_everything() -> None:
    """Run every piece of work that there is, as a worker would, to its end."""
    for work_id in SyncWork.objects.values_list("id", flat=True):
        again = True
        while again:
            SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
            with acting_as(ProcessClass.SYNC):
                again = sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())


def token_requests(microsoft) -> list[str]:
    return [one["body"] for one in microsoft.sandbox.requests("/common/oauth2/v2.0/token")]


class TestConnecting:
    @pytest.mark.scenario("A10")
    @pytest.mark.invariant(11)
    @pytest.mark.clause("SCOPE-MIN")
    def test_asks_for_what_the_inbox_needs_and_no_more(self, alices):
        query = googles.query_of(alices.begin()["Location"])

        assert set(query["scope"].split()) == ASKED
        assert (query["response_mode"], query["code_challenge_method"]) == ("query", "S256")
        assert "nonce" in query

    @pytest.mark.clause("AN-1")
    def test_keeps_grant_and_due_work(self, alices):
        attempt = alices.connect()

        assert attempt.outcome == AttemptOutcome.CONNECTED
        connection = Connection.objects.get()
        assert (connection.provider, connection.status) == ("microsoft", ConnectionStatus.ACTIVE)
        assert set(connection.granted_scopes) >= {"Mail.Read", "MailboxSettings.Read"}
        assert set(connection.granted_scopes) <= ASKED
        assert Integration.objects.get().status == IntegrationStatus.SYNCING

    @pytest.mark.scenario("A5")
    @pytest.mark.parametrize("withheld", ["Mail.Read", "MailboxSettings.Read"])
    def test_switches_nothing_on_that_was_not_granted(self, alices, microsoft, withheld):
        microsoft.sandbox.dial(graph_withheld_scopes=withheld)

        attempt = alices.connect()

        assert attempt.outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        assert not Integration.objects.exists()
        page = alices.client.get("/settings/integrations/").content.decode()
        assert "Microsoft" in page

    @pytest.mark.scenario("A4")
    def test_says_so_where_they_declined(self, alices):
        assert alices.connect(press=CANCEL).outcome == AttemptOutcome.DENIED
        assert not Connection.objects.exists()

    def test_takes_no_answer_that_names_another_issuer(self, alices, microsoft):
        said = microsoft.visit(alices.begin()["Location"], "accept", account=ALICE_BOX)

        attempt = alices.arrive(**said, iss="https://accounts.google.com")

        assert attempt.outcome == AttemptOutcome.WRONG_ISSUER

    @pytest.mark.parametrize(
        ("tenant", "outcome"),
        [
            (OWN_TENANT, AttemptOutcome.CONNECTED),
            ("9188040d-6c67-4c5b-b112-36a304b66dad", AttemptOutcome.WRONG_ISSUER),
            ("{tenantid}", AttemptOutcome.WRONG_ISSUER),
            ("common", AttemptOutcome.WRONG_ISSUER),
            (f"{OWN_TENANT}/x", AttemptOutcome.WRONG_ISSUER),
            (OWN_TENANT.upper(), AttemptOutcome.WRONG_ISSUER),
        ],
    )
    def test_compares_the_issuer_of_the_answer_with_the_tenant_of_the_id_token(
        self, alices, microsoft, settings, tenant, outcome
    ):
        said = microsoft.visit(alices.begin()["Location"], "accept", account=ALICE_BOX)
        issuer = settings.MICROSOFT.issuer.replace("{tenantid}", tenant)

        attempt = alices.arrive(**said, iss=issuer)

        assert attempt.outcome == outcome
        assert Connection.objects.exists() == (outcome == AttemptOutcome.CONNECTED)

    def test_may_be_required_to_name_an_issuer(self, alices, microsoft, settings):
        settings.MICROSOFT = replace(settings.MICROSOFT, issuer_required=True)

        assert alices.connect().outcome == AttemptOutcome.WRONG_ISSUER
        alarm = Alarm.objects.get(kind="provider.issuer_missing")
        assert alarm.body == {"provider": "microsoft"}

    @pytest.mark.scenario("A8")
    def test_takes_nobody_whose_id_token_is_forged(self, alices, microsoft):
        microsoft.sandbox.dial(id_token_flaw="nonce")

        assert alices.connect().outcome == AttemptOutcome.IDENTITY_UNPROVEN
        assert not Connection.objects.exists()

    @pytest.mark.scenario("A6")
    def test_knows_the_account_again_by_tenant_and_object(self, alices, microsoft, connected):
        microsoft.seed("bob@contoso.example", size=0)

        same = alices.connect(connection=connected)
        other = alices.connect("bob@contoso.example", connection=connected)

        assert same.outcome == AttemptOutcome.CONNECTED
        assert other.outcome == AttemptOutcome.WRONG_ACCOUNT
        assert Connection.objects.count() == 1

    def test_is_offered_to_nobody_without_a_registration(self, alices, settings):
        settings.MICROSOFT = replace(settings.MICROSOFT, client_id="")

        assert "Microsoft mail" not in alices.client.get("/settings/integrations/").content.decode()
        assert alices.client.get("/settings/connect/microsoft/").status_code == 404
        assert alices.begin().status_code == 404

    def test_does_not_promise_what_the_consent_page_has_not(self, alices):
        page = alices.client.get("/settings/connect/microsoft/").content.decode()

        assert "you allow all permissions or none" in page
        assert "untick" not in page


class TestOneInbox:
    def test_has_the_mail_of_both_providers_in_one_order(
        self,
        alices,
        microsoft,
        alice,
        connected,
        settings,
    ):
        now = timezone.now()
        for hours in (1, 3, 5):
            self.deliver(microsoft.deliver, hours, now)
        sandbox = microsoft.sandbox
        sandbox.seed("alice.box@example.com", size=0)
        self.connect_google(alice, microsoft, settings)
        for hours in (2, 4, 6):
            self.deliver(sandbox.deliver, hours, now, to="alice.box@example.com")
        sync_everything()

        page = alices.client.get("/inbox/").content.decode()

        shown = list(dict.fromkeys(re.findall(r"letter \d", page)))
        assert shown == [f"letter {hours}" for hours in range(1, 7)]

    @staticmethod
    def deliver(deliver, hours, now, to=ALICE_BOX):
        at = int((now - timedelta(hours=hours)).timestamp() * 1000)
        deliver(to, subject=f"letter {hours}", date=at)

    @staticmethod
    def connect_google(alice, microsoft, settings):
        googles.point_at(settings, microsoft.sandbox)
        browser = googles.GoogleConnectBrowser(alice, microsoft.sandbox)
        assert browser.connect().outcome == AttemptOutcome.CONNECTED

    def test_makes_threads_of_conversations(self, microsoft, connected):
        first = microsoft.deliver(
            ALICE_BOX, subject="Lunch", headers={"Message-ID": "<a@x.example>"}
        )
        microsoft.deliver(
            ALICE_BOX,
            subject="Re: Lunch",
            headers={"References": "<a@x.example>", "Message-ID": "<b@x.example>"},
            thread_id=first["threadId"],
        )

        sync_everything()

        ours = Thread.objects.get(message_count=2)
        assert Message.objects.filter(thread=ours).count() == 2
        assert Integration.objects.get().status == IntegrationStatus.ACTIVE

    def test_shows_flag_importance_and_category(self, alices, microsoft):
        microsoft.seed(ALICE_BOX, size=0, labels=["Customers"])
        assert alices.connect().outcome == AttemptOutcome.CONNECTED
        microsoft.deliver(ALICE_BOX, labels=["INBOX", "STARRED", "IMPORTANT", "Label_1"])
        sync_everything()
        thread = Message.objects.get(is_starred=True).thread_id

        listed = alices.client.get("/inbox/?folder=important").content.decode()
        page = alices.client.get(f"/inbox/threads/{thread}/").content.decode()

        assert "starred, " in listed
        badges = re.findall(r'class="badge[^>]*>([^<]+)<', page)
        assert badges == ["Starred", "Important", "Customers"]

    @pytest.mark.scenario("D3")
    def test_follows_what_happens_there(self, microsoft, connected):
        kept = microsoft.deliver(ALICE_BOX, subject="kept")
        gone = microsoft.deliver(ALICE_BOX, subject="gone")
        sync_everything()
        before = Message.objects.count()
        microsoft.mail("delete", ALICE_BOX, id=gone["id"])
        microsoft.mail("labels", ALICE_BOX, id=kept["id"], add=["STARRED"], remove=["INBOX"])
        microsoft.deliver(ALICE_BOX, subject="new")

        sync_everything()

        assert Message.objects.count() == before
        starred = Message.objects.get(is_starred=True)
        assert starred.folders == ["archive"]


class TestWhatChangesWithoutItsContent:
    """Flags, categories, importance and folder of a message that is here."""

    @pytest.fixture
    def message(self, alices, microsoft):
        microsoft.seed(ALICE_BOX, size=0, labels=["Customers", "Harbour"])
        assert alices.connect().outcome == AttemptOutcome.CONNECTED
        delivered = microsoft.deliver(ALICE_BOX, labels=["INBOX", "UNREAD"])
        sync_everything()
        microsoft.sandbox.clear_journal()
        return delivered["id"]

    @pytest.mark.parametrize(
        ("change", "badges"),
        [
            ({"add": ["STARRED"], "remove": ["UNREAD"]}, ["Starred"]),
            ({"add": ["Label_2"]}, ["Harbour"]),
            ({"add": ["IMPORTANT"]}, ["Important"]),
            ({"add": ["ARCHIVE"], "remove": ["INBOX"]}, []),
        ],
        ids=["flag", "category", "importance", "folder"],
    )
    def test_is_shown_and_costs_no_fetch(self, alices, microsoft, message, change, badges):
        microsoft.mail("labels", ALICE_BOX, id=message, **change)

        sync_everything()

        row = Message.objects.latest("received_at")
        page = alices.client.get(f"/inbox/threads/{row.thread_id}/").content.decode()
        shown = re.findall(r'class="badge[^>]*>([^<]+)<', page)
        assert [one for one in shown if one not in {"Archived", "Unread"}] == badges
        assert row.folders[0] == ("archive" if "ARCHIVE" in change["add"] else row.folders[0])
        assert not [one for one in microsoft.sandbox.requests("/v1.0") if "body," in one["query"]]

    def test_does_not_hold_for_a_draft(self, alices, microsoft, message):
        token = microsoft.authorize(ALICE_BOX, MAIL)["access_token"]
        with microsoft.graph(token) as graph:
            draft = graph.post("/me/messages", json=make_draft("First words")).json()["id"]
            sync_everything()
            graph.patch(f"/me/messages/{draft}", json=make_draft("Other words"))
            sync_everything()
            assert "Other words" in self.shown_in(alices, "drafts")
            graph.patch(f"/me/messages/{draft}", json=make_draft("Last words"))
            graph.post(f"/me/messages/{draft}/send")
        sync_everything()

        assert "Last words" in self.shown_in(alices, "sent")

    def shown_in(self, alices, folder: str) -> str:
        thread = Message.objects.get(folders__contains=[folder]).thread_id
        return alices.client.get(f"/inbox/threads/{thread}/").content.decode()


def make_draft(text: str) -> dict:
    """Return a draft as Graph takes it."""
    return {
        "subject": text,
        "body": {"contentType": "text", "content": text},
        "toRecipients": [{"emailAddress": {"address": "bob@example.com"}}],
    }


class TestHowMessagesCame:
    def test_is_counted_in_the_details_where_it_was_the_original(self, alices, microsoft):
        raw = b"Subject: Failed\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b--"
        assert alices.connect().outcome == AttemptOutcome.CONNECTED
        before = self.details(alices)
        microsoft.deliver(ALICE_BOX, raw=raw)

        sync_everything()

        assert "Read from the original" not in before
        assert re.search(
            r"Read from the original</dt><dd>1: messages that the lists", self.details(alices)
        )

    @pytest.mark.claim("export.about", "export.reconstructed")
    def test_is_said_in_a_copy(self, alices, alice, acme, microsoft):
        raw = b"Subject: Failed\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b--"
        assert alices.connect().outcome == AttemptOutcome.CONNECTED
        microsoft.deliver(ALICE_BOX, raw=raw)
        sync_everything()

        actor = actor_for(alice, acme)
        export_id = mailbox_export.request_export(
            actor=actor, integration_id=Integration.objects.get().id, at=timezone.now()
        )
        parts = mailbox_export.stream_export(export_id=export_id, actor=actor, now=timezone.now)
        with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
            copy = archive.read("mail.mbox").decode()

        assert copy.count("\nX-Antares-Reconstructed: from the properties") == 3
        assert "Number of messages: 4.\nNumber of these that were read from" in copy
        assert "(X-Antares-Reconstructed): 3." in copy

    def details(self, alices) -> str:
        address = reverse("settings-details", args=[Integration.objects.get().id])
        return alices.client.get(address).content.decode()


class TestTheGrant:
    @pytest.mark.scenario("R2")
    def test_is_renewed_and_the_newest_token_kept(self, microsoft, connected):
        before = connected.refresh_token.ciphertext

        access_tokens.refresh_grant(connection_id=connected.id)

        connected.refresh_from_db()
        assert connected.refresh_token.ciphertext != before
        assert connected.grant_generation == 2
        access_tokens.refresh_grant(connection_id=connected.id)
        sync_everything()
        assert Message.objects.count() == 3

    def test_is_renewed_with_the_claims_that_were_wanted(self, microsoft, connected):
        wanted = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
        asked = (
            f'Bearer error="insufficient_claims", claims="{b64encode(wanted.encode()).decode()}"'
        )
        microsoft.sandbox.fail_next(
            path_prefix="/v1.0",
            status=401,
            body={"error": {"code": "InvalidAuthenticationToken"}},
            headers={"WWW-Authenticate": asked},
        )

        sync_everything()

        assert Message.objects.count() == 3
        # Once, and not again: what was wanted was given.
        said = [parse_qs(one).get("claims") for one in token_requests(microsoft)]
        assert said == [None, [wanted]]

    @pytest.mark.invariant(10)
    @pytest.mark.scenario("A2")
    def test_that_ended_there_asks_to_reconnect_and_loses_nothing(
        self,
        alices,
        microsoft,
        connected,
    ):
        sync_everything()
        microsoft.control("microsoft/tokens/kill", email=ALICE_BOX, code=50173)
        microsoft.control("microsoft/tokens/expire", email=ALICE_BOX)
        sync_everything()
        integration = Integration.objects.get()
        assert (integration.status, integration.status_reason) == (
            IntegrationStatus.REAUTH_REQUIRED,
            StatusReason.GRANT_REVOKED,
        )

        attempt = alices.connect(connection=connected)

        assert attempt.outcome == AttemptOutcome.CONNECTED
        sync_everything()
        assert Integration.objects.get().status == IntegrationStatus.ACTIVE
        assert Message.objects.count() == 3

    @pytest.mark.invariant(10)
    def test_that_waits_for_a_second_factor_leads_to_a_page_that_asks_for_it(
        self, alices, microsoft, connected
    ):
        wanted = '{"access_token":{"capolids":{"essential":true,"values":["second-factor"]}}}'
        microsoft.control("microsoft/tokens/challenge", email=ALICE_BOX, claims=wanted)
        microsoft.control("microsoft/tokens/expire", email=ALICE_BOX)
        sync_everything()
        standing = Integration.objects.get()
        assert standing.status == IntegrationStatus.REAUTH_REQUIRED
        assert standing.status_reason == StatusReason.CONFIRMATION_NEEDED
        assert (
            "confirm that it is you"
            in alices.client.get("/settings/integrations/").content.decode()
        )
        connected.refresh_from_db()
        assert connected.wanted_claims.ciphertext

        begun = alices.begin(connected)["Location"]
        # They went away, and come back later: it is still wanted, and a new journey has it too.
        attempt = alices.connect(connection=connected)

        assert googles.query_of(begun)["claims"] == wanted
        assert attempt.outcome == AttemptOutcome.CONNECTED
        connected.refresh_from_db()
        assert connected.wanted_claims is None
        assert "claims" not in googles.query_of(alices.begin(connected)["Location"])
        microsoft.control("microsoft/tokens/expire", email=ALICE_BOX)
        sync_everything()
        assert Integration.objects.get().status == IntegrationStatus.ACTIVE

    @pytest.mark.invariant(10)
    @pytest.mark.scenario("A7")
    def test_outlives_a_secret_of_ours_that_is_over(self, microsoft, connected):
        microsoft.sandbox.dial(graph_token_code=7000222)

        with pytest.raises(errors.InvalidClient):
            access_tokens.refresh_grant(connection_id=connected.id)

        connected.refresh_from_db()
        assert connected.status == ConnectionStatus.ACTIVE
        assert Alarm.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestDisconnectOfMicrosoft:
    @pytest.fixture
    def job(self, alices, connected, alice, acme):
        sync_everything()
        return connections.disconnect_integration(
            integration_id=Integration.objects.get().id,
            user_id=alice.id,
            organisation_id=acme.id,
            at=timezone.now(),
        )

    def finished(self, job) -> PurgeJob:
        for _ in range(50):
            at = PurgeJob.objects.get(id=job.id).next_try_at
            step = purge.run_purge(job_id=job.id, now=lambda at=at: max(at, timezone.now()))
            if step is PurgeStep.DONE:
                break
        return PurgeJob.objects.get(id=job.id)

    @pytest.mark.claim("receipt.not-offered")
    @pytest.mark.scenario("X7")
    @pytest.mark.invariant(6)
    def test_says_that_only_the_person_can_end_the_consent(self, job, alices, microsoft):
        microsoft.sandbox.clear_journal()

        done = self.finished(job)

        assert done.revocation == RevocationOutcome.NOT_OFFERED
        assert not Message.objects.exists()
        assert microsoft.sandbox.requests() == []
        body = json.loads(bytes(Receipt.objects.get().document))["body"]
        said = body["provider_revocation"]
        assert said["pages"] == [
            "https://myapps.microsoft.com",
            "https://account.live.com/consent/Manage",
        ]
        assert "TOK-REVOKE" not in body["clauses"]
        assert said["says"].startswith("Not revoked: this provider does not end access")
        page = alices.client.get(f"/settings/removals/{job.id}/").content.decode()
        assert "https://myapps.microsoft.com" in page
        assert "confirmed that Antares no longer has access" not in page

    @pytest.mark.scenario("A9")
    def test_leaves_the_way_open_to_connect_again(self, job, alices):
        self.finished(job)

        assert alices.connect().outcome == AttemptOutcome.CONNECTED


class TestMicrosoftCalendars:
    def test_are_added_to_the_account_that_has_mail(self, alices, microsoft, connected):
        begun = alices.begin(
            connected, product="calendar", version=as_agreed("calendar", "calendar-editing")
        )
        asked = set(googles.query_of(begun["Location"])["scope"].split())

        attempt = alices.arrive(**microsoft.visit(begun["Location"], ACCEPT, account=ALICE_BOX))

        assert attempt.outcome == AttemptOutcome.CONNECTED
        assert asked == ASKED | {"Calendars.Read", "Calendars.ReadWrite"}
        # The first lists them, which makes work of each.
        sync_everything()
        sync_everything()
        assert Calendar.objects.filter(integration__product="calendar").exists()
        assert {one.status for one in Integration.objects.all()} == {IntegrationStatus.ACTIVE}
