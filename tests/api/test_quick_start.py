"""The program of the guide *Quick start*, from the key to the first page of mail."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
import threading
import time
import urllib.request
from urllib.error import URLError

import httpx
import pytest
from django.conf import settings

from accounts import clients
from accounts.models import ServiceClient
from integrations.urls.api import guides
from tests.api import cast
from tests.api.conftest import alice, keyring, mailbox, synced
from tests.api.generated.callers import make_application

pytestmark = pytest.mark.django_db
__all__ = ["alice", "keyring", "mailbox", "synced"]


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Load the program as a reader starts it, with this process as Antares."""
    service = httpx.WSGITransport(make_application())
    monkeypatch.setattr(
        httpx.HTTPTransport, "handle_request", lambda _, request: service.handle_request(request)
    )
    # Bytecode would lie among the templates, which other tests read as texts.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("quick_start", guides._PROGRAM_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    module.ANTARES = settings.PUBLIC_URL.rstrip("/")
    module.PRIVATE_KEY = tmp_path / "private.json"
    module.PUBLIC_KEYS = tmp_path / "public.json"
    module.REDIRECT_URI = f"http://127.0.0.1:{port}/callback"
    return module


@pytest.fixture
def registered(program):
    """Start the program once, and register what it prints."""
    with pytest.raises(SystemExit):
        program.read_or_create_key()
    public = json.loads(program.PUBLIC_KEYS.read_text())
    client = cast.widget()
    clients.replace_service_client_keys(client_id=client.client_id, jwks=public)
    ServiceClient.objects.update(redirect_uris=[program.REDIRECT_URI])
    return public


def test_ends_the_first_start_without_an_error(program, capsys):
    with pytest.raises(SystemExit) as ended:
        program.read_or_create_key()

    printed = capsys.readouterr()
    assert ended.value.code is None
    assert "Send the operator of Antares" in printed.out
    assert printed.err == ""


def come_back(address: str) -> None:
    """Follow the redirect to the program, which begins to listen in a moment."""
    for _ in range(100):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own address
        except URLError:
            time.sleep(0.05)
        else:
            return


def test_prints_the_public_key_alone(registered):
    [key] = registered["keys"]

    assert "d" not in key
    assert {"kty", "crv", "x", "y", "kid"} <= key.keys()


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_leads_to_the_first_page_of_mail(  # noqa: PLR0917 - fixtures
    program, registered, alice, hers, monkeypatch, capsys, decision
):
    threads = []

    def decide(address):
        path = address.removeprefix(settings.PUBLIC_URL.rstrip("/"))
        answer = hers.post(path, {"decision": decision, "agree": "yes", "version": "1"})
        thread = threading.Thread(target=come_back, args=[answer["Location"]])
        thread.start()
        threads.append(thread)

    monkeypatch.setattr(program.webbrowser, "open", decide)
    monkeypatch.setattr(sys, "argv", ["quick_start.py"])
    if decision == "deny":
        with pytest.raises(SystemExit, match="access_denied: The person did not allow it"):
            program.main()
    else:
        program.main()
    for thread in threads:
        thread.join()
    printed = capsys.readouterr().out

    subjects = [row["subject"] for row in hers.get("/v1/users/me/messages").json()["data"][:10]]
    assert (f"Delegation of {alice.user.platform_id}" in printed) is (decision == "allow")
    assert all((subject in printed) is (decision == "allow") for subject in subjects)


def test_signs_an_assertion_for_curl(program, registered, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["quick_start.py", "assertion"])

    program.main()

    body = program.request_token(
        program.read_or_create_key(), grant_type="client_credentials", scope="client"
    )
    assert capsys.readouterr().out.count(".") == 2
    assert body["scope"] == "client"
