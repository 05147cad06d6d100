"""Signing in at Microsoft: codes to tokens, who it is, and what every refusal asks of us."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from integrations.providers import PROVIDERS, errors, id_tokens, oauth_client
from integrations.providers.microsoft.microsoft_config import MICROSOFT
from integrations.providers.oauth_client import OAuthEndpoints
from integrations.providers.token_responses import parse_claims
from tests.worlds.microsoft import VERIFIER, MicrosoftSandbox
from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET

ADA = "ada@contoso.example"
SCOPES = MICROSOFT.list_scopes_for(frozenset({"mail.read", "calendar.read"}))


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(ADA, name="Ada Adams")
    id_tokens._CACHES.clear()
    return found


@pytest.fixture
def endpoints(microsoft):
    return OAuthEndpoints(
        issuer=f"{microsoft.url}/{{tenantid}}/v2.0",
        authorize_url=f"{microsoft.url}/common/oauth2/v2.0/authorize",
        token_url=f"{microsoft.url}/common/oauth2/v2.0/token",
        revoke_url="",
        certs_url=f"{microsoft.url}/common/discovery/v2.0/keys",
        userinfo_url=f"{microsoft.url}/oidc/userinfo",
        api_root_url=f"{microsoft.url}/v1.0",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )


def address(endpoints, redirect_uri, *, login_hint=ADA) -> str:
    return oauth_client.authorize_url(
        MICROSOFT,
        endpoints,
        redirect_uri=redirect_uri,
        scopes=SCOPES,
        state="some-state",
        nonce="some-nonce",
        code_verifier=VERIFIER,
        login_hint=login_hint,
    )


def redirect_of(microsoft) -> str:
    return parse_qs(urlsplit(microsoft.authorize_url()).query)["redirect_uri"][0]


def code_at(microsoft, endpoints) -> str:
    return microsoft.visit(address(endpoints, redirect_of(microsoft)), "accept")["code"]


def signed_in(microsoft, endpoints, **changes):
    given = {
        "code": code_at(microsoft, endpoints),
        "redirect_uri": redirect_of(microsoft),
        "code_verifier": VERIFIER,
        "nonce": "some-nonce",
        "at": datetime.now(UTC),
    }
    return oauth_client.exchange_code(MICROSOFT, endpoints, **(given | changes))


def refreshed(endpoints, tokens, **more):
    given = {"refresh_token": tokens.refresh_token, "at": datetime.now(UTC)}
    return oauth_client.refresh_tokens(MICROSOFT, endpoints, **(given | more))


def test_it_offers_what_there_is_an_adapter_for():
    assert PROVIDERS[MICROSOFT.key] is MICROSOFT
    assert "mail" in MICROSOFT.products


class TestTheAddress:
    def test_lets_choose_the_account_unless_it_is_known(self, endpoints):
        anybody, ada = (
            parse_qs(urlsplit(address(endpoints, "http://localhost/x", login_hint=hint)).query)
            for hint in ("", ADA)
        )

        assert anybody["prompt"] == ["select_account"]
        assert ("prompt" in ada, ada["login_hint"]) == (False, [ADA])

    def test_asks_for_a_refresh_token_and_proves_with_a_key(self, endpoints):
        asked = parse_qs(urlsplit(address(endpoints, "http://localhost/x")).query)

        assert {"openid", "profile", "offline_access"} <= set(asked["scope"][0].split())
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["response_mode"] == ["query"]


class TestSigningIn:
    @pytest.mark.scenario("A6")
    def test_names_the_account_by_tenant_and_object(self, microsoft, endpoints):
        tokens = signed_in(microsoft, endpoints)

        known = microsoft.control("microsoft/accounts/change", email=ADA)
        tenant, _, account = tokens.identity.subject.partition(".")
        assert account == known["oid"]
        assert UUID(tenant).hex != UUID(account).hex
        assert tokens.identity.email == ADA
        assert not tokens.identity.email_verified
        assert tokens.refresh_token

    def test_is_told_what_was_granted_whatever_case_and_prefix(self, microsoft, endpoints):
        tokens = signed_in(microsoft, endpoints)

        granted = MICROSOFT.capabilities["mail.read"].scopes
        assert granted <= tokens.granted_scopes
        assert MICROSOFT.normalise_scopes(
            "https://graph.microsoft.com/MAIL.read mailboxsettings.Read Other.Scope"
        ) == granted | {"Other.Scope"}

    @pytest.mark.scenario("A8")
    @pytest.mark.parametrize(
        "flaw",
        [
            "alg_none", "alg_hs256", "signature", "kid", "iss", "tid", "template", "bad_tid",
            "aud", "nonce", "expired", "future_iat", "missing_tid", "missing_oid", "missing_iss",
            "missing_nonce", "missing_aud", "missing_exp",
        ],
    )  # fmt: skip
    def test_is_refused_if_a_claim_is_forged(self, microsoft, endpoints, flaw):
        microsoft.sandbox.dial(id_token_flaw=flaw)

        with pytest.raises(errors.IdentityRejected) as caught:
            signed_in(microsoft, endpoints)

        assert caught.value.reason

    @pytest.mark.scenario("A8")
    def test_is_refused_if_the_key_is_another_tenants(self, microsoft, endpoints):
        own = "9188040d-6c67-4c5b-b112-36a304b66dad"
        certs = f"{microsoft.url}/{own}/discovery/v2.0/keys"

        with pytest.raises(errors.IdentityRejected) as caught:
            signed_in(microsoft, replace(endpoints, certs_url=certs))

        assert caught.value.reason == "kid"

    def test_takes_a_code_once(self, microsoft, endpoints):
        code = code_at(microsoft, endpoints)
        signed_in(microsoft, endpoints, code=code)

        with pytest.raises(errors.CodeRejected):
            signed_in(microsoft, endpoints, code=code)

    @pytest.mark.parametrize("change", [{"code_verifier": "w" * 64}, {"code": "made-up"}])
    def test_takes_no_code_of_anybody_else(self, microsoft, endpoints, change):
        with pytest.raises(errors.ProviderError) as caught:
            signed_in(microsoft, endpoints, **change)

        assert isinstance(caught.value, errors.CodeRejected)


class TestRefreshing:
    def test_gives_another_token_and_lets_the_old_one_work(self, microsoft, endpoints):
        tokens = signed_in(microsoft, endpoints)

        first, second = refreshed(endpoints, tokens), refreshed(endpoints, tokens)

        assert first.refresh_token not in {None, tokens.refresh_token}
        assert second.access_token
        assert refreshed(endpoints, first).expires_at > datetime.now(UTC) + timedelta(minutes=50)

    @pytest.mark.parametrize("number", [50173, 65001, 700082, 70043])
    def test_says_that_the_grant_is_gone(self, microsoft, endpoints, number):
        tokens = signed_in(microsoft, endpoints)
        microsoft.control("microsoft/tokens/kill", email=ADA, code=number)

        with pytest.raises(errors.GrantRevoked):
            refreshed(endpoints, tokens)

    def test_says_that_somebody_has_to_do_something(self, microsoft, endpoints):
        tokens = signed_in(microsoft, endpoints)
        microsoft.control("microsoft/tokens/challenge", email=ADA, claims='{"access_token":{}}')

        with pytest.raises(errors.StepUpWanted) as caught:
            refreshed(endpoints, tokens, claims='{"access_token":{}}')

        assert (caught.value.reason, caught.value.claims) == ("basic_action", '{"access_token":{}}')

    @pytest.mark.parametrize(("number", "kind"), [(50079, errors.StepUpWanted),
                                                  (53000, errors.GrantRevoked)])  # fmt: skip
    def test_tells_what_somebody_can_do_from_what_they_cannot(
        self, microsoft, endpoints, number, kind
    ):
        tokens = signed_in(microsoft, endpoints)
        microsoft.control("microsoft/tokens/kill", email=ADA, code=number)

        with pytest.raises(errors.GrantRevoked) as caught:
            refreshed(endpoints, tokens)

        assert type(caught.value) is kind

    @pytest.mark.parametrize(
        "text", ["", "[]", "{", 7, None, "[" * 4000, f'{{"a":"{"b" * 4096}"}}']
    )
    def test_takes_nothing_along_that_is_no_request_for_claims(self, text):
        assert parse_claims(text) == ""

    @pytest.mark.scenario("A7")
    def test_blames_nobody_for_a_secret_of_ours_that_is_over(self, microsoft, endpoints):
        tokens = signed_in(microsoft, endpoints)
        microsoft.register_client(secret_expired=True)

        with pytest.raises(errors.InvalidClient):
            refreshed(endpoints, tokens)

    def test_waits_where_it_is_theirs(self, microsoft, endpoints):
        tokens = signed_in(microsoft, endpoints)
        microsoft.sandbox.dial(graph_token_code=90033)

        with pytest.raises(errors.Unavailable):
            refreshed(endpoints, tokens)
