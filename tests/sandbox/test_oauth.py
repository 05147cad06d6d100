import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET, GMAIL_READONLY, REDIRECT_URI

VERIFIER = "v" * 64
SEND = "https://www.googleapis.com/auth/gmail.send"
DAY = 86_400


def authorization_url(sandbox, **changes):
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    query = {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": f"openid email {GMAIL_READONLY}",
        "state": "some-state",
        "nonce": "some-nonce",
        "access_type": "offline",
        "login_hint": "alice@example.com",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    } | changes
    return f"{sandbox.url}/o/oauth2/v2/auth?{urlencode({k: v for k, v in query.items() if v})}"


def callback(sandbox, *, untick=(), deny=False, **changes):
    back = sandbox.consent(authorization_url(sandbox, **changes), untick=untick, deny=deny)
    assert back.startswith(f"{REDIRECT_URI}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def exchange(sandbox, code, **changes):
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return sandbox.token(**(form | changes))


def refresh(credentials):
    with requests.Session() as session:
        credentials.refresh(Request(session))


def claims_of(sandbox, token):
    keys = KeySet.import_key_set(httpx.get(f"{sandbox.url}/oauth2/v3/certs").json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


@pytest.mark.usefixtures("alice")
class TestGoogleConsent:
    def test_echoes_state_and_says_who_issued_it(self, sandbox):
        answer = callback(sandbox)

        assert answer["state"] == "some-state"
        assert answer["iss"] == sandbox.url
        assert answer["code"].startswith("4/0A")

    def test_grants_only_what_stays_ticked(self, sandbox):
        answer = callback(sandbox, untick=(GMAIL_READONLY,))
        tokens = exchange(sandbox, answer["code"])

        assert GMAIL_READONLY not in answer["scope"].split()
        assert tokens["scope"].split() == [
            "openid",
            "https://www.googleapis.com/auth/userinfo.email",
        ]

    def test_can_be_denied(self, sandbox):
        assert callback(sandbox, deny=True) == {
            "state": "some-state",
            "iss": sandbox.url,
            "error": "access_denied",
        }

    def test_shows_unregistered_addresses_to_the_person_only(self, sandbox):
        page = httpx.get(authorization_url(sandbox, redirect_uri=f"{REDIRECT_URI}/"))

        assert page.status_code == 400
        assert "redirect_uri_mismatch" in page.text

    def test_can_insist_on_pkce(self, sandbox):
        sandbox.dial(require_pkce=True)

        page = httpx.get(authorization_url(sandbox, code_challenge="", code_challenge_method=""))

        assert "code_challenge_method" in page.text

    def test_page_works_once(self, sandbox):
        form = {"account": "alice@example.com", "decision": "allow"}
        page = httpx.get(authorization_url(sandbox)).text
        form["request"] = page.partition('name="request" value="')[2].partition('"')[0]

        first, second = (
            httpx.post(f"{sandbox.url}/o/oauth2/v2/auth/decision", data=form) for _ in range(2)
        )

        assert first.is_redirect
        assert second.status_code == 400

    def test_shows_unknown_clients_to_the_person_only(self, sandbox):
        assert "invalid_client" in httpx.get(authorization_url(sandbox, client_id="x")).text

    def test_lets_the_person_choose_an_account(self, sandbox):
        sandbox.seed("bob@example.com")
        back = sandbox.consent(authorization_url(sandbox, login_hint=""), email="bob@example.com")
        code = parse_qs(urlsplit(back).query)["code"][0]

        claims = claims_of(sandbox, exchange(sandbox, code)["id_token"])

        assert claims["email"] == "bob@example.com"

    def test_is_not_asked_twice_for_the_same(self, sandbox):
        exchange(sandbox, callback(sandbox)["code"])

        page = httpx.get(authorization_url(sandbox))

        assert page.is_redirect

    def test_without_a_page_needs_an_earlier_one(self, sandbox):
        assert callback(sandbox, prompt="none")["error"] == "interaction_required"

    @pytest.mark.parametrize(
        ("dial", "seen"), [("wrong", "https://accounts.example.org"), ("missing", None)]
    )
    def test_can_lie_about_the_issuer(self, sandbox, dial, seen):
        sandbox.dial(callback_iss=dial)

        assert callback(sandbox).get("iss") == seen


@pytest.mark.usefixtures("alice")
class TestGoogleCodes:
    def test_need_their_verifier(self, sandbox):
        code = callback(sandbox)["code"]

        assert exchange(sandbox, code, code_verifier="w" * 64)["error"] == "invalid_grant"
        assert exchange(sandbox, code, code_verifier="")["error"] == "invalid_grant"
        assert "access_token" in exchange(sandbox, code)

    def test_work_once_and_a_second_use_undoes_the_first(self, sandbox):
        code = callback(sandbox)["code"]
        tokens = exchange(sandbox, code)

        assert exchange(sandbox, code)["error"] == "invalid_grant"
        dead = sandbox.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert dead["error"] == "invalid_grant"

    def test_expire(self, sandbox):
        code = callback(sandbox)["code"]
        sandbox.advance(601)

        assert exchange(sandbox, code)["error"] == "invalid_grant"

    def test_are_bound_to_the_redirect_uri(self, sandbox):
        code = callback(sandbox)["code"]

        wrong = exchange(sandbox, code, redirect_uri=f"{REDIRECT_URI}/")

        assert wrong["error"] == "redirect_uri_mismatch"

    def test_are_bound_to_the_client(self, sandbox):
        sandbox.register_client("other", "secret")
        code = callback(sandbox)["code"]

        wrong = exchange(sandbox, code, client_id="other", client_secret="secret")

        assert wrong["error"] == "invalid_grant"

    def test_need_the_clients_secret(self, sandbox):
        wrong = exchange(sandbox, callback(sandbox)["code"], client_secret="guess")

        assert wrong["error"] == "invalid_client"


@pytest.mark.usefixtures("alice")
class TestIdTokens:
    def test_verify_against_the_published_keys(self, sandbox, alice):
        claims = claims_of(sandbox, exchange(sandbox, callback(sandbox)["code"])["id_token"])

        assert claims["iss"] == sandbox.url
        assert claims["aud"] == claims["azp"] == CLIENT_ID
        assert claims["sub"] == alice["sub"]
        assert claims["nonce"] == "some-nonce"

    def test_verify_after_the_keys_have_turned(self, sandbox):
        token = exchange(sandbox, callback(sandbox)["code"])["id_token"]
        sandbox.rotate_keys()

        assert claims_of(sandbox, token)["email"] == "alice@example.com"

    @pytest.mark.parametrize("flaw", ["alg_none", "alg_hs256", "kid", "signature"])
    def test_with_a_flawed_envelope_do_not_verify(self, sandbox, flaw):
        sandbox.dial(id_token_flaw=flaw)
        token = exchange(sandbox, callback(sandbox)["code"])["id_token"]

        with pytest.raises((JoseError, ValueError)):
            claims_of(sandbox, token)

    @pytest.mark.parametrize(
        ("flaw", "claim"),
        [
            ("iss", "iss"),
            ("bare_iss", "iss"),
            ("aud", "aud"),
            ("azp", "azp"),
            ("nonce", "nonce"),
            ("missing_nonce", "nonce"),
            ("sub", "sub"),
            ("missing_sub", "sub"),
            ("at_hash", "at_hash"),
        ],
    )
    def test_differ_in_the_claim_that_the_dial_names(self, sandbox, alice, flaw, claim):
        sandbox.dial(id_token_flaw=flaw)
        right = {"iss": sandbox.url, "aud": CLIENT_ID, "azp": CLIENT_ID, "nonce": "some-nonce"}
        right |= {"sub": alice["sub"]}

        tokens = exchange(sandbox, callback(sandbox)["code"])
        digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
        right["at_hash"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

        claims = claims_of(sandbox, tokens["id_token"])
        assert claims.get(claim) != right[claim]
        assert {n: claims[n] for n in right if n != claim} == {
            n: v for n, v in right.items() if n != claim
        }


@pytest.mark.usefixtures("alice")
class TestRefreshTokens:
    def test_come_once_unless_consent_is_asked_again(self, sandbox):
        assert "refresh_token" in exchange(sandbox, callback(sandbox)["code"])
        assert "refresh_token" not in exchange(sandbox, callback(sandbox)["code"])
        assert "refresh_token" in exchange(sandbox, callback(sandbox, prompt="consent")["code"])

    def test_need_offline_access(self, sandbox):
        assert "refresh_token" not in exchange(sandbox, callback(sandbox, access_type="")["code"])

    def test_give_access_to_googles_own_library(self, sandbox):
        token = sandbox.authorize("alice@example.com")["refresh_token"]
        credentials = self.credentials(sandbox, token)

        refresh(credentials)

        assert credentials.token.startswith("ya29.")
        assert credentials.refresh_token == token

    def credentials(self, sandbox, token):
        return Credentials(
            None,
            refresh_token=token,
            token_uri=f"{sandbox.url}/token",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
        )

    @pytest.mark.parametrize("death", ["revoke_grant", "change_password", "kill_refresh"])
    def test_die_with_the_grant_the_password_or_alone(self, sandbox, death):
        token = sandbox.authorize("alice@example.com")["refresh_token"]
        getattr(sandbox, death)("alice@example.com")

        with pytest.raises(RefreshError) as refused:
            refresh(self.credentials(sandbox, token))

        assert refused.value.args[1]["error"] == "invalid_grant"

    def test_outlive_a_password_without_gmail(self, sandbox):
        token = sandbox.authorize("alice@example.com", "openid email")["refresh_token"]
        sandbox.change_password("alice@example.com")

        assert "access_token" in sandbox.token(grant_type="refresh_token", refresh_token=token)

    def test_die_of_idleness(self, sandbox):
        token = sandbox.authorize("alice@example.com")["refresh_token"]
        sandbox.advance(181 * DAY)

        dead = sandbox.token(grant_type="refresh_token", refresh_token=token)

        assert dead["error"] == "invalid_grant"

    def test_die_after_a_week_in_testing(self, sandbox):
        sandbox.dial(testing_project=True)
        tokens = sandbox.authorize("alice@example.com")
        assert 0 < tokens["refresh_token_expires_in"] <= 7 * DAY
        sandbox.advance(7 * DAY + 1)

        dead = sandbox.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

        assert dead["error"] == "invalid_grant"

    def test_number_one_hundred_and_one_kills_the_oldest(self, sandbox):
        tokens = [sandbox.authorize("alice@example.com")["refresh_token"] for _ in range(101)]

        answers = [
            sandbox.token(grant_type="refresh_token", refresh_token=token).get("error")
            for token in (tokens[0], tokens[1], tokens[100])
        ]

        assert answers == ["invalid_grant", None, None]

    def test_may_rotate(self, sandbox):
        sandbox.dial(rotate_refresh_tokens=True)
        old = sandbox.authorize("alice@example.com")["refresh_token"]

        new = sandbox.token(grant_type="refresh_token", refresh_token=old)["refresh_token"]

        assert "error" in sandbox.token(grant_type="refresh_token", refresh_token=old)
        assert "access_token" in sandbox.token(grant_type="refresh_token", refresh_token=new)

    def test_never_widen(self, sandbox):
        token = sandbox.authorize("alice@example.com")["refresh_token"]

        wider = sandbox.token(grant_type="refresh_token", refresh_token=token, scope=SEND)

        assert wider == {"error": "invalid_scope", "error_description": "Bad Request"}

    @pytest.mark.parametrize("policy", ["invalid_rapt", "admin_policy_enforced"])
    def test_meet_policies(self, sandbox, policy):
        token = sandbox.authorize("alice@example.com")["refresh_token"]
        sandbox.dial(refresh_refusal=policy)

        answer = sandbox.token(grant_type="refresh_token", refresh_token=token)

        assert policy in (answer["error"], answer.get("error_subtype"))

    def test_meet_an_endpoint_that_is_down(self, sandbox):
        token = sandbox.authorize("alice@example.com")["refresh_token"]
        sandbox.fail_next(count=5, path_prefix="/token", status=503, body="<html>down</html>")

        with pytest.raises(RefreshError) as refused:
            refresh(self.credentials(sandbox, token))

        assert "down" in refused.value.args[0]


@pytest.mark.usefixtures("alice")
class TestRevocation:
    def revoke(self, sandbox, token):
        return httpx.post(f"{sandbox.url}/revoke", data={"token": token})

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_ends_everything_of_the_project_for_that_person(self, sandbox, kind):
        sandbox.register_client("second", "secret", (REDIRECT_URI,))
        first = sandbox.authorize("alice@example.com")
        code = callback(sandbox, client_id="second", prompt="consent")["code"]
        second = exchange(sandbox, code, client_id="second", client_secret="secret")

        assert self.revoke(sandbox, first[kind]).status_code == 200

        dead = sandbox.token(
            grant_type="refresh_token",
            refresh_token=second["refresh_token"],
            client_id="second",
            client_secret="secret",
        )
        assert dead["error"] == "invalid_grant"

    def test_of_what_is_dead_says_so(self, sandbox):
        token = sandbox.authorize("alice@example.com")["refresh_token"]
        self.revoke(sandbox, token)

        again = self.revoke(sandbox, token)

        assert again.status_code == 400
        assert again.json()["error"] == "invalid_token"

    def test_leaves_other_people_alone(self, sandbox):
        sandbox.seed("bob@example.com")
        bobs = sandbox.authorize("bob@example.com")["refresh_token"]
        self.revoke(sandbox, sandbox.authorize("alice@example.com")["refresh_token"])

        assert "access_token" in sandbox.token(grant_type="refresh_token", refresh_token=bobs)

    def test_may_lag_and_take_a_reconnection_along(self, sandbox):
        sandbox.dial(revocation_lag_seconds=60.0)
        self.revoke(sandbox, sandbox.authorize("alice@example.com")["refresh_token"])
        again = sandbox.authorize("alice@example.com")["refresh_token"]
        assert "access_token" in sandbox.token(grant_type="refresh_token", refresh_token=again)

        sandbox.advance(61)

        assert "error" in sandbox.token(grant_type="refresh_token", refresh_token=again)


@pytest.mark.usefixtures("alice")
class TestAuthlib:
    @pytest.fixture
    def session(self):
        with OAuth2Session(
            CLIENT_ID,
            CLIENT_SECRET,
            scope="openid email profile",
            redirect_uri=REDIRECT_URI,
            code_challenge_method="S256",
        ) as session:
            yield session

    def test_connects_from_discovery_to_user_information(self, sandbox, alice, session):
        known = httpx.get(f"{sandbox.url}/.well-known/openid-configuration").json()
        url, state = session.create_authorization_url(
            known["authorization_endpoint"], code_verifier=VERIFIER
        )
        back = sandbox.consent(url, email="alice@example.com")

        session.fetch_token(
            known["token_endpoint"],
            authorization_response=back,
            state=state,
            code_verifier=VERIFIER,
        )

        assert session.get(known["userinfo_endpoint"]).json()["sub"] == alice["sub"]
        assert session.revoke_token(known["revocation_endpoint"]).status_code == 200
        assert session.get(known["userinfo_endpoint"]).status_code == 401


@pytest.mark.usefixtures("alice")
class TestTokenInformation:
    def test_is_made_of_strings(self, sandbox, alice):
        token = sandbox.authorize("alice@example.com")["access_token"]

        shown = httpx.get(f"{sandbox.url}/tokeninfo", params={"access_token": token}).json()

        assert shown["sub"] == alice["sub"]
        assert shown["expires_in"].isdigit()

    def test_of_nonsense_is_an_error(self, sandbox):
        shown = httpx.get(f"{sandbox.url}/tokeninfo", params={"access_token": "x"})

        assert (shown.status_code, shown.json()["error"]) == (400, "invalid_token")
