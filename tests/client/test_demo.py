"""The README's examples at a running demo, over the network and as a person in a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest

from config.embedded.demo_cast import CAST
from tests.client import wheel
from tests.config.running_demo import PATIENCE, ROOT, build_environment, start_demo, stop_demo
from tests.smoke.client import forms
from tests.smoke.person import SmokePerson
from tests.smoke.walk import eventually

REDIRECT_URI = "https://feature.example/antares"
SET_REDIRECT_URI = (
    "from accounts.models import ServiceClient as C;"
    f"C.objects.filter(client_id='inbox-widget').update(redirect_uris=['{REDIRECT_URI}'])"
)


@pytest.fixture(scope="module")
def demo():
    with tempfile.TemporaryDirectory(prefix="antares-client-demo-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        process, url, _ = start_demo(folder)
        try:
            seeded = json.loads((folder / "people.json").read_text())
            yield SimpleNamespace(url=url, folder=folder, **seeded)
        finally:
            stop_demo(process)


def run_in_demo(demo, *words):
    command = [sys.executable, "-m", "config.embedded", "--data", str(demo.folder), "run"]
    subprocess.run(
        [*command, sys.executable, "manage.py", *words],
        cwd=ROOT, env=build_environment(), check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip


def set_environment(demo, patch):
    [client] = [one for one in demo.clients if one["client_id"] == "inbox-widget"]
    key_file = demo.folder / "client-key.json"
    key_file.write_text(json.dumps(client["private_jwk"]))
    for name, value in {
        "ANTARES_CLIENT_ID": client["client_id"],
        "ANTARES_KEY_FILE": str(key_file),
        "ANTARES_URL": demo.url,
        "ANTARES_REDIRECT_URI": REDIRECT_URI,
    }.items():
        patch.setitem(os.environ, name, value)


def allow(person, address):
    """Read the feature's question, tick and press Allow; return where the browser is sent to."""
    page = person.browser.get(address)
    assert "Inbox widget" in page.text
    form = page.form("/oauth/authorize")
    answer = person.browser.http.post(
        urljoin(page.url, form.action),
        data=dict(form.data(agree="yes", button="allow")),
        headers={"referer": page.url, "origin": person.browser.base_url},
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


@pytest.mark.thorough("a whole demo")
class TestReadme:
    def test_runs_from_hand_over_to_the_end_of_the_consent(self, demo, monkeypatch):
        run_in_demo(demo, "shell", "-c", SET_REDIRECT_URI)
        set_environment(demo, monkeypatch)
        alice = SmokePerson(demo.url, demo.people[0])
        with alice.browser.http, wheel.import_from_wheel(), wheel.run_examples() as examples:
            import antares_client

            alice.sign_in()
            alice.connect(CAST["alice"].email)
            eventually(lambda: alice.api("/messages")["data"], within=60, says="the newest mail")
            session = {"user_id": "platform-alice"}
            back = allow(alice, examples.start(session))
            said = examples.come_back(session, urlsplit(back).query)
            delegation = UUID(session["delegation"])
            # First: the mailbox still fills.
            shown = [one["subject"] for one in alice.api("/messages", folder="inbox")["data"]]
            subjects = [message.subject for message in examples.read_inbox(delegation)]
            listed = examples.find_delegations()
            page = alice.browser.get("/settings/access/")
            form = next(form for form in forms(page.text) if str(delegation) in str(form.fields))
            alice.browser.submit(page, form, form.data(button="off"))
            with pytest.raises(antares_client.DelegationEnded):
                list(examples.read_inbox(delegation))

        assert said == "Connected."
        assert listed == {"platform-alice": delegation}
        assert len(subjects) > 3
        assert set(shown) <= set(subjects)
