"""The demo's platform features, as programs: let in, refused, and gone after a disconnect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urljoin

import httpx
import pytest

from config.embedded.demo_cast import CAST
from config.embedded.feature_programs import PROGRAMS
from integrations.operations import demo_data
from tests.config.running_demo import PATIENCE, ROOT, build_environment, start_demo, stop_demo
from tests.smoke.client import forms
from tests.smoke.person import SmokePerson
from tests.smoke.walk import eventually

WIDGET = "http://127.0.0.1:8201"


@pytest.fixture(scope="module")
def demo():
    with tempfile.TemporaryDirectory(prefix="antares-features-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        process, url, _ = start_demo(folder)
        try:
            seeded = json.loads((folder / "people.json").read_text())
            yield SimpleNamespace(url=url, folder=folder, **seeded)
        finally:
            stop_demo(process)


@pytest.fixture(scope="module")
def alice(demo):
    person = SmokePerson(demo.url, demo.people[0])
    with person.browser.http:
        person.sign_in()
        person.connect(CAST["alice"].email)
        eventually(lambda: person.api("/messages")["data"], within=60, says="the newest mail")
        yield person


def build_command(demo, name):
    return [
        *(sys.executable, "-m", "config.embedded", "--data", str(demo.folder), "feature", name),
    ]


@pytest.fixture
def widget(demo):
    """Run the inbox widget's program, and return a browser at its site."""
    process = subprocess.Popen(
        build_command(demo, "inbox-widget"),
        cwd=ROOT, env=build_environment(), stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert WIDGET in process.stdout.readline()
        with httpx.Client(base_url=WIDGET) as browser:
            yield browser
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=PATIENCE)
        process.stdout.close()


def allow(person, address):
    """Read the feature's question, tick and press Allow; return where the browser is sent to."""
    page = person.browser.get(address)
    form = page.form("/oauth/authorize")
    answer = person.browser.http.post(
        urljoin(page.url, form.action),
        data=dict(form.data(agree="yes", button="allow")),
        headers={"referer": page.url, "origin": person.browser.base_url},
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


class TestPrograms:
    def test_are_those_with_an_address_in_the_seed(self):
        ports = {name for name, (_, port) in demo_data._CLIENTS.items() if port}

        assert set(PROGRAMS) == ports | {"campaigns"}


@pytest.mark.thorough("a whole demo, and the programs of platform features")
class TestInboxWidget:
    def test_shows_mail_from_the_hand_over_to_its_end(self, demo, alice, widget):
        assert "Ask Antares for my data" in widget.get("/").text

        started = widget.get("/start")
        back = allow(alice, started.headers["location"])
        returned = widget.get(back)
        shown = widget.get(returned.headers["location"]).text

        subject = alice.api("/messages")["data"][0]["subject"]
        assert "platform-alice" in shown
        assert escape(subject) in shown

        page = alice.browser.get("/settings/access/")
        form = next(one for one in forms(page.text) if "inbox-widget" in one.action and one.fields)
        alice.browser.submit(page, form, form.data(button="off"))
        ended = widget.get("/").text

        assert "The delegation has ended. If the person agrees again, there is a new one." in ended
        assert "<li>" not in ended


@pytest.mark.thorough("a whole demo, and the programs of platform features")
class TestCampaigns:
    @pytest.mark.clause("LU-4.1")
    def test_is_refused_at_every_door_with_the_reason(self, demo, alice):
        done = subprocess.run(
            build_command(demo, "campaigns"),
            cwd=ROOT, env=build_environment(), capture_output=True, text=True, check=False,
            timeout=PATIENCE,
        )  # fmt: skip

        lines = done.stdout.splitlines()
        doors = [line for line in lines if line.partition(":")[0] in DOORS]
        assert [line.partition(":")[0] for line in doors] == list(DOORS)
        assert all("403 limited-use-refused" in line for line in doors), done.stdout
        assert all("never used for marketing" in line for line in doors)
        assert "ANSWERED" not in done.stdout
        assert done.returncode == 0


DOORS = ("messages", "conversations", "events", "files", "accounts")
