"""What is sent in the place of a security key's answer: refused on the page, and no 500."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.accounts.cast import PASSWORD, person
from tests.api import cast

pytestmark = [pytest.mark.django_db, pytest.mark.control("2.7.1")]

TEXTS = (
    "[" * 9_000, "[" * 950 + "]" * 950, "9" * 5_000, "NaN", "1e999", "[]", "1", "null", '"x"', "{}",
    '"\\ud800"', "\0", "{", "",
)  # fmt: skip


def encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def credentials() -> Iterator[str]:
    """Return texts that are no credential, each for another parser."""
    yield from TEXTS
    sound = b'{"type":"webauthn.get","challenge":"AAAA","origin":"http://localhost"}'
    data = ("\u00e9", "A", 5, None, *map(encode_base64url, (
        b"[" * 9_000, b"9" * 5_000, b"{}", b"1", b"\xff", sound[:-12] + b'[::"}',
        b'{"type":"webauthn.create","challenge":5,"origin":[]}',
    )))  # fmt: skip
    authenticator = b"\xa3\x63fmt\x64none\x68authData\x58\x25" + bytes(32) + b"\x45" + bytes(4)
    objects = ("A", None, 5, *map(encode_base64url, (
        b"\x81" * 5_000, b"\x9b" + b"\xff" * 8, bytes(37), authenticator + b"\x67attStmt\xa0",
    )))  # fmt: skip
    for each in data:
        yield write_credential(
            each, attestationObject="AAAA", authenticatorData="AAAA", signature="AAAA"
        )
    for each in objects:
        yield write_credential(encode_base64url(sound), attestationObject=each)
        yield write_credential(
            encode_base64url(sound), authenticatorData=each, signature="AAAA", userHandle=each
        )
    yield json.dumps({"id": 5, "rawId": [], "type": None, "response": 5})


def write_credential(client_data: object, **response: object) -> str:
    """Return a credential of the form that browsers give it."""
    more = {"response": {"clientDataJSON": client_data, **response}}
    return json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", **more})


class TestAnAnswerOfAKey:
    @pytest.fixture
    def alice(self):
        user = person("alice")
        cast.security_key(user)
        return user

    def statuses(self, browser: Client, page: str) -> set[int]:
        browser.raise_request_exception = False
        path, found = reverse(page), set()
        # Begins a ceremony, which goes on until an answer is right.
        browser.get(path)
        for credential in credentials():
            # The limits of these pages are not the subject.
            cache.clear()
            answer = browser.post(path, {"credential": credential, "name": "x"})
            found.add(answer.status_code)
        return found

    def test_that_is_none_does_not_sign_in(self, alice):
        browser = Client()
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

        assert max(self.statuses(browser, "mfa_authenticate")) < 500
        assert "_auth_user_id" not in browser.session

    def test_that_is_none_does_not_confirm(self, alice):
        browser = cast.browser(alice)
        before = browser.session["account_authentication_methods"]

        assert max(self.statuses(browser, "mfa_reauthenticate_webauthn")) < 500
        assert browser.session["account_authentication_methods"] == before

    def test_that_is_none_adds_no_key(self, alice):
        browser = cast.browser(alice, mfa=True, recent=True)

        assert self.statuses(browser, "mfa_add_webauthn") == {200}
        assert alice.authenticator_set.count() == 1
