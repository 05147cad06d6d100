"""From the button to the settings page, through the sandbox, with each thing that can go wrong."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import memberships, user_provisioning
from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations import connections, providers, purge
from integrations.access import account_address
from integrations.access.request_context import InvalidChoice
from integrations.connections import (
    automatic_disconnect,
    connect_outcomes,
    connection_removal,
    oauth_state,
    save_grant,
)
from integrations.grants import provider_alerts, provider_credentials, unsaved_grants
from integrations.mail import sync_controls
from integrations.models import (
    AttemptOutcome,
    ConnectAttempt,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeTrigger,
    StatusChange,
    StatusReason,
    SyncStage,
    SyncWork,
)
from integrations.providers import oauth_client
from integrations.settings import connect_results
from integrations.settings.messages.administrator import ADMIN_CONSENT_OUTCOMES
from integrations.settings.messages.connect import OUTCOMES
from integrations.sync import work_leases
from integrations.tasks import grants
from limited_use.models import Consent, DataKey, KeyEpoch, Leaf
from limited_use.policy.policy_evaluation import TABLE
from limited_use.policy.policy_vocabulary import Purpose
from limited_use.vault import data_keys, envelope, ledger_key_wrap
from tests.broker import record_messages, sync_message
from tests.factories import (
    as_agreed,
    make_connection,
    make_integration,
    make_membership,
    make_message,
    make_organisation,
    make_user,
)
from tests.fakes.mail import KilledDuringFetch
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser, query_of
from tests.integrations.pages import reading
from tests.walls import acting_as
from tests.worlds.sandbox import GMAIL_READONLY

pytestmark = pytest.mark.django_db

# Both go with the test's transaction.
_REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.id::text = TG_ARGV[0] THEN RAISE EXCEPTION 'refused by the test'; END IF;
    RETURN NEW;
END $$
"""
_REFUSE_ONE = """
CREATE TRIGGER refuse BEFORE UPDATE ON integrations_integration
    FOR EACH ROW EXECUTE FUNCTION refuse('{}')
"""
# Every claim of an id_token that a forger might change, by the sandbox's name for it.
FORGED = (
    "iss", "aud", "azp", "nonce", "missing_nonce", "alg_none", "alg_hs256", "kid", "signature",
    "missing_sub", "expired", "future_iat", "at_hash",
)  # fmt: skip


def list_ledger_events():
    return [json.loads(bytes(leaf.payload))["event"] for leaf in Leaf.objects.order_by("id")]


class TestConnecting:
    @pytest.mark.clause("AN-1", "AN-3", "TOK-SEC")
    def test_keeps_grant_consent_and_due_work_in_one_go(self, browser_of, alice):
        attempt = browser_of(alice).connect()

        assert attempt.outcome == AttemptOutcome.CONNECTED
        connection = Connection.objects.get()
        integration = Integration.objects.get()
        assert connection.status == ConnectionStatus.ACTIVE
        assert connection.granted_scopes == sorted(["email", "openid", GMAIL_READONLY])
        assert integration.status == IntegrationStatus.SYNCING
        assert SyncWork.objects.get().integration_id == integration.id
        assert Consent.objects.get().feature == "inbox"
        assert attempt.connection_id == connection.id
        assert DataKey.objects.filter(holder__in=[connection.id, integration.id]).count() == 2
        assert {"connection.connected", "integration.connected", "consent.given"} <= set(
            list_ledger_events()
        )

    def test_asks_a_worker_to_begin_at_once(
        self, browser_of, alice, monkeypatch, django_capture_on_commit_callbacks
    ):
        queued = record_messages(monkeypatch)

        with django_capture_on_commit_callbacks(execute=True):
            browser_of(alice).connect()

        assert queued == [sync_message(SyncWork.objects.get())]

    @pytest.mark.claim("data-use.encrypted")
    def test_gives_each_connection_keys_of_its_own(self, browser_of, alice, google):
        google.seed("second.box@example.com", size=0)
        browser = browser_of(alice)

        browser.connect()
        browser.connect("second.box@example.com")

        used = {
            one.id: {one.id, one.grant_id, one.integrations.get().id}
            for one in Connection.objects.all()
        }
        assert len(used) == 2
        assert len(set.union(*used.values())) == 6
        rows = DataKey.objects.filter(holder__in=set.union(*used.values()))
        assert len({bytes(row.key_id) for row in rows}) == 6
        # Each sealed column opens with the key of its own connection, and with no other.
        for mine in Connection.objects.all():
            for holder in set.union(*used.values()):
                sealed, key = mine.email, data_keys.unwrap(data_keys.read_row(holder))
                if holder == mine.id:
                    assert envelope.open_record(sealed.ciphertext, sealed.binding, key)
                    continue
                with pytest.raises(envelope.Unopenable):
                    envelope.open_record(sealed.ciphertext, sealed.binding, key)

    @pytest.mark.claim("connect.nothing-else")
    def test_names_only_purposes_that_no_rule_allows(self, browser_of, alice):
        purposes = {
            "marketing": Purpose.MARKETING,
            "advertising": Purpose.ADVERTISING,
            "sold": Purpose.DATA_SALE,
            "to train models": Purpose.MODEL_TRAINING,
        }

        page = reading.text(browser_of(alice).client.get("/settings/connect/google/").text)

        words = r"The data is not used for (\w+) or (\w+), not (\w+), and not used ([^.]+)\."
        assert re.search(words, page).groups() == tuple(purposes)
        refused = set(purposes.values())
        assert {use.purpose for use, cell in TABLE.items() if cell.options}.isdisjoint(refused)

    @pytest.mark.claim(
        "home.no-password", "notice.no-password", "connect.no-password", "receipt.mail-stays"
    )
    @pytest.mark.claim("feature.inbox")
    @pytest.mark.control("3.2.1")
    @pytest.mark.clause("SCOPE-MIN")
    @pytest.mark.scenario("A10")
    @pytest.mark.invariant(11)
    def test_asks_for_a_code_with_pkce_and_for_no_scope_that_nothing_needs(
        self, browser_of, alice, settings
    ):
        browser = browser_of(alice)
        page = browser.client.get("/settings/connect/google/").text
        assert "Antares never sees your password." in page
        assert 'type="password"' not in page

        address = browser.begin()

        # The password is asked for there.
        query = query_of(address)
        assert address.partition("?")[0] == settings.GOOGLE.authorize_url
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == 43
        assert len(query["state"]) == 43
        assert set(query["scope"].split()) == {"openid", "email", GMAIL_READONLY}
        assert (query["access_type"], query["prompt"]) == ("offline", "consent")
        assert query["redirect_uri"] == f"{settings.PUBLIC_URL}/connect/google/callback"
        assert "include_granted_scopes" not in query
        assert "login_hint" not in query

    @pytest.mark.control("2.1.1")
    @pytest.mark.invariant(4)
    def test_stores_neither_state_nor_verifier_nor_nonce(self, browser_of, alice):
        query = query_of(browser_of(alice).begin())

        attempt = ConnectAttempt.objects.get()
        stored = " ".join(str(value) for value in vars(attempt).values())
        assert query["state"] not in stored
        assert query["nonce"] not in stored

    def test_begins_by_post_with_a_csrf_token_only(self, google, alice):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(alice)
        address = "/settings/integrations/connect/google/begin"

        assert strict.get(address).status_code == 405
        assert (
            strict.post(address, {"agree": "yes", "version": as_agreed("inbox")}).status_code == 403
        )
        assert not ConnectAttempt.objects.exists()

    @pytest.mark.claim("home.optional", "integrations.optional")
    @pytest.mark.clause("AN-1")
    @pytest.mark.parametrize(
        "said", [{}, {"agree": "no"}, {"agree": "yes"}, {"agree": "yes", "version": "inbox:99"}]
    )
    @pytest.mark.clause("GWDP-consent")
    def test_needs_an_affirmative_click_on_the_words_as_they_are(self, browser_of, alice, said):
        response = browser_of(alice).client.post(
            "/settings/integrations/connect/google/begin", said
        )

        assert response.status_code == 302
        assert not ConnectAttempt.objects.exists()

    def test_without_the_click_says_why_the_page_is_back(self, browser_of, alice):
        browser = browser_of(alice)
        browser.connect(ALICE_BOX)
        connection_id = str(Connection.objects.get().id)

        answer = browser.client.post(
            "/settings/integrations/connect/google/begin",
            {"connection": connection_id},
            follow=True,
        )

        assert "Nothing has changed yet. Read this page, then tick the box" in answer.text
        assert f'name="connection" value="{connection_id}"' in answer.text

    def test_offers_nothing_under_a_name_that_nobody_knows(self, browser_of, alice):
        client = browser_of(alice).client

        answers = [
            client.post(
                "/settings/integrations/connect/hotmail/begin",
                {"agree": "yes", "version": as_agreed("inbox")},
            ),
            client.post(
                "/settings/integrations/connect/google/begin",
                {"agree": "yes", "version": as_agreed("inbox"), "product": "fax"},
            ),
            client.get("/connect/hotmail/callback?state=x"),
        ]

        assert [answer.status_code for answer in answers] == [404, 404, 404]


class TestTheCallback:
    @pytest.mark.control("2.1.1", "5.1.2")
    def test_answers_with_a_redirect_to_an_address_without_parameters_and_nothing_else(
        self, browser_of, alice, google
    ):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)

        response = browser.arrive(back + "&next=https://evil.example/")

        assert response.status_code == 303
        assert response["Location"] == reverse("settings-integrations")
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"]
        assert response.content == b""

    @pytest.mark.scenario("A5")
    @pytest.mark.clause("SCOPE-GRANT")
    @pytest.mark.invariant(11)
    def test_connects_without_mail_where_mail_was_unticked_and_calls_nothing(
        self, browser_of, alice, google
    ):
        attempt = browser_of(alice).connect(untick=(GMAIL_READONLY,))

        assert attempt.outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT
        assert Connection.objects.get().granted_scopes == ["email", "openid"]
        assert not Integration.objects.exists()
        assert not Consent.objects.exists()
        assert not google.requests("/gmail")

    def test_says_no_when_the_person_says_no(self, browser_of, alice):
        assert browser_of(alice).connect(deny=True).outcome == AttemptOutcome.DENIED
        assert not Connection.objects.exists()

    @pytest.mark.control("3.2.2")
    @pytest.mark.scenario("A4")
    def test_takes_a_state_once(self, browser_of, alice, google):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        browser.arrive(back)

        browser.arrive(back)

        assert browser.attempt().outcome == AttemptOutcome.REPLAYED
        assert Connection.objects.count() == 1
        assert google.calls("/token") == 1

    @pytest.mark.control("3.2.2")
    @pytest.mark.scenario("A4")
    def test_takes_no_state_that_another_person_or_browser_began(
        self, browser_of, alice, bob, google
    ):
        back = google.consent(browser_of(alice).begin(), email=ALICE_BOX)
        other = browser_of(bob)
        second_browser = browser_of(alice)

        other.arrive(back)
        second_browser.arrive(back)

        assert other.attempt().outcome == AttemptOutcome.FOREIGN_STATE
        assert second_browser.attempt().outcome == AttemptOutcome.FOREIGN_STATE
        assert google.calls("/token") == 0

    @pytest.mark.control("3.2.2")
    def test_sends_a_stranger_on_without_touching_anything(self, browser_of, alice, google):
        back = google.consent(browser_of(alice).begin(), email=ALICE_BOX)

        response = GoogleConnectBrowser.arrive(type("", (), {"client": Client()})(), back)

        assert response.status_code == 303
        assert ConnectAttempt.objects.get().outcome == AttemptOutcome.PENDING

    @pytest.mark.scenario("A4")
    def test_takes_no_state_after_ten_minutes(self, browser_of, alice, google, time_machine):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        time_machine.move_to(timezone.now() + timedelta(minutes=10, seconds=1))

        browser.arrive(back)

        assert browser.attempt().outcome == AttemptOutcome.EXPIRED
        assert google.calls("/token") == 0

    @pytest.mark.control("3.2.2")
    @pytest.mark.parametrize("answer", ["error=access_denied", "code=4/abc", ""])
    def test_looks_at_the_state_before_code_or_error(self, browser_of, alice, google, answer):
        browser = browser_of(alice)
        browser.begin()

        browser.arrive(f"/connect/google/callback?state=guessed&{answer}")

        assert browser.attempt().outcome == AttemptOutcome.FOREIGN_STATE
        assert google.calls("/token") == 0

    @pytest.mark.control("5.1.1")
    @pytest.mark.parametrize("name", ["state", "code", "error", "iss", "scope"])
    def test_takes_no_parameter_twice(self, browser_of, alice, google, name):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        value = query_of(back).get(name, "x")

        browser.arrive(f"{back}&{name}={value}&{name}=other")

        assert browser.attempt().outcome == AttemptOutcome.MALFORMED
        assert google.calls("/token") == 0

    @pytest.mark.parametrize("issuer", ["", "&iss=https%3A%2F%2Fevil.example"])
    def test_takes_no_answer_that_does_not_name_the_issuer(self, browser_of, alice, google, issuer):
        # RFC 9207 §2.4: missing is refused like wrong.
        browser = browser_of(alice)
        query = query_of(google.consent(browser.begin(), email=ALICE_BOX))

        browser.arrive(
            f"/connect/google/callback?state={query['state']}&code={query['code']}{issuer}"
        )

        assert browser.attempt().outcome == AttemptOutcome.WRONG_ISSUER
        assert google.calls("/token") == 0
        # A missing name is for the operator: the provider or a proxy has changed.
        raised = [(one.kind, one.about, one.window, one.body) for one in Alarm.objects.all()]
        missing = [("provider.issuer_missing", alice.id, "google", {"provider": "google"})]
        assert raised == ([] if issuer else missing)

    def test_may_be_allowed_to_name_no_issuer(self, browser_of, alice, google, settings):
        settings.GOOGLE = replace(settings.GOOGLE, issuer_required=False)
        browser = browser_of(alice)
        query = query_of(google.consent(browser.begin(), email=ALICE_BOX))

        browser.arrive(f"/connect/google/callback?state={query['state']}&code={query['code']}")

        assert browser.attempt().outcome == AttemptOutcome.CONNECTED
        assert not Alarm.objects.exists()

    @pytest.mark.scenario("A3", "R5")
    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [
            ({"status": 503, "body": "<html>"}, AttemptOutcome.PROVIDER_UNAVAILABLE),
            ({"status": 429, "body": "{}"}, AttemptOutcome.PROVIDER_UNAVAILABLE),
            ({"drop": "before"}, AttemptOutcome.PROVIDER_UNAVAILABLE),
            (
                {"status": 400, "body": '{"error": "invalid_grant"}'},
                AttemptOutcome.CODE_REJECTED,
            ),
            ({"status": 400, "body": '{"error": "nonsense"}'}, AttemptOutcome.FAILED),
            (
                {"status": 401, "body": '{"error": "invalid_client"}'},
                AttemptOutcome.APP_MISCONFIGURED,
            ),
        ],
    )
    def test_says_what_went_wrong_at_the_token_endpoint(
        self, browser_of, alice, google, fault, outcome
    ):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        google.fail_next(path_prefix="/token", **fault)

        assert browser.arrive(back).status_code == 303

        assert browser.attempt().outcome == outcome
        assert not Connection.objects.exists()

    @pytest.mark.scenario("A7")
    def test_tells_the_operator_once_that_our_registration_is_refused(
        self, browser_of, alice, google
    ):
        for _ in range(3):
            browser = browser_of(alice)
            back = google.consent(browser.begin(), email=ALICE_BOX)
            google.fail_next(path_prefix="/token", status=401, body='{"error": "invalid_client"}')
            browser.arrive(back)

        assert Alarm.objects.get().kind == provider_alerts.INVALID_CLIENT

    @pytest.mark.scenario("A8")
    def test_takes_no_identity_that_is_not_proved(self, browser_of, alice, google):
        browser = browser_of(alice)
        # The nonce of another attempt: replayed into this one.
        first = browser.begin()
        second = browser.begin()
        forged = first.replace(
            f"nonce={query_of(first)['nonce']}", f"nonce={query_of(second)['nonce']}"
        )

        browser.arrive(google.consent(forged, email=ALICE_BOX))

        assert browser.attempt().outcome == AttemptOutcome.IDENTITY_UNPROVEN
        assert not Connection.objects.exists()

    @pytest.mark.scenario("A8")
    @pytest.mark.invariant(4)
    @pytest.mark.parametrize("flaw", FORGED)
    def test_keeps_nothing_of_an_identity_of_which_a_claim_was_forged(
        self, browser_of, alice, google, flaw
    ):
        google.dial(id_token_flaw=flaw)
        browser = browser_of(alice)

        browser.arrive(google.consent(browser.begin(), email=ALICE_BOX))
        page = browser.client.get("/settings/integrations/").content.decode()

        assert browser.attempt().outcome == AttemptOutcome.IDENTITY_UNPROVEN
        assert html.escape(OUTCOMES[AttemptOutcome.IDENTITY_UNPROVEN].title) in page
        assert not Connection.objects.exists()
        assert not Integration.objects.exists()
        assert not DataKey.objects.exists()
        assert not Consent.objects.exists()

    def test_says_each_outcome_in_words_of_its_own(self):
        over = set(AttemptOutcome.values) - {AttemptOutcome.PENDING}

        assert set(OUTCOMES) == over
        assert len({words.title for words in OUTCOMES.values()}) == len(over)


class TestTheSameAccountAgain:
    @pytest.mark.claim("mail.reconnect-or-removed", "mail.nothing-lost")
    @pytest.mark.scenario("A6")
    def test_renews_the_row_and_keeps_everything(self, browser_of, alice):
        browser = browser_of(alice)
        browser.connect()
        before = Connection.objects.get()
        integration = Integration.objects.get()
        message = make_message(integration)

        attempt = browser.connect()

        after = Connection.objects.get()
        assert attempt.outcome == AttemptOutcome.CONNECTED
        assert (after.id, after.epoch) == (before.id, before.epoch + 1)
        assert Integration.objects.get().id == integration.id
        assert type(message).objects.filter(id=message.id).exists()

    @pytest.mark.scenario("A6")
    def test_is_known_by_its_subject_and_not_by_its_address(self, browser_of, alice, google):
        browser = browser_of(alice)
        browser.connect()
        # Google gave the address to another account.
        google.seed("renamed@example.com", size=0)

        browser.connect("renamed@example.com")

        assert Connection.objects.count() == 2

    @pytest.mark.scenario("A6")
    def test_refuses_another_account_on_a_reconnect_and_throws_its_grant_away(
        self, browser_of, alice, google
    ):
        browser = browser_of(alice)
        browser.connect()
        connection = Connection.objects.get()
        google.seed("other@example.com", size=0)

        attempt = browser.connect("other@example.com", connection=connection)

        assert attempt.outcome == AttemptOutcome.WRONG_ACCOUNT
        assert Connection.objects.get().epoch == connection.epoch
        assert not google.grants("other@example.com")
        assert google.grants(ALICE_BOX)

    def test_tells_the_provider_which_account_is_meant(self, browser_of, alice):
        browser = browser_of(alice)
        browser.connect()

        query = query_of(browser.begin(Connection.objects.get()))

        assert query["login_hint"] == ALICE_BOX

    def test_reconnects_nothing_of_anybody_else(self, browser_of, alice, bob):
        browser_of(alice).connect()

        response = browser_of(bob).client.post(
            "/settings/integrations/connect/google/begin",
            {
                "agree": "yes",
                "version": as_agreed("inbox"),
                "connection": str(Connection.objects.get().id),
            },
        )

        assert response.status_code == 404

    @pytest.mark.scenario("X6")
    def test_refuses_a_colleagues_account_and_leaves_their_grant_alone(
        self, browser_of, alice, bob, google
    ):
        browser_of(alice).connect()

        attempt = browser_of(bob).connect()

        assert attempt.outcome == AttemptOutcome.CONNECTED_BY_OTHER
        assert Connection.objects.get().user_id == alice.id
        assert google.calls("/revoke") == 0

    def test_may_be_connected_in_two_organisations(self, browser_of, alice):
        browser = browser_of(alice)
        browser.connect()
        other = make_organisation("Other")
        make_membership(alice, other)
        session = browser.client.session
        session["organisation_id"] = str(other.id)
        session.save()

        browser.connect()

        assert Connection.objects.filter(user=alice).count() == 2

    @pytest.mark.claim("integrations.until", "mail.reconnect-or-removed")
    def test_goes_on_in_time_after_the_grant_ended(self, browser_of, alice):
        browser = browser_of(alice)
        browser.connect()
        connection = Connection.objects.get()
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=timezone.now()
        )

        browser.connect(connection=connection)

        connection.refresh_from_db()
        assert connection.status == ConnectionStatus.ACTIVE
        assert connection.reauth_since is None
        assert Integration.objects.get().status == IntegrationStatus.SYNCING

    @pytest.mark.clause("SCOPE-GRANT")
    def test_stops_calling_what_is_unticked_this_time(self, browser_of, alice):
        browser = browser_of(alice)
        browser.connect()

        browser.connect(untick=(GMAIL_READONLY,))

        integration = Integration.objects.get()
        assert integration.status == IntegrationStatus.REAUTH_REQUIRED
        assert integration.status_reason == StatusReason.SCOPE_MISSING
        assert SyncWork.objects.get().id not in work_leases.get_due_ids(
            at=timezone.now() + timedelta(days=1)
        )
        # Kept for its owner alone, and not without end: see TestAPermissionThatIsMissing.
        assert Consent.objects.get().withdrawn_at is None

    @pytest.mark.scenario("X5")
    def test_is_new_after_a_disconnect_and_inherits_nothing(self, browser_of, alice, acme):
        browser = browser_of(alice)
        browser.connect()
        old = Integration.objects.get()
        connections.disconnect_integration(
            integration_id=old.id, user_id=alice.id, organisation_id=acme.id, at=timezone.now()
        )

        browser.connect()

        assert Connection.objects.get().status == ConnectionStatus.ACTIVE
        assert Integration.objects.live().get().id != old.id

    @pytest.mark.scenario("X5")
    def test_can_be_disconnected_and_connected_twenty_times(self, browser_of, alice, acme):
        browser = browser_of(alice)
        for _ in range(20):
            assert browser.connect().outcome == AttemptOutcome.CONNECTED
            connections.disconnect_integration(
                integration_id=Integration.objects.live().get().id,
                user_id=alice.id,
                organisation_id=acme.id,
                at=timezone.now(),
            )

        assert Connection.objects.count() == 1
        assert Integration.objects.filter(status=IntegrationStatus.PURGING).count() == 20
        # Its own, and that of the last grant: the nineteen before are destroyed.
        numbers = KeyEpoch.objects.values_list("number", flat=True)
        theirs = DataKey.objects.exclude(
            holder__in=[ledger_key_wrap.get_naming_holder(one) for one in numbers]
        )
        assert set(theirs.values_list("holder", "line")) == {
            (Connection.objects.get().id, "account"),
            (Connection.objects.get().grant_id, "credential"),
        }

    def test_waits_while_a_revocation_is_on_its_way(self, browser_of, alice, acme, google):
        browser = browser_of(alice)
        browser.connect()
        connections.disconnect_integration(
            integration_id=Integration.objects.get().id,
            user_id=alice.id,
            organisation_id=acme.id,
            at=timezone.now(),
        )
        Connection.objects.update(revoking_until=timezone.now() + timedelta(seconds=15))

        attempt = browser.connect()

        assert attempt.outcome == AttemptOutcome.STILL_ENDING
        assert not Integration.objects.live().exists()


class TestTheHashOfTheAddress:
    """It finds the account for a support agent who types the address exactly."""

    def test_is_stored_by_a_connect_and_a_reconnect(self, browser_of, alice):
        browser = browser_of(alice)
        wanted = account_address.compute_address_blind(f" {ALICE_BOX.upper()}")
        browser.connect()
        first = bytes(Connection.objects.get().address_blind)
        Connection.objects.update(address_blind=None)

        browser.connect()

        assert (first, bytes(Connection.objects.get().address_blind)) == (wanted, wanted)

    def test_is_not_that_of_the_account(self, browser_of, alice):
        browser_of(alice).connect()

        connection = Connection.objects.get()
        assert bytes(connection.address_blind) != bytes(connection.account_blind)

    @pytest.mark.django_db(transaction=True)
    def test_is_emptied_by_the_purge(self, browser_of, alice, acme):
        browser_of(alice).connect()
        job = connections.disconnect_integration(
            integration_id=Integration.objects.get().id,
            user_id=alice.id,
            organisation_id=acme.id,
            at=timezone.now(),
        )

        purge.run_purge(job_id=job.id)

        connection = Connection.objects.get()
        assert connection.status == ConnectionStatus.ENDED
        assert connection.address_blind is None
        assert not StatusChange.objects.exists()


class TestWhatHappensMeanwhile:
    def test_keeps_nothing_for_a_person_who_left_while_they_were_away(
        self, browser_of, alice, acme, google
    ):
        browser_of(alice).begin()
        attempt = ConnectAttempt.objects.get()
        memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=timezone.now())

        with pytest.raises(connect_outcomes.AttemptObsolete):
            save_grant._lock_attempt(attempt.id)

    def test_says_so_where_the_connection_was_removed_and_the_attempt_with_it(
        self, browser_of, alice, google, monkeypatch
    ):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        exchange = oauth_client.exchange_code

        def exchange_meanwhile(*arguments, **named):
            ConnectAttempt.objects.all().delete()
            return exchange(*arguments, **named)

        monkeypatch.setattr(oauth_client, "exchange_code", exchange_meanwhile)

        browser.arrive(back)

        assert ConnectAttempt.objects.get().outcome == AttemptOutcome.OVERTAKEN
        assert not Connection.objects.exists()
        assert not google.grants(ALICE_BOX)

    def test_throws_the_grant_away_if_the_words_changed(self, browser_of, alice, google):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        ConnectAttempt.objects.update(feature_versions={"inbox": 0})

        browser.arrive(back)

        assert browser.attempt().outcome == AttemptOutcome.DISCLOSURE_OUTDATED
        assert not Connection.objects.exists()
        assert not google.grants(ALICE_BOX)
        assert "grant.discarded" in list_ledger_events()


class TestAKilledConnect:
    """The process dies between the provider's grant and our row of it."""

    @pytest.fixture
    def killed(self, browser_of, alice, google, monkeypatch):
        def kill(**_):
            raise KilledDuringFetch

        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        with monkeypatch.context() as patch:
            patch.setattr(save_grant, "store_grant", kill)
            with pytest.raises(KilledDuringFetch):
                browser.arrive(back)
        return ConnectAttempt.objects.get()

    def sweep(self, after):
        at = timezone.now() + after
        with acting_as(ProcessClass.PURGE):
            oauth_state.expire_attempts(at=at)
            unsaved_grants.revoke_left_grants(at=at)

    @pytest.mark.clause("TOK-SEC")
    def test_leaves_a_grant_that_the_sweep_revokes(self, killed, google):
        assert google.grants(ALICE_BOX)
        self.sweep(after=timedelta(minutes=1))
        assert google.grants(ALICE_BOX)

        self.sweep(after=timedelta(minutes=11))

        assert not google.grants(ALICE_BOX)
        killed.refresh_from_db()
        assert (killed.outcome, killed.unsaved_grant) == (AttemptOutcome.EXPIRED, "")
        assert list_ledger_events().count("grant.discarded") == 1

    def test_revokes_nothing_that_a_later_connect_stored(self, killed, browser_of, alice, google):
        browser_of(alice).connect()

        self.sweep(after=timedelta(minutes=11))

        assert google.grants(ALICE_BOX)
        assert Connection.objects.get().status == ConnectionStatus.ACTIVE

    def test_keeps_the_token_encrypted_and_only_until_it_is_stored(self, killed, browser_of, alice):
        assert killed.unsaved_grant.startswith("f1.")

        assert browser_of(alice).connect().unsaved_grant == ""

    def test_is_forgotten_where_no_secret_opens_it(self, killed, google, settings):
        settings.ROOT_SECRETS = ["another secret"]

        self.sweep(after=timedelta(minutes=11))

        assert not ConnectAttempt.objects.exclude(unsaved_grant="").exists()


class TestDisconnectOfConnection:
    @pytest.mark.invariant(5)
    @pytest.mark.clause("AN-2")
    def test_fences_and_withdraws_and_promises_in_one_commit(self, alice, acme):
        integration = make_integration(make_connection(alice, acme))

        job = connections.disconnect_integration(
            integration_id=integration.id,
            user_id=alice.id,
            organisation_id=acme.id,
            at=timezone.now(),
        )

        integration.refresh_from_db()
        assert (integration.status, integration.epoch) == (IntegrationStatus.PURGING, 2)
        assert not DataKey.objects.filter(holder=integration.id).exists()
        assert job.trigger == PurgeTrigger.OWNER
        assert Consent.objects.get().withdrawn_at is not None

    def test_keeps_the_consent_that_another_mailbox_needs(self, alice, acme):
        first = make_integration(make_connection(alice, acme))
        make_integration(make_connection(alice, acme))

        connections.disconnect_integration(
            integration_id=first.id, user_id=alice.id, organisation_id=acme.id, at=timezone.now()
        )

        assert Consent.objects.get().withdrawn_at is None

    def test_knows_nothing_of_anybody_else(self, alice, bob, acme):
        integration = make_integration(make_connection(alice, acme))

        with pytest.raises(connections.NotConnectedError):
            connections.disconnect_integration(
                integration_id=integration.id,
                user_id=bob.id,
                organisation_id=acme.id,
                at=timezone.now(),
            )

    def test_happens_once(self, alice, acme):
        integration = make_integration(make_connection(alice, acme))
        theirs = {"integration_id": integration.id, "user_id": alice.id}
        connections.disconnect_integration(**theirs, organisation_id=acme.id, at=timezone.now())

        with pytest.raises(connections.NotConnectedError):
            connections.disconnect_integration(**theirs, organisation_id=acme.id, at=timezone.now())

    def test_forgets_a_connection_that_brought_nothing_in(self, browser_of, alice, acme, google):
        browser_of(alice).connect(untick=(GMAIL_READONLY,))
        connection = Connection.objects.get()

        connections.remove_empty_connection(
            connection_id=connection.id,
            user_id=alice.id,
            organisation_id=acme.id,
            at=timezone.now(),
        )

        # Fenced at once; the grant is given back by a worker, or by the sweep if none is asked.
        connection.refresh_from_db()
        assert connection.status == ConnectionStatus.ENDING
        grants.forget_connection(connection_id=str(connection.id))
        connection.refresh_from_db()
        assert connection.status == ConnectionStatus.ENDED
        assert connection.refresh_token is None
        assert not google.grants(ALICE_BOX)

    def test_forgets_nothing_that_has_an_integration(self, alice, acme):
        integration = make_integration(make_connection(alice, acme))

        with pytest.raises(connections.NotConnectedError):
            connections.remove_empty_connection(
                connection_id=integration.connection_id,
                user_id=alice.id,
                organisation_id=acme.id,
                at=timezone.now(),
            )


class TestAHorizon:
    @pytest.mark.invariant(11)
    def test_lists_again_and_takes_the_lease_from_a_run_under_the_older_one(self):
        integration = make_integration()
        before = SyncWork.objects.get()

        sync_controls.set_horizon(integration_id=integration.id, days=30, at=timezone.now())

        work = SyncWork.objects.get()
        # The same round: what it has seen is not fetched again.
        assert (work.stage, work.round) == (SyncStage.SNAPSHOT, before.round)
        assert (work.position, work.lease_by) == (None, None)
        integration.refresh_from_db()
        assert integration.horizon_days == 30

    @pytest.mark.claim("stored.mail")
    def test_is_one_of_four(self):
        integration = make_integration()

        for days in (30, 90, 365, None):
            sync_controls.set_horizon(integration_id=integration.id, days=days, at=timezone.now())
        with pytest.raises(InvalidChoice):
            sync_controls.set_horizon(integration_id=integration.id, days=7, at=timezone.now())


class TestASweep:
    def ended(self, at=None):
        automatic_disconnect.disconnect_due_integrations(at=at or timezone.now())
        return PurgeJob.objects.values_list("trigger", flat=True).first()

    @pytest.mark.invariant(6)
    def test_leaves_what_is_in_order_alone(self):
        make_integration()

        assert self.ended() is None

    @pytest.mark.claim("api.reconnect-before")
    @pytest.mark.claim("integrations.until", "integrations.calendars-until", "mail.being-removed")
    @pytest.mark.claim(
        "data-use.grace",
        "inbox.reconnect",
        "mail.reconnect-or-removed",
        "support.reconnect-before",
        "mail.removed-on",
        "mail.last-notice",
    )
    @pytest.mark.invariant(6)
    def test_ends_what_nobody_reconnected_for_fourteen_days(self, alice, acme):
        connection = make_connection(alice, acme)
        integration = make_integration(connection)
        provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=1, at=timezone.now()
        )

        assert self.ended(timezone.now() + timedelta(days=13, hours=23)) is None
        assert self.ended(timezone.now() + timedelta(days=14, seconds=1)) == "grant_ended"
        assert not DataKey.objects.filter(holder=integration.id).exists()

    @pytest.mark.invariant(6)
    def test_ends_what_somebody_left_behind(self, alice, acme):
        make_integration(make_connection(alice, acme))
        memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=timezone.now())

        assert self.ended() == PurgeTrigger.LEFT_ORGANISATION

    @pytest.mark.claim("account.inactive")
    @pytest.mark.invariant(6)
    def test_ends_what_a_deactivated_person_had(self, alice, acme):
        make_integration(make_connection(alice, acme))
        user_provisioning.deactivate_user(user_id=alice.id, at=timezone.now())

        assert self.ended() == PurgeTrigger.DEACTIVATED

    @pytest.mark.invariant(6)
    def test_ends_what_belonged_to_a_closed_organisation(self, alice, acme):
        make_integration(make_connection(alice, acme))
        type(acme).objects.filter(id=acme.id).update(closed_at=timezone.now())

        assert self.ended() == PurgeTrigger.ORGANISATION_CLOSED

    @pytest.mark.claim("mail.being-removed")
    @pytest.mark.invariant(6)
    def test_ends_what_nobody_looked_at_for_a_year(self, acme):
        away = make_user(organisation=acme, last_seen_at=timezone.now() - timedelta(days=366))
        make_integration(make_connection(away, acme))

        assert self.ended() == PurgeTrigger.INACTIVE

    @pytest.mark.invariant(8)
    def test_goes_on_past_one_that_fails(self, alice, acme):
        for _ in range(2):
            make_integration(make_connection(alice, acme))
        memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=timezone.now())
        first = Integration.objects.order_by("id").first()
        # A row that cannot be changed: its transaction fails in the middle.
        with database.cursor() as cursor:
            cursor.execute(_REFUSE)
            cursor.execute(_REFUSE_ONE.format(first.id))

        automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert PurgeJob.objects.get().integration_id != first.id

    def test_ends_an_empty_connection_whose_owner_is_gone(self, browser_of, alice, acme, google):
        browser_of(alice).connect(untick=(GMAIL_READONLY,))
        memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=timezone.now())

        assert connection_removal.remove_due_connections(at=timezone.now()) == 1
        assert Connection.objects.get().status == ConnectionStatus.ENDED


@pytest.mark.scenario("A9")
@pytest.mark.parametrize("outcome", ADMIN_CONSENT_OUTCOMES)
def test_who_may_have_asked_their_administrator_is_not_told_that_they_said_no(outcome, monkeypatch):
    administered = replace(providers.PROVIDERS["google"], asks_administrators=True)
    at = timezone.now()
    attempt = ConnectAttempt(
        provider="google", product="mail", outcome=outcome, expires_at=at + oauth_state.LIFETIME
    )
    monkeypatch.setitem(providers.PROVIDERS, "google", administered)

    said = connect_results.describe_attempt(attempt, at=at)

    assert "administrator" in f"{said.title} {said.says}"
    assert outcome not in OUTCOMES or said.says != OUTCOMES[outcome].says
    assert said.action_url == "/settings/connect/google/"
