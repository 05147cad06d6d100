"""Headers of answers that no view made, and the name of the server, as they come from granian."""

from __future__ import annotations

import pytest

from config.browser_headers import ALLOWED_FEATURES, DISABLED_FEATURES, HEADERS
from tests.front.wire import make_post

# Answers of the front: its probe, an address that is not UTF-8, a body that is too large.
OF_THE_FRONT = {
    "/healthz": 200,
    "/%ff": 400,
}


class TestEveryAnswer:
    @pytest.mark.parametrize("target", ["/", "/healthz", "/%ff", "/stream?1"])
    def test_does_not_name_the_server(self, server, target):
        answer = server.get(target)

        assert answer.headers.get_list("Server") == [""]

    @pytest.mark.parametrize(
        "sent", [b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET /\0 HTTP/1.1\r\n\r\n"]
    )
    def test_of_the_server_itself_does_not_name_it_either(self, server, sent):
        with server.connect(sent) as client:
            head = client.read_head().lower()

        assert b"http/1.1 400" in head
        assert b"granian" not in head
        assert b"server:" not in head


class TestAnAnswerOfTheFront:
    @pytest.mark.parametrize(("target", "status"), OF_THE_FRONT.items())
    def test_has_the_headers_of_every_page(self, server, target, status):
        answer = server.get(target)

        assert answer.status_code == status
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS

    def test_has_them_when_it_refuses_a_body(self, server):
        with server.connect(make_post("/", b"x" * 100_000)) as client:
            answer = client.read_answer()

        assert answer.status == 413
        assert {name: answer.headers[name.lower()] for name in HEADERS} == HEADERS


class TestPermissionsPolicy:
    def test_leaves_security_keys_to_our_pages_and_nothing_to_others(self):
        parts = dict(part.split("=") for part in HEADERS["Permissions-Policy"].split(", "))

        assert {name for name, to in parts.items() if to == "(self)"} == set(ALLOWED_FEATURES)
        assert set(parts.values()) == {"()", "(self)"}
        assert set(parts) == {name for names in DISABLED_FEATURES.values() for name in names} | set(
            ALLOWED_FEATURES
        )
