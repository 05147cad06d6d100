"""OAuth against the sandbox, and against answers that Google gives on bad days."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from integrations.providers import errors, oauth_client
from integrations.providers.google.google_config import GOOGLE
from integrations.providers.oauth_client import GrantRevocationResult
from tests.integrations.providers.conftest import endpoints_at
from tests.worlds.sandbox import GMAIL_READONLY, REDIRECT_URI

ALICE = "alice@example.com"
VERIFIER = "v" * 64
NONCE = "nonce-" + "n" * 32
SCOPES = GOOGLE.list_scopes_for(frozenset({"mail.read"}))


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def connect(sandbox, endpoints):
    sandbox.seed(ALICE, size=0)

    def begin_consent(**consent) -> str:
        address = oauth_client.authorize_url(
            GOOGLE,
            endpoints,
            redirect_uri=REDIRECT_URI,
            scopes=SCOPES,
            state="the-state",
            nonce=NONCE,
            code_verifier=VERIFIER,
            login_hint=ALICE,
        )
        back = sandbox.consent(address, email=ALICE, **consent)
        return parse_qs(urlsplit(back).query)["code"][0]

    return begin_consent


@pytest.fixture
def exchange(endpoints):
    def exchange_code(code: str, **changed):
        wanted = {
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            "nonce": NONCE,
            "at": now(),
        }
        return oauth_client.exchange_code(GOOGLE, endpoints, **{**wanted, **changed})

    return exchange_code


def has_no_context(error: BaseException) -> bool:
    return error.__cause__ is None and error.__context__ is None


class TestAuthorizeUrl:
    @pytest.mark.scenario("A10")
    def test_asks_for_no_more_than_the_feature_takes(self, endpoints):
        address = oauth_client.authorize_url(
            GOOGLE,
            endpoints,
            redirect_uri=REDIRECT_URI,
            scopes=SCOPES,
            state="s",
            nonce="n",
            code_verifier=VERIFIER,
        )

        asked = dict(parse_qsl(urlsplit(address).query))
        assert set(asked.pop("scope").split()) == {"openid", "email", GMAIL_READONLY}
        assert VERIFIER not in address
        assert len(asked.pop("code_challenge")) == 43
        assert asked == {
            "response_type": "code",
            "client_id": endpoints.client_id,
            "redirect_uri": REDIRECT_URI,
            "state": "s",
            "nonce": "n",
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
        }


class TestExchange:
    def test_gives_tokens_and_who_gave_them(self, connect, exchange, sandbox):
        at = now()

        tokens = exchange(connect(), at=at)

        assert tokens.refresh_token
        assert tokens.granted_scopes == SCOPES
        assert tokens.expires_at == at + timedelta(seconds=3_599 - 60)
        assert (tokens.identity.email, tokens.identity.email_verified) == (ALICE, True)
        assert tokens.identity.subject == sandbox.grants(ALICE)[0].get(
            "sub", tokens.identity.subject
        )

    @pytest.mark.scenario("A5")
    @pytest.mark.invariant(11)
    def test_believes_the_answer_about_scopes(self, connect, exchange):
        tokens = exchange(connect(untick=(GMAIL_READONLY,)))

        assert tokens.granted_scopes == {"openid", "email"}

    def test_says_when_the_grant_itself_will_end(self, connect, exchange, sandbox):
        sandbox.dial(grant_seconds=3_600)
        at = now()

        tokens = exchange(connect(), at=at)

        assert at < tokens.refresh_expires_at <= at + timedelta(hours=1)

    def test_shows_no_token_when_it_is_printed(self, connect, exchange):
        tokens = exchange(connect())

        assert tokens.access_token not in repr(tokens)
        assert tokens.refresh_token not in repr(tokens)

    @pytest.mark.parametrize("changed", [{"code_verifier": "w" * 64}, {"code": "4/none"}])
    def test_rejects_a_code_that_is_not_ours(self, connect, exchange, changed):
        code = connect()

        with pytest.raises(errors.CodeRejected) as caught:
            exchange(**{"code": code, **changed})

        assert has_no_context(caught.value)

    def test_works_once(self, connect, exchange):
        code = connect()
        exchange(code)

        with pytest.raises(errors.CodeRejected):
            exchange(code)

    def test_leaves_a_nonce_of_another_session(self, connect, exchange):
        with pytest.raises(errors.IdentityRejected) as caught:
            exchange(connect(), nonce="another")

        assert (caught.value.reason, has_no_context(caught.value)) == ("nonce", True)

    def test_takes_the_issuer_without_its_scheme(self, connect, endpoints, sandbox):
        sandbox.dial(id_token_flaw="bare_iss")

        tokens = oauth_client.exchange_code(
            GOOGLE,
            replace(endpoints, issuer=GOOGLE.issuer),
            code=connect(),
            redirect_uri=REDIRECT_URI,
            code_verifier=VERIFIER,
            nonce=NONCE,
            at=now(),
        )

        assert tokens.identity.email == ALICE

    @pytest.mark.scenario("A8")
    @pytest.mark.parametrize(
        ("flaw", "reason"),
        [
            ("iss", "iss"),
            ("aud", "aud"),
            ("azp", "azp"),
            ("nonce", "nonce"),
            ("missing_nonce", "nonce"),
            ("alg_none", "alg"),
            ("alg_hs256", "alg"),
            ("kid", "kid"),
            ("signature", "signature"),
            ("missing_sub", "sub"),
            ("sub", "sub"),
            ("expired", "exp"),
            ("future_iat", "iat"),
            ("at_hash", "at_hash"),
        ],
    )
    def test_refuses_each_forged_claim(self, connect, exchange, sandbox, flaw, reason):
        sandbox.dial(id_token_flaw=flaw)

        if flaw == "sub":
            assert exchange(connect()).identity.subject
            return
        with pytest.raises(errors.IdentityRejected) as caught:
            exchange(connect())

        assert (caught.value.reason, has_no_context(caught.value)) == (reason, True)


class TestRefresh:
    @pytest.mark.scenario("R9")
    @pytest.mark.scenario("R4")
    def test_sends_no_scope_and_keeps_what_does_not_come(
        self, connect, exchange, endpoints, sandbox
    ):
        first = exchange(connect())
        sandbox.clear_journal()

        second = oauth_client.refresh_tokens(
            GOOGLE, endpoints, refresh_token=first.refresh_token, at=now()
        )

        (request,) = sandbox.requests("/token")
        assert "scope" not in str(request["body"])
        assert second.refresh_token is None
        assert second.access_token != first.access_token
        assert second.granted_scopes in (None, SCOPES)

    @pytest.mark.scenario("R3")
    def test_hands_over_a_new_refresh_token(self, connect, exchange, endpoints, sandbox):
        first = exchange(connect())
        sandbox.dial(rotate_refresh_tokens=True)

        second = oauth_client.refresh_tokens(
            GOOGLE, endpoints, refresh_token=first.refresh_token, at=now()
        )
        third = oauth_client.refresh_tokens(
            GOOGLE, endpoints, refresh_token=second.refresh_token, at=now()
        )

        assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3

    @pytest.mark.scenario("R7")
    def test_asks_once_about_a_dead_grant(self, connect, exchange, endpoints, sandbox):
        tokens = exchange(connect())
        sandbox.revoke_grant(ALICE)
        sandbox.clear_journal()

        with pytest.raises(errors.GrantRevoked) as caught:
            oauth_client.refresh_tokens(
                GOOGLE, endpoints, refresh_token=tokens.refresh_token, at=now()
            )

        assert (sandbox.calls("/token"), has_no_context(caught.value)) == (1, True)

    @pytest.mark.invariant(10)
    @pytest.mark.scenario("R5")
    @pytest.mark.scenario("A7")
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ({"problem": "invalid_grant"}, errors.GrantRevoked),
            ({"problem": "invalid_rapt"}, errors.GrantRevoked),
            ({"problem": "invalid_client"}, errors.InvalidClient),
            ({"problem": "admin_policy_enforced"}, errors.AdminBlocked),
            ({"problem": "invalid_scope"}, errors.Unexpected),
            ({"status": 429, "body": {"error": "rate_limit_exceeded"}}, errors.RateLimited),
            ({"status": 400, "body": {"error": "temporarily_unavailable"}}, errors.Unavailable),
            ({"status": 500, "body": {"error": "invalid_grant"}}, errors.Unavailable),
            ({"status": 503, "body": "<html>busy</html>"}, errors.Unavailable),
            ({"status": 400, "body": "<html>proxy</html>"}, errors.Unavailable),
            ({"status": 200, "body": "<html>portal</html>"}, errors.Unavailable),
            ({"status": 302, "body": ""}, errors.Unavailable),
            ({"drop": "before"}, errors.Unavailable),
            ({"drop": "after"}, errors.Unavailable),
        ],
    )
    def test_tells_a_dead_grant_from_a_bad_day(  # noqa: PLR0917
        self, connect, exchange, endpoints, sandbox, fault, kind
    ):
        tokens = exchange(connect())
        sandbox.fail_next(path_prefix="/token", **fault)

        with pytest.raises(errors.ProviderError) as caught:
            oauth_client.refresh_tokens(
                GOOGLE, endpoints, refresh_token=tokens.refresh_token, at=now()
            )

        assert type(caught.value) is kind
        assert has_no_context(caught.value)
        assert oauth_client.refresh_tokens(
            GOOGLE, endpoints, refresh_token=tokens.refresh_token, at=now()
        )

    @pytest.mark.invariant(4)
    def test_passes_on_no_word_that_nobody_knows(self, connect, exchange, endpoints, sandbox):
        tokens = exchange(connect())
        body = {"error": "cnry-anybodys-text", "error_subtype": "cnry-more"}
        sandbox.fail_next(path_prefix="/token", status=400, body=body)

        with pytest.raises(errors.Unexpected) as caught:
            oauth_client.refresh_tokens(
                GOOGLE, endpoints, refresh_token=tokens.refresh_token, at=now()
            )

        assert caught.value.reason == ""

    @pytest.mark.scenario("R6")
    @pytest.mark.parametrize("life", [0, -1, 3_599_000, "soon", None, True, 1e300])
    def test_rejects_an_implausible_expiry(self, connect, exchange, endpoints, sandbox, life):
        tokens = exchange(connect())
        answer = {"access_token": "ya29.x", "token_type": "Bearer", "expires_in": life}
        sandbox.fail_next(path_prefix="/token", status=200, body=answer)

        with pytest.raises(errors.Unexpected) as caught:
            oauth_client.refresh_tokens(
                GOOGLE, endpoints, refresh_token=tokens.refresh_token, at=now()
            )

        assert caught.value.reason == "expires_in"

    @pytest.mark.parametrize("life", [30, "30"])
    def test_uses_half_of_a_very_short_life(self, connect, exchange, endpoints, sandbox, life):
        tokens = exchange(connect())
        answer = {"access_token": "ya29.x", "token_type": "Bearer", "expires_in": life}
        sandbox.fail_next(path_prefix="/token", status=200, body=answer)
        at = now()

        found = oauth_client.refresh_tokens(
            GOOGLE, endpoints, refresh_token=tokens.refresh_token, at=at
        )

        assert found.expires_at == at + timedelta(seconds=15)

    def test_finds_nobody_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nobody = endpoints_at(f"http://127.0.0.1:{taken.getsockname()[1]}")
            with pytest.raises(errors.Unavailable) as caught:
                oauth_client.refresh_tokens(GOOGLE, nobody, refresh_token="1//x", at=now())

        assert has_no_context(caught.value)


class TestRevoke:
    def test_is_confirmed_and_then_already_gone(self, connect, exchange, endpoints, sandbox):
        tokens = exchange(connect())
        sandbox.clear_journal()

        first = oauth_client.revoke_token(endpoints, token=tokens.refresh_token)
        second = oauth_client.revoke_token(endpoints, token=tokens.refresh_token)

        assert (first, second) == (
            GrantRevocationResult.CONFIRMED,
            GrantRevocationResult.ALREADY_GONE,
        )
        assert [len(parse_qsl(str(sent["body"]))) for sent in sandbox.requests("/revoke")] == [1, 1]

    @pytest.mark.parametrize("fault", [{"status": 503, "body": "busy"}, {"drop": "before"}])
    def test_is_not_believed_without_an_answer(self, connect, exchange, endpoints, sandbox, fault):
        tokens = exchange(connect())
        sandbox.fail_next(path_prefix="/revoke", **fault)

        with pytest.raises(errors.Unavailable):
            oauth_client.revoke_token(endpoints, token=tokens.refresh_token)


class TestProviderKeySet:
    def test_are_fetched_again_when_the_provider_rotates(self, connect, exchange, sandbox):
        exchange(connect())
        sandbox.rotate_keys()

        assert exchange(connect(), at=now() + timedelta(seconds=61)).identity.email == ALICE
