import json
import threading
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from config.client.antares_client import (
    Antares,
    Credentials,
    DelegationEnded,
    ProblemError,
    Retries,
    TokenRefused,
    UnexpectedResponse,
    tokens,
)
from tests.accounts.cast import PEM_HEAD
from tests.client.conftest import CLIENT_ID, KEY
from tests.client.scripted_server import BROKEN, TOKEN_PATH, Answer, problem

ALICE, BOB = UUID(int=1), UUID(int=2)
PATH = "/v1/users/me/messages"
DONE = Answer(200, {"done": True})
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REFUSED = Answer(401, {"error": "invalid_client", "error_description": "Failed."})
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 600}


@pytest.fixture(autouse=True)
def _messages(server):
    server.script(PATH, DONE)


@pytest.fixture
def alice(antares):
    return antares.act_for_person(ALICE, purpose="inbox.display")


def used_tokens(server):
    return [one.headers["authorization"].removeprefix("Bearer ") for one in server.requests(PATH)]


class TestTokenRequest:
    def test_is_signed_for_the_token_endpoint(self, server, alice):
        alice.request("GET", PATH)

        [request] = server.requests(TOKEN_PATH)
        form = request.form
        token = jwt.decode(form.pop("client_assertion"), KEY, algorithms=["ES256"])
        assert form == {
            "grant_type": "client_credentials",
            "scope": "purpose:inbox.display",
            "delegation": str(ALICE),
            "client_assertion_type": ASSERTION,
        }
        claims = token.claims
        assert token.header == {"alg": "ES256", "typ": "JWT", "kid": "first"}
        assert claims["iss"] == claims["sub"] == CLIENT_ID
        assert claims["aud"] == f"{server.url}{TOKEN_PATH}"
        assert 0 < claims["exp"] - claims["iat"] <= 300

    def test_for_the_client_itself_names_nobody(self, server, antares):
        antares.act_for_client().request("GET", PATH)

        [request] = server.requests(TOKEN_PATH)
        assert request.form["scope"] == "client"
        assert "delegation" not in request.form

    def test_is_repeated_with_a_new_assertion(self, server, alice):
        busy = Answer(429, {"error": "temporarily_unavailable"}, {"Retry-After": "0"})
        server.script(TOKEN_PATH, BROKEN, busy, Answer(200, TOKEN))

        alice.request("GET", PATH)

        assertions = {one.form["client_assertion"] for one in server.requests(TOKEN_PATH)}
        assert len(assertions) == 3

    def test_is_not_repeated_after_a_refusal(self, server, alice):
        server.script(TOKEN_PATH, REFUSED)

        with pytest.raises(TokenRefused, match="401 invalid_client: Failed") as raised:
            alice.request("GET", PATH)

        assert not isinstance(raised.value, DelegationEnded)
        assert (server.count(TOKEN_PATH), server.count(PATH)) == (1, 0)

    def test_that_names_an_ended_delegation_says_so(self, server, alice):
        server.script(TOKEN_PATH, Answer(400, {"error": "invalid_grant"}))

        with pytest.raises(DelegationEnded):
            alice.request("GET", PATH)

    def test_ends_with_the_page_of_a_proxy(self, server, alice):
        server.script(TOKEN_PATH, Answer(403, b"<html>", media_type="text/html"))

        with pytest.raises(UnexpectedResponse) as raised:
            alice.request("GET", PATH)

        assert raised.value.status == 403

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            b"<html>",
            b"[" * 100_000,
            TOKEN | {"access_token": ""},
            TOKEN | {"access_token": 7},
            TOKEN | {"access_token": "two\r\nlines"},
            TOKEN | {"token_type": "mac"},
            TOKEN | {"expires_in": 0},
            TOKEN | {"expires_in": "600"},
            TOKEN | {"expires_in": -(10**400)},
            TOKEN | {"scope": "purpose:other"},
        ],
        ids=str,
    )
    def test_ends_with_an_answer_that_is_no_token(self, server, alice, body):
        server.script(TOKEN_PATH, Answer(200, body))

        with pytest.raises(UnexpectedResponse):
            alice.request("GET", PATH)

        assert server.count(PATH) == 0

    def test_of_a_busy_service_ends_with_its_problem(self, server, alice):
        server.script(TOKEN_PATH, problem(503, "busy", headers={"Retry-After": "99"}))

        with pytest.raises(ProblemError) as raised:
            alice.request("GET", PATH)

        assert (raised.value.code, raised.value.retry_after) == ("busy", 99.0)
        assert server.count(PATH) == 0

    def test_never_follows_a_redirect(self, server, alice):
        server.script(TOKEN_PATH, Answer(307, {}, {"Location": f"{server.url}/elsewhere"}))

        with pytest.raises(UnexpectedResponse):
            alice.request("GET", PATH)

        assert server.count("/elsewhere") == 0


class TestKeptToken:
    def test_serves_many_requests_of_one_person_and_purpose(self, server, antares):
        for _ in range(3):
            antares.act_for_person(ALICE, purpose="inbox.display").request("GET", PATH)
        antares.act_for_person(BOB, purpose="inbox.display").request("GET", PATH)
        antares.act_for_person(ALICE, purpose="calendar.schedule").request("GET", PATH)
        antares.act_for_client().request("GET", PATH)

        assert used_tokens(server) == [*["token-1"] * 3, "token-2", "token-3", "token-4"]

    def test_is_replaced_shortly_before_its_end(self, server, alice, monkeypatch):
        began_at = tokens.time.monotonic()
        clock = began_at
        monkeypatch.setattr(tokens.time, "monotonic", lambda: clock)

        for seconds in (0, 530, 541, 550):
            clock = began_at + seconds
            alice.request("GET", PATH)

        assert used_tokens(server) == ["token-1", "token-1", "token-2", "token-2"]

    def test_of_a_short_life_is_used_for_half_of_it(self, server, alice, monkeypatch):
        server.token_lifetime = 20
        began_at = tokens.time.monotonic()
        clock = began_at
        monkeypatch.setattr(tokens.time, "monotonic", lambda: clock)

        for seconds in (0, 9, 11):
            clock = began_at + seconds
            alice.request("GET", PATH)

        assert used_tokens(server) == ["token-1", "token-1", "token-2"]

    def test_is_requested_once_by_many_threads(self, server, alice):
        together = threading.Barrier(8)

        def work():
            together.wait()
            alice.request("GET", PATH)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert used_tokens(server) == ["token-1"] * 8
        assert server.count(TOKEN_PATH) == 1

    def test_whose_request_fails_fails_for_every_thread_that_waits(self, server, antares):
        grant = tokens.Grant.for_person(ALICE, "inbox.display")
        kept = antares._tokens._get_kept(grant)
        failures = []

        def work():
            try:
                antares._tokens.get_token(grant, ends_at=antares._retries.compute_end())
            except TokenRefused as error:
                failures.append(error.error)

        arrived = threading.Barrier(8)

        class Lock:
            """Lets a thread wait for the lock only when all have come."""

            def __init__(self):
                self.lock = threading.Lock()

            def __enter__(self):
                arrived.wait(10)
                self.lock.acquire()

            def __exit__(self, *_):
                self.lock.release()

        kept.lock = Lock()
        server.script(TOKEN_PATH, REFUSED)
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == ["invalid_client"] * 8
        assert server.count(TOKEN_PATH) == 1

    def test_is_requested_again_after_a_failure(self, server, alice):
        server.script(TOKEN_PATH, REFUSED, Answer(200, TOKEN))

        with pytest.raises(TokenRefused):
            alice.request("GET", PATH)

        assert alice.request("GET", PATH).json() == {"done": True}

    def test_leaves_the_memory_after_its_end(self, server, antares, monkeypatch):
        began_at = tokens.time.monotonic()
        clock = began_at
        monkeypatch.setattr(tokens.time, "monotonic", lambda: clock)

        for number in range(20):
            clock = began_at + number * 200
            antares.act_for_person(UUID(int=number), purpose="inbox.display").request("GET", PATH)

        assert len(antares._tokens._kept) <= 4


class TestTokenThatIsNotAccepted:
    UNKNOWN = problem(401, "not-authenticated")

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_is_replaced_once(self, server, alice, method):
        server.script(PATH, self.UNKNOWN, DONE)

        assert alice.request(method, PATH, json={"text": "x"}).json() == {"done": True}

        assert used_tokens(server) == ["token-1", "token-2"]

    def test_is_not_replaced_twice(self, server, alice):
        server.script(PATH, self.UNKNOWN)

        with pytest.raises(ProblemError) as raised:
            alice.request("GET", PATH)

        assert raised.value.code == "not-authenticated"
        assert used_tokens(server) == ["token-1", "token-2"]

    def test_is_not_replaced_for_a_file_that_was_read(self, server, alice, tmp_path):
        server.script(PATH, self.UNKNOWN)
        file = tmp_path / "file"
        file.write_bytes(b"bytes")

        with file.open("rb") as content, pytest.raises(ProblemError):
            alice.request("POST", PATH, content=content)

        assert [one.body for one in server.requests(PATH)] == [b"bytes"]

    def test_of_an_earlier_request_does_not_end_its_successor(self, antares, server):
        source, ends_at = antares._tokens, antares._retries.compute_end()
        grant = tokens.Grant.for_person(ALICE, "inbox.display")
        first = source.get_token(grant, ends_at=ends_at)
        source.discard_token(grant, first)
        second = source.get_token(grant, ends_at=ends_at)

        source.discard_token(grant, first)

        assert source.get_token(grant, ends_at=ends_at) == second == "token-2"


class TestRequest:
    @pytest.mark.parametrize("url", ["https://elsewhere.example/v1", "//elsewhere.example", "v1"])
    def test_sends_no_token_to_another_host(self, alice, server, url):
        with pytest.raises(ValueError, match="not a path"):
            alice.request("GET", url)

        assert server.received == []

    def test_never_follows_a_redirect(self, server, alice):
        server.script(PATH, Answer(302, {}, {"Location": f"{server.url}/elsewhere"}))

        with pytest.raises(UnexpectedResponse):
            alice.request("GET", PATH)

        assert server.count("/elsewhere") == 0


class TestCredentials:
    RSA = RSAKey.generate_key(2048)

    def make(self, **changed):
        values = {"client_id": "x", "private_key": KEY.as_dict(private=True)}
        return Credentials(**values | {"base_url": "https://antares.example"} | changed)

    @pytest.mark.parametrize("key", [KEY, RSA], ids=["EC", "RSA"])
    @pytest.mark.parametrize(
        "give",
        [
            lambda key: key.as_pem(private=True),
            lambda key: key.as_pem(private=True).decode(),
            lambda key: key.as_dict(private=True),
            lambda key: json.dumps(key.as_dict(private=True)),
        ],
        ids=["bytes", "text", "JWK", "JSON"],
    )
    def test_sign_with_each_kind_of_key(self, key, give):
        assertion = self.make(private_key=give(key)).make_assertion()

        assert jwt.decode(assertion, key, algorithms=["ES256", "RS256"]).claims["sub"] == "x"

    def test_never_sign_the_same_assertion_twice(self):
        credentials = self.make()

        assert credentials.make_assertion() != credentials.make_assertion()

    def test_name_the_key_if_told_to(self):
        assertion = self.make(private_key=KEY.as_pem(private=True), key_id="7").make_assertion()

        assert jwt.decode(assertion, KEY, algorithms=["ES256"]).header["kid"] == "7"

    @pytest.mark.parametrize(
        ("key", "says"),
        [
            ("", "neither PEM"),
            (PEM_HEAD, "neither PEM"),
            ("{", "neither PEM"),
            ({}, "neither PEM"),
            ({"kty": "EC", "crv": "P-256"}, "neither PEM"),
            (KEY.as_dict(private=False), "public key"),
            (KEY.as_pem(private=False), "public key"),
            (ECKey.generate_key("P-384").as_pem(private=True), "P-256"),
        ],
        ids=["empty", "PEM", "JSON", "JWK", "part", "public JWK", "public PEM", "P-384"],
    )
    def test_refuse_another_key_without_quoting_it(self, key, says):
        with pytest.raises(ValueError, match=says) as raised:
            self.make(private_key=key)

        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__ or raised.value.__context__ is None

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "antares.example",
            "http://antares.example",
            "ftp://antares.example",
            "https://",
            "https://user:password@antares.example",
            "https://antares.example?x=1",
        ],
    )
    def test_refuse_an_address_that_anyone_could_read(self, url):
        for name in ("base_url", "token_url"):
            if name == "token_url" and not url:
                continue
            with pytest.raises(ValueError, match="address"):
                self.make(**{name: url})

    def test_accept_this_machine_without_encryption(self):
        for url in ("http://localhost:8000/", "http://127.0.0.1:1", "http://[::1]:1"):
            assert self.make(base_url=url).token_url == f"{url.rstrip('/')}/oauth/token"

    def test_show_no_key(self):
        credentials = self.make()

        assert KEY.as_dict(private=True)["d"] not in repr(credentials) + str(vars(credentials))

    def test_need_a_name(self):
        with pytest.raises(ValueError, match="client_id"):
            self.make(client_id="")


class TestAntares:
    def test_closes_its_connections(self, credentials):
        with Antares(credentials, retries=Retries(attempts=1)) as antares:
            pass

        with pytest.raises(RuntimeError, match="closed"):
            antares.act_for_client().request("GET", PATH)
