"""An administrator's consent, from the link to the connect, through the sandbox's Entra."""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from accounts.rate_limit_counters import Rate
from integrations.connections import admin_consent as approvals
from integrations.models import (
    Approval,
    ApprovalState,
    AttemptOutcome,
    Connection,
    Integration,
)
from integrations.providers import PROVIDERS, admin_consent
from integrations.tasks.connections import sweep_connections
from limited_use.models import Consent
from tests.factories import as_agreed, make_approval, make_connection
from tests.integrations.microsoft import ALICE_BOX, MicrosoftConnectBrowser, microsoft
from tests.walls import requests_act_as_web
from tests.worlds.microsoft import ACCEPT, CANCEL, REQUEST, Stayed

__all__ = ["microsoft", "requests_act_as_web"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.scenario("A9"),
    pytest.mark.usefixtures("requests_act_as_web"),
]

BOSS = "boss@contoso.example"
ASK = "/settings/connect/microsoft/administrator/"
BACK = "/connect/administrator"
SETTINGS = "/settings/integrations/"


@pytest.fixture
def entra(microsoft):
    """Return Microsoft, where Alice's organisation lets nobody but its administrator agree."""
    microsoft.seed(BOSS, admin=True, size=0)
    microsoft.control("microsoft/tenants", domain="contoso.example", consent="admin")
    return microsoft


@dataclass
class Asking:
    """Alice, who makes a link, and whoever follows it."""

    browser: MicrosoftConnectBrowser
    entra: object

    def link(self, **query: str) -> str:
        shown = self.browser.client.post(f"{ASK}?{'&'.join(f'{k}={v}' for k, v in query.items())}")
        (link,) = re.findall(r"<code[^>]*>(http[^<]+adminconsent[^<]+)</code>", shown.text)
        return html.unescape(link)

    def follow(self, link: str, press: str = ACCEPT) -> dict[str, str]:
        return self.entra.visit(link, press, account=BOSS)

    def page(self) -> str:
        return " ".join(html.unescape(self.browser.client.get(SETTINGS).text).split())


@pytest.fixture
def asking(entra, alice):
    return Asking(MicrosoftConnectBrowser(alice, entra), entra)


def bring_back(**said: str):
    """Come back as an administrator does: in a browser that has no session here."""
    return Client().get(BACK, said)


def states() -> list[str]:
    return list(Approval.objects.values_list("state", flat=True))


class TestTheWholeWay:
    @pytest.mark.claim("approval.given")
    @pytest.mark.claim("admin-link.result")
    @pytest.mark.claim("admin-link.reads-nothing", "admin-link.connects-nobody")
    def test_leads_from_the_refusal_over_the_administrator_to_the_connect(self, asking):
        with pytest.raises(Stayed, match="AADSTS90094"):
            asking.browser.connect()
        assert ASK in asking.browser.client.get("/settings/connect/microsoft/").text
        link = asking.link()
        waiting = asking.page()
        assert "Waiting for your administrator" in waiting
        # Without the link, the administrator cannot answer.
        assert "Cancel the link" in waiting
        assert "It works until" in waiting

        bring_back(**asking.follow(link))

        assert "Your administrator seems to have approved" in asking.page()
        assert "Cancel the link" not in asking.page()
        assert "It works until" not in asking.page()
        # A hint, and no more: it is the person who connects.
        assert not Connection.objects.exists()
        seen = asking.entra.sandbox.requests()
        assert seen
        assert [one for one in seen if one["method_id"].startswith("graph.")] == []
        assert asking.browser.connect().outcome == AttemptOutcome.CONNECTED
        assert not Approval.objects.exists()
        assert "dministrator" not in asking.page()

    def test_is_offered_where_a_request_reads_as_a_refusal(self, asking):
        asking.entra.control("microsoft/tenants", domain="contoso.example", workflow=True)
        begun = asking.browser.begin()["Location"]

        attempt = asking.browser.arrive(
            **asking.entra.visit(begun, ACCEPT, REQUEST, account=ALICE_BOX)
        )

        assert attempt.outcome == AttemptOutcome.DENIED
        assert f'href="{ASK}"' in asking.page()

    @pytest.mark.claim("approval.refused", "admin-link.result")
    def test_says_so_where_the_administrator_declines(self, asking):
        bring_back(**asking.follow(asking.link(), CANCEL))

        assert states() == [ApprovalState.REFUSED]
        assert not Connection.objects.exists()
        assert "Your administrator seems to have declined" in asking.page()
        # With a new link they can decide again.
        bring_back(**asking.follow(asking.link()))
        assert states() == [ApprovalState.GIVEN]

    def test_adds_calendars_to_the_account_that_waits_for_them(self, asking, alice, acme):
        account = make_connection(alice, acme, provider="microsoft")

        link = asking.link(product="calendar", connection=str(account.id))

        assert "Calendars.Read" in link
        assert Approval.objects.get().connection_id == account.id
        assert f"/settings/connect/microsoft/?product=calendar&connection={account.id}" in (
            asking.page()
        )

    @pytest.mark.invariant(1)
    def test_is_not_there_for_somebody_elses_account(self, asking, bob, acme):
        bobs = make_connection(bob, acme, provider="microsoft")

        for ask in (asking.browser.client.get, asking.browser.client.post):
            assert ask(f"{ASK}?connection={bobs.id}").status_code == 404
        assert not Approval.objects.exists()

    @pytest.mark.invariant(11)
    @pytest.mark.claim("admin-link.asks-for-later")
    def test_asks_once_for_what_people_allow_now_and_later_and_no_more(self, asking):
        asked = parse_qs(urlsplit(asking.browser.begin()["Location"]).query)["scope"][0].split()
        page = asking.browser.client.get(ASK).text

        query = parse_qs(urlsplit(asking.link()).query)

        prefix = PROVIDERS["microsoft"].scope_prefix
        scopes = query["scope"][0].split()
        assert {one.removeprefix(prefix) for one in scopes} == {
            *asked, "Mail.ReadWrite", "Mail.Send",
        }  # fmt: skip
        assert "Mail.Send" not in asked
        assert {one for one in scopes if not one.startswith(prefix)} == {
            "openid", "profile", "email", "offline_access",
        }  # fmt: skip
        named = re.findall(r'<code class="scope">([^<]+)</code>', page)
        assert {*named} == {one.removeprefix(prefix) for one in scopes}
        assert "the link also asks for permissions that connecting does not ask for" in page

    @pytest.mark.claim("admin-link.asks-for-later")
    def test_lets_people_allow_sending_later_without_the_administrator(self, asking):
        bring_back(**asking.follow(asking.link()))
        account = asking.browser.connect().connection
        feature = "mail-sending"
        consents = Consent.objects.filter(feature=feature)
        assert not consents.exists()

        later = asking.browser.begin(account, feature=feature, version=as_agreed(feature))
        said = asking.entra.visit(later["Location"], ACCEPT, account=ALICE_BOX)
        asking.browser.client.get("/connect/microsoft/callback", said)

        account.refresh_from_db()
        assert "Mail.Send" in account.granted_scopes
        assert consents.exists()

    def test_leads_to_the_tenant_that_the_settings_name_and_nowhere_without_companies(
        self, asking, settings
    ):
        assert "/organizations/v2.0/adminconsent" in asking.link()

        settings.MICROSOFT = replace(settings.MICROSOFT, admin_consent_url="")

        assert asking.browser.client.get(ASK).status_code == 404
        assert ASK not in asking.browser.client.get("/settings/connect/microsoft/").text


@pytest.mark.control("3.2.2")
class TestWhatComesBack:
    @pytest.fixture
    def state(self, asking):
        return parse_qs(urlsplit(asking.link()).query)["state"][0]

    @pytest.mark.claim("admin-link.sees-nothing")
    @pytest.mark.clause("CB-SCRIPTS")
    def test_is_answered_alike_whatever_it_is(self, asking, state, caplog):
        caplog.set_level(logging.DEBUG)
        other = "B" * 43
        given = {"admin_consent": "True", "state": state}

        answers = [
            Client().get(BACK, said)
            for said in (
                {},
                {"admin_consent": "True", "state": other},
                {"admin_consent": "True", "state": [state, other]},
                {"error": "access_denied", "state": other},
                {"error": "server_error", "state": state},
                {"state": state},
                given,
                given,
                {"error": "access_denied", "state": state},
            )
        ] + [Client().post(BACK, given), asking.browser.client.get(BACK, given)]

        for answer in answers:
            assert (answer.status_code, answer.content) == (303, b"")
            assert answer["Location"] == "/connect/administrator/thanks/"
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "no-store" in answer["Cache-Control"]
            assert not answer.cookies
        assert states() == [ApprovalState.GIVEN]
        assert not [one for one in caplog.records if state in str(vars(one))]
        assert Client().get("/connect/administrator/thanks/").status_code == 200

    @pytest.mark.claim("admin-link.no-secret", "admin-link.once")
    @pytest.mark.parametrize("error", ["access_denied", "consent_required"])
    def test_is_a_refusal_once(self, state, error):
        bring_back(error=error, state=state)
        bring_back(admin_consent="True", state=state)

        assert states() == [ApprovalState.REFUSED]

    def test_counts_no_error_that_is_not_the_administrators_answer(self, state):
        bring_back(error="temporarily_unavailable", state=state)
        bring_back(admin_consent="False", state=state)

        assert states() == [ApprovalState.WAITING]

    @pytest.mark.parametrize(
        "made_up",
        ["", "A" * 43, "A" * 44, "é" * 43],
        ids=["empty", "nobodys", "longer", "foreign letters"],
    )
    def test_cannot_be_forged(self, state, made_up):
        bring_back(admin_consent="True", state=made_up, tenant="contoso.example")

        assert states() == [ApprovalState.WAITING]

    def test_of_no_shape_costs_no_look_at_a_row(self, state, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert not approvals.record_admin_consent_answer(
                state=state[:-1], is_given=True, at=timezone.now()
            )

    @pytest.mark.claim("admin-link.once")
    def test_is_not_heard_after_its_time(self, state):
        Approval.objects.update(expires_at=timezone.now())

        bring_back(admin_consent="True", state=state)

        assert states() == [ApprovalState.WAITING]

    @pytest.mark.claim("admin-link.once")
    def test_by_an_older_link_is_not_heard(self, asking, state):
        asking.link()

        bring_back(admin_consent="True", state=state)

        assert states() == [ApprovalState.WAITING]

    @pytest.mark.claim("admin-link.hint")
    @pytest.mark.invariant(1)
    def test_reaches_the_row_of_its_state_and_nobody_elses(self, asking, state, bob, acme):
        bobs = make_approval(bob, acme)

        bring_back(admin_consent="True", state=state, tenant="another")

        bobs.refresh_from_db()
        assert bobs.state == ApprovalState.WAITING
        assert Approval.objects.exclude(id=bobs.id).get().state == ApprovalState.GIVEN
        told = "Your administrator seems to have approved"
        assert told in asking.page()
        assert told not in MicrosoftConnectBrowser(bob, asking.entra).client.get(SETTINGS).text

    @pytest.mark.claim("admin-link.hint")
    @pytest.mark.invariant(1)
    def test_connects_nothing_where_nobody_allowed_it(self, asking, state):
        bring_back(admin_consent="True", state=state, tenant="contoso.example")

        with pytest.raises(Stayed, match="AADSTS90094"):
            asking.browser.connect()
        assert not Integration.objects.exists()

    def test_is_not_heard_from_who_knocks_too_often(self, state, monkeypatch):
        monkeypatch.setattr("integrations.settings.connect_views.RATE", Rate("approval", 1, 60))

        answers = [bring_back(admin_consent="True", state=one) for one in ("A" * 43, state, state)]

        assert {one["Location"] for one in answers} == {"/connect/administrator/thanks/"}
        assert states() == [ApprovalState.WAITING]


class TestWaiting:
    @pytest.mark.claim("admin-link.once", "admin-link.no-secret")
    @pytest.mark.control("2.1.1")
    def test_keeps_no_state_and_shows_the_link_once(self, asking):
        link = asking.link()

        state = parse_qs(urlsplit(link).query)["state"][0]
        with database.cursor() as cursor:
            cursor.execute("SELECT a::text FROM integrations_approval AS a")
            assert state not in cursor.fetchone()[0]
        assert state not in asking.browser.client.get(ASK).text + asking.page()

    def test_ends_by_itself(self, asking, alice, acme):
        asking.link()
        Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        assert "administrator" not in asking.page()
        sweep_connections()

        assert not Approval.objects.exists()

    def test_can_be_forgotten_by_whose_it_is(self, asking, bob, acme):
        asking.link()
        address = f"/settings/approvals/{Approval.objects.get().id}/forget/"

        assert MicrosoftConnectBrowser(bob, asking.entra).client.post(address).status_code == 404
        assert asking.browser.client.post(address)["Location"] == SETTINGS

        assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        ({"admin_consent": ["True"], "state": ["s"]}, True),
        ({"admin_consent": ["true"], "tenant": ["t"]}, True),
        ({"admin_consent": ["True"], "error": ["consent_required"]}, False),
        ({"admin_consent": ["True"], "tenant": ["a", "b"]}, None),
        ({"error": ["invalid_client"]}, None),
        ({}, None),
    ],
)
def test_an_answer_is_read_only_where_it_is_one(answer, means):
    assert admin_consent.parse_admin_consent(answer) is means
