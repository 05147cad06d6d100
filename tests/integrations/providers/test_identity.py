"""Claims that the sandbox cannot forge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from integrations.providers import errors, id_tokens
from integrations.providers.id_tokens import ExpectedClaims, SigningKeyCache

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, {"kid": "one"})
EXPECTED = ExpectedClaims("https://accounts.google.com", "us", "n1", "ya29.x")
GOOD = {
    "iss": "https://accounts.google.com",
    "aud": "us",
    "azp": "us",
    "sub": "1234567890",
    "email": "alice@example.com",
    "email_verified": True,
    "nonce": "n1",
    "iat": int(AT.timestamp()),
    "exp": int(AT.timestamp()) + 3_600,
}


@pytest.fixture
def certs():
    """A key page; how often it was read is in `reads`."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            server.reads += 1
            body = orjson.dumps({"keys": [KEY.as_dict(private=False)]})
            self.send_response(server.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.reads, server.status = 0, 200
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def keys(certs):
    return SigningKeyCache(f"http://127.0.0.1:{certs.server_port}/")


def signed(header: dict | None = None, **changed: object) -> str:
    claims = {**GOOD, **changed}
    claims = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode({"alg": "RS256", "kid": "one", **(header or {})}, claims, KEY)


class TestVerifyIdToken:
    def test_accepts_what_is_right(self, keys):
        who = id_tokens.verify_id_token(signed(), EXPECTED, keys=keys, at=AT)

        assert (who.subject, who.email_verified) == ("1234567890", True)

    @pytest.mark.scenario("A8")
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"events": {"https://schemas.openid.net/x": {}}}, "events"),
            ({"iss": "https://accounts.google.com/"}, "iss"),
            ({"iss": ["https://accounts.google.com"]}, "iss"),
            ({"iss": ...}, "iss"),
            ({"aud": ["us"]}, "aud"),
            ({"aud": ["us", "them"]}, "aud"),
            ({"aud": "them", "azp": "us"}, "aud"),
            ({"aud": ...}, "aud"),
            ({"azp": "them"}, "azp"),
            ({"exp": int(AT.timestamp()) - 61}, "exp"),
            ({"exp": "9999999999"}, "exp"),
            ({"exp": True}, "exp"),
            ({"exp": ...}, "exp"),
            ({"iat": int(AT.timestamp()) + 61}, "iat"),
            ({"iat": ...}, "iat"),
            ({"nonce": ...}, "nonce"),
            ({"nonce": 1}, "nonce"),
            ({"sub": ""}, "sub"),
            ({"sub": 123}, "sub"),
            ({"sub": "1" * 256}, "sub"),
            ({"sub": "é"}, "sub"),
            ({"at_hash": "x"}, "at_hash"),
        ],
    )
    def test_refuses_each_wrong_claim(self, keys, changed, reason):
        with pytest.raises(errors.IdentityRejected) as caught:
            id_tokens.verify_id_token(signed(**changed), EXPECTED, keys=keys, at=AT)

        assert caught.value.reason == reason
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    def test_accepts_the_issuer_without_its_scheme(self, keys):
        token = signed(iss="accounts.google.com")

        assert id_tokens.verify_id_token(token, EXPECTED, keys=keys, at=AT).subject == "1234567890"

    @pytest.mark.parametrize("email_verified", ["true", 1, None, False])
    def test_takes_only_true_for_verified(self, keys, email_verified):
        who = id_tokens.verify_id_token(
            signed(email_verified=email_verified), EXPECTED, keys=keys, at=AT
        )

        assert who.email_verified is False

    @pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20_000, "e30.e30.e30", "é.é", "bnVs.a.b"])
    def test_refuses_what_is_no_token(self, keys, token):
        with pytest.raises(errors.IdentityRejected):
            id_tokens.verify_id_token(token, EXPECTED, keys=keys, at=AT)

    def test_refuses_an_empty_nonce_of_ours(self, keys):
        expected = ExpectedClaims(EXPECTED.issuer, "us", "", "ya29.x")

        with pytest.raises(errors.IdentityRejected):
            id_tokens.verify_id_token(signed(nonce=""), expected, keys=keys, at=AT)


class TestKeyCache:
    def test_asks_once_for_many(self, keys, certs):
        for _ in range(5):
            id_tokens.verify_id_token(signed(), EXPECTED, keys=keys, at=AT)

        assert certs.reads == 1

    def test_is_not_made_to_ask_by_made_up_names(self, keys, certs):
        keys.find_key("one", at=AT)
        for second in range(50):
            assert keys.find_key(f"made-up-{second}", at=AT + timedelta(seconds=second)) is None

        assert certs.reads == 1
        assert keys.find_key("made-up", at=AT + timedelta(seconds=61)) is None
        assert certs.reads == 2

    def test_keeps_its_keys_while_the_page_is_down(self, keys, certs):
        keys.find_key("one", at=AT)
        certs.status = 503

        assert keys.find_key("one", at=AT + timedelta(days=1)) is not None

    def test_says_so_when_it_has_none(self, keys, certs):
        certs.status = 503

        with pytest.raises(errors.Unavailable):
            keys.find_key("one", at=AT)
