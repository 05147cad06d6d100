"""The sandbox's Microsoft: a handle on its accounts, and a person at its pages. Free of Django."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.worlds.sandbox import CLIENT_ID, CLIENT_SECRET, Sandbox

REDIRECT_URI = "http://localhost:8000/connect/microsoft/callback"
SIGN_IN = "openid profile offline_access User.Read"
MAIL = f"{SIGN_IN} Mail.ReadWrite Mail.Send MailboxSettings.Read"
CALENDARS = f"{SIGN_IN} Calendars.ReadWrite"
EVERYTHING = f"{MAIL} Calendars.ReadWrite"
VERIFIER = "v" * 64
# What people do there, as the page's buttons say it.
ACCEPT, CANCEL, REQUEST = "accept", "cancel", "request"


def challenge(verifier: str = VERIFIER) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def graph_id(oid: str, control_id: str) -> str:
    """What Graph calls, immutably, the message that the control plane calls `control_id`."""
    inside = hashlib.sha256(oid.encode()).digest()[:24] + int(control_id, 16).to_bytes(12, "big")
    return "AAkALg" + base64.urlsafe_b64encode(inside).decode()


def control_id(message_id: str) -> str:
    """What the control plane calls the message with that id of Graph's."""
    inside = base64.urlsafe_b64decode(message_id.removeprefix("AAkALg"))
    return f"{int.from_bytes(inside[24:], 'big'):016x}"


class Stayed(Exception):
    """The person is still on Microsoft's page, which says this."""


class MicrosoftSandbox:
    """`url` is authority and Graph in one. Controls are those of the sandbox's README."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.url = sandbox, sandbox.url

    def control(self, command: str, **values: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.sandbox.control_url}/_control/{command}", json=values)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(answer.text)
        return dict(answer.json())

    def look(self, command: str, **values: Any) -> dict[str, Any]:
        return dict(
            httpx.get(f"{self.sandbox.control_url}/_control/{command}", params=values).json()
        )

    def register_client(self, **more: Any) -> None:
        self.sandbox.register_client(redirect_uris=(REDIRECT_URI,), **more)

    def seed(self, email: str, **more: Any) -> dict[str, Any]:
        return self.control("microsoft/accounts", email=email, **more)

    def deliver(self, email: str, *, raw: bytes | None = None, **more: Any) -> dict[str, Any]:
        """The control plane's own account of the message; see `graph_id`."""
        if raw is not None:
            more["raw"] = base64.urlsafe_b64encode(raw).decode()
        return self.mail("deliver", email, **more)

    def mail(self, verb: str, email: str, **more: Any) -> dict[str, Any]:
        """`delete`, `trash`, `labels`, `expire-history`: those of the control plane's `mail/`."""
        return self.control(f"mail/{verb}", email=email, provider="microsoft", **more)

    def authorize_url(self, path: str = "common", **changes: str) -> str:
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": EVERYTHING,
            "state": "some-state",
            "nonce": "some-nonce",
            "code_challenge": challenge(),
            "code_challenge_method": "S256",
        } | changes
        shown = urlencode({name: value for name, value in query.items() if value})
        return f"{self.url}/{path}/oauth2/v2.0/authorize?{shown}"

    def admin_url(self, path: str = "organizations", **changes: str) -> str:
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "state": "some-state",
            "scope": "https://graph.microsoft.com/Mail.ReadWrite Calendars.ReadWrite",
        } | changes
        return f"{self.url}/{path}/v2.0/adminconsent?{urlencode(query)}"

    def visit(self, url: str, *decisions: str, account: str = "") -> dict[str, str]:
        """
        Go there and press these buttons, page by page; what the client is told at the end.

        :raises Stayed: Microsoft keeps the person on its page
        """
        page = httpx.get(url)
        for decision in decisions:
            if page.is_redirect:
                break
            page = self._press(page, decision, account)
        if not page.is_redirect:
            raise Stayed(unescape(page.text))
        query = urlsplit(str(page.headers["location"])).query
        return {name: values[0] for name, values in parse_qs(query).items()}

    def _press(self, page: httpx.Response, decision: str, account: str) -> httpx.Response:
        action = re.search(r'<form method="post" action="([^"]+)"', page.text)
        if action is None:
            raise Stayed(unescape(page.text))
        fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page.text))
        form = {"request": fields["request"], "decision": decision}
        form["account"] = account or unescape(fields.get("account", ""))
        return httpx.post(f"{self.url}{action[1]}", data=form)

    def token(self, path: str = "common", **form: str) -> httpx.Response:
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return httpx.post(f"{self.url}/{path}/oauth2/v2.0/token", data=client | form)

    def exchange(self, code: str, path: str = "common", **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return self.token(path, **(form | changes))

    def refresh(self, token: str, **more: str) -> httpx.Response:
        return self.token(grant_type="refresh_token", refresh_token=token, **more)

    def authorize(self, email: str, scope: str = EVERYTHING, **changes: str) -> dict[str, Any]:
        """A token answer for the registered client, by the whole code flow."""
        more = {"scope": scope, "login_hint": email} | changes
        back = self.visit(self.authorize_url(**more), ACCEPT)
        return dict(self.exchange(back["code"]).json())

    def graph(self, token: str, **headers: str) -> httpx.Client:
        """Graph for whoever holds this token, without any SDK."""
        carried = {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'} | headers
        return httpx.Client(base_url=f"{self.url}/v1.0", headers=carried, timeout=60)
