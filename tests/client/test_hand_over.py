"""
The hand-over, against what the token endpoint answers to `authorization_code`.

`tests/client/test_service.py` does the same at the service itself.
"""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.client.antares_client import (
    HandedOver,
    HandOverDeclined,
    HandOverFailed,
    PendingHandOver,
    TokenRefused,
    UnexpectedResponse,
    hand_over,
)
from tests.client.scripted_server import BROKEN, TOKEN_PATH, Answer

BACK = "https://feature.example/back?kept=yes"
DELEGATION, USER = UUID(int=3), UUID(int=4)
PATH = "/v1/users/me/messages"
EXCHANGED = {
    "access_token": "first-token",
    "token_type": "Bearer",
    "expires_in": 600,
    "scope": "purpose:inbox.display",
    "delegation": str(DELEGATION),
    "user": str(USER),
    "platform_user": "platform-alice",
}


@pytest.fixture
def begun(antares):
    return antares.begin_hand_over(purpose="inbox.display", redirect_uri=BACK)


@pytest.fixture
def pending(begun):
    return begun[1]


@pytest.fixture
def answer(server, pending):
    """Return the query of the redirect back, with some parameters changed."""

    def build(**changed):
        given = {"code": "the-code", "state": pending.state, "iss": server.url} | changed
        return urlencode({name: value for name, value in given.items() if value is not None})

    server.script(TOKEN_PATH, Answer(200, EXCHANGED))
    return build


class TestBeginning:
    def test_asks_for_one_purpose_with_a_challenge(self, server, begun):
        url, pending = begun

        parts = urlsplit(url)
        digest = sha256(pending.code_verifier.encode()).digest()
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{server.url}/oauth/authorize"
        assert {name: value for name, [value] in parse_qs(parts.query).items()} == {
            "response_type": "code",
            "client_id": "widget",
            "redirect_uri": BACK,
            "scope": "purpose:inbox.display",
            "state": pending.state,
            "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        assert 43 <= len(pending.code_verifier) <= 128
        assert pending.code_verifier not in url

    def test_is_different_each_time(self, antares, pending):
        _, other = antares.begin_hand_over(purpose="inbox.display", redirect_uri=BACK)

        assert other.state != pending.state
        assert other.code_verifier != pending.code_verifier

    def test_survives_a_session_of_text(self, pending):
        assert PendingHandOver.from_dict(json.loads(json.dumps(pending.to_dict()))) == pending

    def test_shows_no_secret(self, pending):
        assert pending.code_verifier not in repr(pending)
        assert pending.state not in repr(pending)


class TestCompletion:
    def test_exchanges_the_code_and_keeps_the_token(self, server, antares, pending, answer):
        server.script(PATH, Answer(200, {"done": True}))

        handed_over = antares.complete_hand_over(pending, answer())
        antares.act_for_person(DELEGATION, purpose="inbox.display").request("GET", PATH)

        assert handed_over == HandedOver(DELEGATION, USER, "platform-alice", "inbox.display")
        [exchange] = server.requests(TOKEN_PATH)
        form = exchange.form
        assert form.pop("client_assertion")
        assert form.pop("client_assertion_type")
        assert form == {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": BACK,
            "code_verifier": pending.code_verifier,
        }
        assert server.requests(PATH)[0].headers["authorization"] == "Bearer first-token"

    def test_takes_the_query_with_its_question_mark(self, antares, pending, answer):
        assert antares.complete_hand_over(pending, f"?{answer()}").user == USER

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"state": None}, "state"),
            ({"state": ""}, "state"),
            ({"state": "another"}, "state"),
            ({"state": "é"}, "state"),
            ({"iss": None}, "iss"),
            ({"iss": "https://other.example"}, "iss"),
            ({"code": None}, "code"),
            ({"code": ""}, "code"),
            ({"code": None, "error": "server_error"}, "server_error"),
            # Checked first: a stranger can make a redirect with any error.
            ({"state": "another", "error": "access_denied"}, "state"),
            ({"iss": "https://other.example", "error": "access_denied"}, "iss"),
        ],
    )
    def test_refuses_a_redirect_of_another_hand_over(  # noqa: PLR0917 - fixtures
        self, server, antares, pending, answer, changed, error
    ):
        with pytest.raises(HandOverFailed) as raised:
            antares.complete_hand_over(pending, answer(**changed))

        assert raised.value.error == error
        assert not isinstance(raised.value, HandOverDeclined)
        assert server.count(TOKEN_PATH) == 0

    def test_refuses_a_repeated_parameter(self, server, antares, pending, answer):
        for query in (f"{answer()}&code=other", f"{answer()}&" + "x=1&" * 50):
            with pytest.raises(HandOverFailed, match="query"):
                antares.complete_hand_over(pending, query)

        assert server.count(TOKEN_PATH) == 0

    def test_says_that_the_person_declined(self, server, antares, pending, answer):
        query = answer(code=None, error="access_denied", error_description="They said no.")

        with pytest.raises(HandOverDeclined, match="They said no"):
            antares.complete_hand_over(pending, query)

        assert server.count(TOKEN_PATH) == 0

    @pytest.mark.parametrize("fault", [BROKEN, Answer(200, EXCHANGED, is_cut=True)])
    def test_sends_the_code_once_though_the_connection_breaks(
        self, server, antares, pending, answer, fault
    ):
        query = answer()
        server.script(TOKEN_PATH, fault, Answer(200, EXCHANGED))

        with pytest.raises(httpx.RemoteProtocolError):
            antares.complete_hand_over(pending, query)

        assert server.count(TOKEN_PATH) == 1

    @pytest.mark.parametrize("status", [400, 401, 429, 503])
    def test_sends_the_code_once_though_the_server_refuses(
        self, server, antares, pending, answer, status
    ):
        query = answer()
        refusal = Answer(status, {"error": "invalid_grant"}, {"Retry-After": "0"})
        server.script(TOKEN_PATH, refusal, Answer(200, EXCHANGED))

        with pytest.raises(TokenRefused, match="invalid_grant"):
            antares.complete_hand_over(pending, query)

        assert server.count(TOKEN_PATH) == 1

    @pytest.mark.parametrize(
        "changed",
        [
            {"delegation": "x"},
            {"delegation": None},
            {"user": 7},
            {"platform_user": None},
            {"scope": "purpose:other"},
        ],
        ids=str,
    )
    def test_refuses_an_answer_without_its_members(self, server, antares, pending, answer, changed):
        query = answer()
        server.script(TOKEN_PATH, Answer(200, EXCHANGED | changed))

        with pytest.raises(UnexpectedResponse):
            antares.complete_hand_over(pending, query)

    @given(st.text(max_size=200))
    def test_never_takes_a_code_from_other_text(self, query):
        pending = hand_over.make_pending_hand_over(purpose="p", redirect_uri=BACK)

        with pytest.raises(HandOverFailed):
            hand_over.read_redirect(_Issuer("https://antares.example"), pending, query)


class _Issuer:
    def __init__(self, base_url):
        self.base_url = base_url
