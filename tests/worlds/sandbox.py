"""The sandbox as a process, with a handle on its control plane. Free of Django."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from config.embedded import tcp_ports

ROOT = Path(__file__).parents[2]
CLIENT_ID = "antares-test.apps.googleusercontent.com"
CLIENT_SECRET = "sandbox-secret"
REDIRECT_URI = "http://localhost:8000/connections/google/callback"
# What is no method of an API is counted by its path.
COUNTED_PATHS = {"/token", "/revoke"}
GMAIL_READONLY = "https://www.googleapis.com/auth/gmail.readonly"
STARTUP_SECONDS = 30


class Sandbox:
    """`url` speaks Google, `control_url` is ours. Every verb is a control of the README's table."""

    def __init__(self, url: str, control_url: str) -> None:
        self.url = url
        self.control_url = control_url
        self._http = httpx.Client(base_url=control_url, timeout=120)

    def close(self) -> None:
        self._http.close()

    def _post(self, command: str, **values: Any) -> dict[str, Any]:
        return self._read(self._http.post(f"/_control/{command}", json=values))

    def _get(self, look: str, **values: Any) -> dict[str, Any]:
        return self._read(self._http.get(f"/_control/{look}", params=values))

    @staticmethod
    def _read(response: httpx.Response) -> dict[str, Any]:
        if response.status_code != httpx.codes.OK:
            raise RuntimeError(response.text)
        found: dict[str, Any] = response.json()
        return found

    # Building the world.

    def reset(self) -> None:
        self._post("reset")

    def register_client(
        self,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        redirect_uris: tuple[str, ...] = (REDIRECT_URI,),
        **more: Any,
    ) -> None:
        self._post(
            "clients",
            client_id=client_id,
            client_secret=client_secret,
            redirect_uris=list(redirect_uris),
            **more,
        )

    def seed(self, email: str = "alice@example.com", **more: Any) -> dict[str, Any]:
        """An account with a mailbox: size, seed, days, canary, messages, … → its summary."""
        return self._post("accounts", email=email, **more)

    def dial(self, **values: Any) -> dict[str, Any]:
        return self._post("dials", **values)

    def advance(self, seconds: float) -> None:
        self._post("advance", seconds=seconds)

    def now(self) -> float:
        return float(self._get("health")["now"])

    # Mail.

    def deliver(self, email: str, *, raw: bytes | None = None, **more: Any) -> dict[str, Any]:
        if raw is not None:
            more["raw"] = base64.urlsafe_b64encode(raw).decode()
        return self._post("mail/deliver", email=email, **more)

    def delete(self, email: str, message_id: str) -> None:
        self._post("mail/delete", email=email, id=message_id)

    def trash(self, email: str, message_id: str) -> dict[str, Any]:
        return self._post("mail/trash", email=email, id=message_id)

    def relabel(
        self,
        email: str,
        message_id: str,
        *,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        return self._post(
            "mail/labels", email=email, id=message_id, add=list(add), remove=list(remove)
        )

    def edit_draft(self, email: str, text: str, **more: Any) -> dict[str, Any]:
        return self._post("drafts/edit", email=email, text=text, **more)

    def delete_draft(self, email: str, **more: Any) -> None:
        self._post("drafts/delete", email=email, **more)

    def set_send_as(self, email: str, **more: Any) -> None:
        self._post("send-as", email=email, **more)

    def sent(self, **wanted: str) -> list[dict[str, Any]]:
        """The journal: one entry per mail that a provider accepted."""
        return list(self._get("sent", **wanted)["sent"])

    def expire_history(self, email: str) -> str:
        return str(self._post("mail/expire-history", email=email)["historyId"])

    def mailbox(self, email: str, **more: Any) -> dict[str, Any]:
        return self._get("mailbox", email=email, **more)

    # Calendars.

    def add_calendar(self, email: str, summary: str, **more: Any) -> str:
        return str(self._post("calendars", email=email, summary=summary, **more)["id"])

    def share_calendar(self, email: str, with_: str, *, role: str = "reader", **more: Any) -> str:
        return str(
            self._post("calendars/share", email=email, role=role, **{"with": with_}, **more)["id"]
        )

    def put_event(self, email: str, *, calendar: str = "", **event: Any) -> dict[str, Any]:
        return self._post("events", email=email, calendar=calendar, event=event)

    def cancel_event(self, email: str, event_id: str, *, calendar: str = "") -> None:
        self._post("events/cancel", email=email, calendar=calendar, id=event_id)

    def forget_sync_tokens(self, email: str, *, calendar: str = "") -> None:
        self._post("calendars/forget", email=email, calendar=calendar)

    def fail_freebusy(self, *ids: str) -> None:
        self._post("calendars/failing", ids=list(ids))

    def calendar(self, email: str, *, calendar: str = "") -> dict[str, Any]:
        return self._get("calendar", email=email, calendar=calendar)

    # Drive.

    def add_file(self, email: str, name: str, **more: Any) -> str:
        """As the user: folder=True or text=, parent=, mime_type=. No app sees it until picked."""
        return str(self._post("drive/files", email=email, name=name, **more)["id"])

    def add_folder(self, email: str, name: str, **more: Any) -> str:
        return self.add_file(email, name, folder=True, **more)

    def change_file(self, email: str, file_id: str, **changes: Any) -> dict[str, Any]:
        """As the user: name=, parent=, trashed=, deleted=True."""
        return self._post("drive/files/change", email=email, id=file_id, **changes)

    def pick_file(self, email: str, file_id: str, **more: Any) -> None:
        """As in the picker, without its page."""
        self._post("drive/files/pick", email=email, id=file_id, **more)

    def limit_drive(self, email: str, limit: int, *, other_usage: int = 0) -> None:
        """In bytes; 0 is unlimited."""
        self._post("drive/limit", email=email, limit=limit, other_usage=other_usage)

    def drive_files(self, email: str, **query: str) -> list[dict[str, Any]]:
        """The journal, deleted files too: id, name, parents, size, md5, creations, trashed, …"""
        return list(self._get("drive/files", email=email, **query)["files"])

    def drive_content(self, email: str, file_id: str) -> bytes:
        return base64.b64decode(self._get("drive/content", email=email, id=file_id)["data"])

    def uploads(self, email: str = "") -> list[dict[str, Any]]:
        """Upload sessions that have not expired."""
        return list(self._get("drive/uploads", email=email)["uploads"])

    def expire_uploads(self, email: str = "") -> int:
        return int(self._post("drive/uploads/expire", email=email)["expired"])

    def fail_upload(self, kind: str, after_bytes: int = 0, **fault: Any) -> None:
        """accept, discard, cut, error (status=), lose_answer or damage; count=, email=."""
        self._post("drive/uploads/faults", kind=kind, after_bytes=after_bytes, **fault)

    def clear_upload_faults(self) -> None:
        self._post("drive/uploads/faults/clear")

    # Notifications.

    def subscribe(self, topic: str, endpoint: str, **more: Any) -> str:
        return str(self._post("pubsub", topic=topic, endpoint=endpoint, **more)["name"])

    def publish(self, subscription: str, **data: Any) -> None:
        self._post("pubsub/publish", name=subscription, data=data)

    def pushes(self) -> dict[str, Any]:
        return self._get("pushes")

    # Access.

    def expire_access(self, email: str) -> int:
        return int(self._post("tokens/expire", email=email)["expired"])

    def kill_refresh(self, email: str) -> int:
        return int(self._post("tokens/kill", email=email)["killed"])

    def revoke_grant(self, email: str) -> int:
        return int(self._post("grants/revoke", email=email)["revoked"])

    def change_password(self, email: str) -> int:
        return int(self._post("grants/password", email=email)["killed"])

    def rotate_keys(self) -> str:
        return str(self._post("keys/rotate")["kid"])

    def grants(self, email: str) -> list[dict[str, Any]]:
        return list(self._get("grants", email=email)["grants"])

    # Awkwardness, and what was seen.

    def fail_next(self, count: int = 1, **fault: Any) -> None:
        """problem= or status= and body=, hang_seconds=, drop=; for method=, path_prefix=, …"""
        self._post("faults", count=count, **fault)

    def clear_faults(self) -> None:
        self._post("faults/clear")

    def counters(self) -> dict[str, Any]:
        return self._get("counters")

    def calls(self, method_id: str) -> int:
        """Return how often `gmail.users.messages.get` was called, or an endpoint like `/token`."""
        # Of a prefix nothing is counted: it would seem that nothing was called. See `requests`.
        assert not method_id.startswith("/") or method_id in COUNTED_PATHS, method_id
        return int(self.counters()["calls"].get(method_id, 0))

    def units(self) -> int:
        return int(self.counters()["units"]["total"])

    def requests(self, path_prefix: str = "") -> list[dict[str, Any]]:
        return list(self._get("requests", path_prefix=path_prefix)["requests"])

    def clear_journal(self) -> None:
        self._post("journal/clear")

    def violations(self) -> list[dict[str, str]]:
        """What differed from the published description since the start or the last clearing."""
        return list(self._get("violations")["violations"])

    def checked(self) -> int:
        """How many calls of Google's APIs were held against the published description since."""
        return int(self._get("violations")["checked"])

    # A person at the consent page, without a browser.

    def consent(
        self,
        authorization_url: str,
        *,
        email: str = "",
        untick: tuple[str, ...] = (),
        deny: bool = False,
    ) -> str:
        """The address that Google sends the browser back to."""
        page = httpx.get(authorization_url, follow_redirects=False)
        if page.is_redirect:
            return str(page.headers["location"])
        found = re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page.text)
        fields = [(name, unescape(value)) for name, value in found]
        form: dict[str, Any] = {"request": dict(fields)["request"]}
        accounts = [value for name, value in fields if name == "account"]
        form["account"] = email or accounts[0]
        form["scope"] = [v for name, v in fields if name == "scope" and v not in untick]
        form["decision"] = "cancel" if deny else "allow"
        answer = httpx.post(f"{self.url}/o/oauth2/v2/auth/decision", data=form)
        if not answer.is_redirect:
            raise RuntimeError(answer.text)
        return str(answer.headers["location"])

    def pick(
        self,
        authorization_url: str,
        *file_ids: str,
        email: str = "",
        deny: bool = False,
    ) -> str:
        """
        The address that Google's picker sends the browser back to.

        A file that the page does not offer is a RuntimeError, as is an address without picker.
        """
        page = httpx.get(authorization_url, follow_redirects=False)
        offered = self.offered_files(page.text)
        if page.is_error or not set(file_ids) <= set(offered):
            raise RuntimeError(page.text)
        fields = re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page.text)
        form: dict[str, Any] = {name: unescape(value) for name, value in reversed(fields)}
        form["account"] = email or form["account"]
        form["file"] = list(file_ids)
        form["decision"] = "cancel" if deny else "allow"
        answer = httpx.post(f"{self.url}/o/oauth2/v2/auth/decision", data=form)
        if not answer.is_redirect:
            raise RuntimeError(answer.text)
        return str(answer.headers["location"])

    @staticmethod
    def offered_files(page: str) -> dict[str, str]:
        """Names by id on the page of the picker."""
        rows = re.findall(r'name="file" value="([^"]*)"> (?:Folder: )?([^<]*)<', page)
        return {file_id: unescape(name) for file_id, name in rows}

    def authorize(
        self,
        email: str,
        scope: str = f"openid email {GMAIL_READONLY}",
        *,
        redirect_uri: str = REDIRECT_URI,
    ) -> dict[str, Any]:
        """A token response for the registered client, by the whole code flow."""
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": scope,
            "access_type": "offline",
            "prompt": "consent",
            "login_hint": email,
        }
        back = self.consent(f"{self.url}/o/oauth2/v2/auth?{urlencode(query)}", email=email)
        code = parse_qs(urlsplit(back).query)["code"][0]
        return self.token(grant_type="authorization_code", code=code, redirect_uri=redirect_uri)

    def token(self, **form: str) -> dict[str, Any]:
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return dict(httpx.post(f"{self.url}/token", data=client | form).json())


@contextlib.contextmanager
def run_sandbox(*arguments: str, validate: bool = True) -> Iterator[Sandbox]:
    """A sandbox on free ports until the block ends."""
    with tcp_ports.reserve_port() as port, tcp_ports.reserve_port() as control:
        yield from _run_sandbox(port, control, arguments, validate=validate)


def _run_sandbox(
    port: int, control: int, arguments: tuple[str, ...], *, validate: bool
) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "integrations.sandbox", "--port", str(port)]
    command += ["--control-port", str(control), "--with-parent", *arguments]
    command += ["--validate"] if validate else []
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    sandbox = Sandbox(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control}")
    try:
        _wait(process, control)
        yield sandbox
    finally:
        sandbox.close()
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the sandbox did not start")


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Iterator[Sandbox]:
    """
    Empty but for one registered client. Quota and concurrency are Google's.

    Whatever a test is about: what is asked and answered has to be as Google describes it.
    """
    sandbox_process.reset()
    sandbox_process.register_client()
    yield sandbox_process
    assert sandbox_process.violations() == []
