"""`/oauth/authorize`: a feature asks, the person decides, and the feature gets in, or not."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey

from accounts import clients, user_provisioning
from accounts.models import AuthorizationCode, Delegation, ServiceClient
from accounts.roles import Role
from accounts.user_provisioning import NewPerson
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from tests.broker import record_messages
from tests.integrations.pages import reading

pytestmark = pytest.mark.django_db(transaction=True)
CALLBACK = "https://widget.example/callback?tenant=7"
KEY = ECKey.generate_key("P-256", {"kid": "one"})
VERIFIER = secrets.token_urlsafe(32)
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
ORIGIN = settings.PUBLIC_URL.rstrip("/")


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    record_messages(monkeypatch)


@pytest.fixture
def widget(db):
    return register("inbox-widget", "inbox.display")


def register(feature: str, purpose: str) -> ServiceClient:
    client = clients.create_service_client(
        client_id=feature,
        feature=feature,
        purposes=[purpose],
        jwks={"keys": [KEY.as_dict(private=False)]},
        at=timezone.now(),
    )
    client.redirect_uris = [CALLBACK]
    client.save()
    return client


def build_address(**changed):
    parameters = {
        "response_type": "code",
        "client_id": "inbox-widget",
        "redirect_uri": CALLBACK,
        "scope": "purpose:inbox.display",
        "state": "state é&x",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changed
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"/oauth/authorize?{urlencode(given, doseq=True)}"


def allow(browser, address, **changed):
    form = {"decision": "allow", "agree": "yes", "version": "1"} | changed
    return browser.post(address, form)


def read_redirect(answer) -> dict[str, str]:
    """Return the parameters that the client receives at its redirect URI."""
    assert answer.status_code == 302, answer.content
    parts = urlsplit(answer["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://widget.example/callback"
    received = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert received.pop("tenant") == "7"
    return received


def post_token_request(**form):
    now = int(timezone.now().timestamp())
    claims = {
        "iss": "inbox-widget",
        "sub": "inbox-widget",
        "aud": f"{ORIGIN}/oauth/token",
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(8),
    }
    assertion = jwt.encode({"alg": "ES256", "kid": "one"}, claims, KEY, algorithms=["ES256"])
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return Client().post(
        "/oauth/token",
        urlencode(form | {"client_assertion": assertion, "client_assertion_type": kind}),
        content_type="application/x-www-form-urlencoded",
    )


def exchange(code):
    return post_token_request(
        grant_type="authorization_code",
        code=code,
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )


def read_policy(page) -> dict[str, str]:
    """Return the directives of the content security policy."""
    parts = page["Content-Security-Policy"].split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


class TestHandOver:
    @pytest.mark.clause("AN-1")
    def test_leads_from_the_page_to_the_first_page_of_mail(self, her_browser, alice, widget):
        page = her_browser.get(build_address())
        assert FEATURES["inbox-widget"].disclosure in reading.text(page.text)

        received = read_redirect(allow(her_browser, build_address()))
        assert (received["state"], received["iss"]) == ("state é&x", ORIGIN)
        body = exchange(received["code"]).json()
        answer = Client().get(
            f"/v1/users/{body['platform_user']}/messages",
            headers={"Authorization": f"Bearer {body['access_token']}"},
        )

        assert answer.status_code == 200
        assert body["platform_user"] == alice.user.platform_id
        further = post_token_request(
            grant_type="client_credentials",
            scope="purpose:inbox.display",
            delegation=body["delegation"],
        )
        assert further.status_code == 200

    def test_lists_the_delegation_to_the_client(self, her_browser, alice, widget):
        received = read_redirect(allow(her_browser, build_address()))
        body = exchange(received["code"]).json()
        own = post_token_request(grant_type="client_credentials", scope="client").json()

        answer = Client().get(
            "/v1/delegations", headers={"Authorization": f"Bearer {own['access_token']}"}
        )

        [listed] = answer.json()["data"]
        assert listed["id"] == body["delegation"]
        assert listed["user"] == {
            "id": str(alice.user.id),
            "platform_id": alice.user.platform_id,
        }
        assert (listed["purposes"], listed["state"]) == (["inbox.display"], "on")

    @pytest.mark.claim("authorize.switch-off-anytime")
    def test_ends_at_the_next_call_after_switching_off(self, her_browser, alice, widget):
        received = read_redirect(allow(her_browser, build_address()))
        body = exchange(received["code"]).json()
        her_browser.post(
            "/settings/features/inbox-widget/",
            {"switch": "off", "delegation": body["delegation"]},
        )

        answer = Client().get(
            "/v1/users/me/messages", headers={"Authorization": f"Bearer {body['access_token']}"}
        )
        further = post_token_request(
            grant_type="client_credentials",
            scope="purpose:inbox.display",
            delegation=body["delegation"],
        )
        own = post_token_request(grant_type="client_credentials", scope="client").json()
        listed = Client().get(
            "/v1/delegations", headers={"Authorization": f"Bearer {own['access_token']}"}
        )

        assert answer.status_code == 401
        assert further.json()["error"] == "invalid_grant"
        assert listed.json()["data"][0]["state"] == "ended"

    def test_signs_the_person_in_first_and_keeps_the_request(self, alice, widget):
        answer = Client().get(build_address())

        assert answer.status_code == 302
        target = urlsplit(answer["Location"])
        assert target.path == "/accounts/login/"
        assert parse_qs(target.query)["next"] == [build_address()]

    def test_needs_no_second_agreement_to_the_same_text(self, her_browser, widget):
        allow(her_browser, build_address())

        page = her_browser.get(build_address())
        received = read_redirect(her_browser.post(build_address(), {"decision": "allow"}))

        assert "is on already" in reading.text(page.text)
        assert exchange(received["code"]).status_code == 200
        assert Delegation.objects.count() == 1

    def test_asks_again_after_the_text_has_changed(self, her_browser, widget, monkeypatch):
        allow(her_browser, build_address())
        feature = FEATURES["inbox-widget"]
        monkeypatch.setitem(FEATURES, "inbox-widget", replace(feature, version=2))

        page = her_browser.post(build_address(), {"decision": "allow"})
        received = read_redirect(allow(her_browser, build_address(), version="2"))

        assert page.status_code == 200
        assert exchange(received["code"]).status_code == 200
        assert Delegation.objects.live().get().feature_version == 2


class TestDecision:
    @pytest.mark.claim("authorize.nothing-on-yet")
    @pytest.mark.parametrize("changed", [{"agree": ""}, {"version": "2"}, {"version": "x"}])
    def test_switches_nothing_on_without_agreement(self, her_browser, widget, changed):
        page = allow(her_browser, build_address(), **changed)

        assert page.status_code == 200
        assert "Nothing is switched on yet." in reading.text(page.text)
        assert not Delegation.objects.exists()
        assert not AuthorizationCode.objects.exists()

    @pytest.mark.parametrize("decision", ["deny", "", "x"])
    def test_of_no_takes_the_person_back(self, her_browser, widget, decision):
        received = read_redirect(allow(her_browser, build_address(), decision=decision))

        assert received == {
            "error": "access_denied",
            "error_description": "The person did not allow it.",
            "state": "state é&x",
            "iss": ORIGIN,
        }
        assert not Delegation.objects.exists()

    @pytest.mark.control("4.2.2")
    def test_needs_the_form_token(self, alice, widget):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice.user, backend=settings.AUTHENTICATION_BACKENDS[0])

        assert allow(browser, build_address()).status_code == 403
        assert not Delegation.objects.exists()

    def test_may_redirect_to_the_client_beside_the_targets_of_all_pages(self, her_browser, widget):
        ordinary = read_policy(her_browser.get("/settings/"))
        policy = read_policy(her_browser.get(build_address()))

        targets, others = (set(one["form-action"].split()) for one in (policy, ordinary))
        assert targets - others == {"https://widget.example"}
        assert others < targets
        assert "*" not in targets
        assert policy["frame-ancestors"] == "'none'"

    def test_of_somebody_without_an_organisation_is_no(self, widget):
        person = user_provisioning.register_user(
            NewPerson("platform-alone", "alone@antares.example", "Alone", Role.MEMBER),
            password=None,
            at=timezone.now(),
        )
        browser = Client()
        browser.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])

        received = read_redirect(browser.get(build_address()))

        assert received["error"] == "access_denied"


class TestRequest:
    @pytest.mark.claim("authorize.nothing-changed")
    @pytest.mark.parametrize(
        ("changed", "text"),
        [
            ({"client_id": None}, "It does not say which feature asks."),
            ({"client_id": ["a", "b"]}, "It does not say which feature asks."),
            ({"client_id": "unknown"}, "It names a feature that Antares does not know."),
            ({"client_id": "é\0"}, "It names a feature that Antares does not know."),
            ({"redirect_uri": None}, "It does not say where to go back to."),
            ({"redirect_uri": "https://evil.example/"}, "has not registered"),
            ({"redirect_uri": CALLBACK + "#x"}, "has not registered"),
            ({"redirect_uri": CALLBACK.upper()}, "has not registered"),
            ({"redirect_uri": "javascript:alert(1)"}, "has not registered"),
            ({"redirect_uri": [CALLBACK, "https://evil.example/"]}, "does not say where"),
            ({"state": "x" * 1025}, "It is too long."),
        ],
    )
    def test_without_a_known_way_back_is_a_page(self, her_browser, widget, changed, text):
        for answer in (
            her_browser.get(build_address(**changed)),
            allow(her_browser, build_address(**changed)),
        ):
            assert answer.status_code == 400
            assert text in reading.text(answer.text)
            assert "evil.example" not in answer.text
        assert not Delegation.objects.exists()

    @pytest.mark.parametrize(
        ("changed", "error", "description"),
        [
            ({"response_type": None}, "unsupported_response_type", "response_type must be code."),
            ({"response_type": "token"}, "unsupported_response_type", "must be code."),
            ({"scope": None}, "invalid_scope", "scope must be one purpose:<name>."),
            ({"scope": "purpose:a purpose:b"}, "invalid_scope", "scope must be one"),
            ({"scope": "purpose:mail.send"}, "invalid_scope", "not registered for this purpose"),
            ({"scope": "client"}, "invalid_scope", "scope must be one purpose:<name>."),
            ({"code_challenge": None}, "invalid_request", "code_challenge is missing"),
            ({"code_challenge": "x" * 42}, "invalid_request", "must have 43 characters"),
            ({"code_challenge": "x" * 128}, "invalid_request", "must have 43 characters"),
            ({"code_challenge": "é" * 43}, "invalid_request", "Invalid 'code_challenge'"),
            ({"code_challenge_method": "plain"}, "invalid_request", "must be S256."),
            ({"code_challenge_method": None}, "invalid_request", "must be S256."),
            ({"state": ["a", "b"]}, "invalid_request", "state was sent twice."),
        ],
    )
    def test_with_a_mistake_takes_the_person_back(
        self, her_browser, widget, changed, error, description
    ):
        received = read_redirect(her_browser.get(build_address(**changed)))

        assert received["error"] == error
        assert description in received["error_description"]
        assert received["iss"] == ORIGIN
        assert "code" not in received

    def test_of_a_retired_client_is_unknown(self, her_browser, widget):
        clients.retire_service_client(client_id="inbox-widget", at=timezone.now())

        assert her_browser.get(build_address()).status_code == 400

    @pytest.mark.clause("LU-4.1")
    @pytest.mark.invariant(3)
    def test_for_marketing_is_refused_with_the_reason_and_recorded(self, her_browser, alice):
        register("campaigns", "marketing")
        address = build_address(client_id="campaigns", scope="purpose:marketing")

        received = read_redirect(her_browser.get(address))

        assert received["error"] == "invalid_scope"
        assert received["error_description"] == (
            "Data from your connected accounts is never used for marketing."
        )
        assert not Delegation.objects.exists()
        [entry] = [
            entry
            for leaf in Leaf.objects.all()
            if (entry := json.loads(bytes(leaf.payload)))["event"] == "use.refused"
        ]
        assert (entry["rule"], entry["feature"]) == ("never-market", "campaigns")


class TestMetadata:
    def test_names_the_endpoints(self, client, db):
        body = client.get("/.well-known/oauth-authorization-server").json()

        assert body["issuer"] == ORIGIN
        assert body["authorization_endpoint"] == f"{ORIGIN}/oauth/authorize"
        assert body["token_endpoint"] == f"{ORIGIN}/oauth/token"
        assert body["revocation_endpoint"] == f"{ORIGIN}/oauth/revoke"
        assert body["code_challenge_methods_supported"] == ["S256"]
        assert body["authorization_response_iss_parameter_supported"] is True
        assert "client" in body["scopes_supported"]
        assert "purpose:inbox.display" in body["scopes_supported"]
        assert "purpose:marketing" not in body["scopes_supported"]
