import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from config.embedded import tcp_ports
from tests.config.running_demo import (
    PATIENCE,
    ROOT,
    build_environment,
    kill_if_late,
    open_demo,
    start_demo,
    stop_demo,
)
from tests.config.test_embedded import listening, processes_of
from tests.smoke.person import SmokePerson
from tests.worlds.ending import wait_until_gone
from tests.worlds.sandbox import Sandbox

ALICE_BOX, ALICE_OUTLOOK = "alice@second.example", "alice@second-outlook.example"
SECOND_SECRET = "secret-of-the-second"


@pytest.fixture(scope="class")
def data_dir():
    """One folder for all of them: what one of them leaves is what the next has to start with."""
    with tempfile.TemporaryDirectory(prefix="antares-service-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def run_demo_command(data_dir, *arguments):
    """Run one command on the demo's data, as the README says."""
    command = [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "run"]
    return subprocess.run(
        [*command, sys.executable, *arguments],
        cwd=ROOT, env=build_environment(), capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip


def descendants(pid):
    """Return the ids of the children of `pid`, of theirs, and so on."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return set()
    return {int(child) for child in children}.union(*(descendants(child) for child in children))


def list_by_age(pid):
    """Return the command lines of the children of a process, the oldest first."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        started_at = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[19])
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found.append((started_at, int(child), [word.decode() for word in words]))
    return [words for _, _, words in sorted(found)]


def assert_every_answer_has_browser_headers(url):
    """Look at answers of views, of static files, of the front, and of its probe."""
    style = re.search(r'href="(/static/[^"]+\.css)"', httpx.get(f"{url}/").text)[1]
    answers = {
        200: [httpx.get(f"{url}{path}") for path in ("/", style, "/healthz", "/keys/")],
        302: [httpx.get(f"{url}/settings/integrations/")],
        400: [httpx.get(f"{url}/%ff")],
        401: [httpx.get(f"{url}/v1/users/me/messages")],
        403: [httpx.post(f"{url}/accounts/login/")],
        404: [httpx.get(f"{url}/nothing"), httpx.get(f"{url}/static/nothing")],
        413: [httpx.post(f"{url}/webhooks/google/pubsub", content=b"x" * 1_000_000)],
    }
    for status, of_status in answers.items():
        for answer in of_status:
            policy = answer.headers["Permissions-Policy"].split(", ")
            where = f"{status} {answer.url}"
            assert answer.status_code == status, where
            assert {"camera=()", "publickey-credentials-get=(self)"} <= set(policy), where
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", where
            # granian's own name would be in it.
            assert answer.headers.get("Server", "") == "", where


@contextmanager
def second_sandbox(folder):
    """Start another sandbox, with accounts of its own; yield it."""
    seed = folder / "second.json"
    google = {"email": ALICE_BOX, "name": "Alice", "size": 3, "seed": 1}
    microsoft = {"email": ALICE_OUTLOOK, "name": "Alice", "size": 3, "seed": 2}
    seed.write_text(json.dumps({"accounts": [google], "microsoft": [microsoft], "clients": []}))
    with tcp_ports.reserve_port() as port, tcp_ports.reserve_port() as control:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "integrations.sandbox", "--seed", str(seed)),
                *("--port", str(port), "--control-port", str(control)),
            ],
            cwd=ROOT,
        )
        try:
            tcp_ports.wait_for_port(port, process, name="second sandbox")
            with closing(
                Sandbox(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control}")
            ) as found:
                yield found
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def settings_of(sandbox):
    """Return the settings by which a demo uses that sandbox."""
    url = sandbox.url
    return {
        "GOOGLE_AUTHORIZE_URL": f"{url}/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URL": f"{url}/token",
        "GOOGLE_REVOKE_URL": f"{url}/revoke",
        "GOOGLE_CERTS_URL": f"{url}/oauth2/v3/certs",
        "GOOGLE_USERINFO_URL": f"{url}/v1/userinfo",
        "GOOGLE_ISSUER": url,
        "GOOGLE_API_ROOT_URL": f"{url}/",
        "GOOGLE_CLIENT_ID": "second",
        "GOOGLE_CLIENT_SECRET": SECOND_SECRET,
        "MICROSOFT_AUTHORITY_URL": url,
        "MICROSOFT_GRAPH_URL": url,
        "MICROSOFT_CLIENT_ID": "second",
        "MICROSOFT_CLIENT_SECRET": SECOND_SECRET,
    }


@pytest.mark.thorough("whole demos, started and stopped; the smoke test starts the same processes")
class TestDemo:
    def test_serves_a_first_page_and_says_whom_to_sign_in_as_at_every_start(self, data_dir):
        for start in range(2):
            # Another test may have left its data.
            is_prepared = (data_dir / "people.json").exists()
            process, url, printed = start_demo(data_dir)
            answer = httpx.get(f"{url}/accounts/login/")
            start_page = httpx.get(f"{url}/demo/").text
            (staff_url,) = re.findall(r"Staff site +(http://localhost:\d+)", printed)
            staff_page = "/support/items/"
            here, there = (httpx.get(f"{one}{staff_page}") for one in (url, staff_url))
            inbox = httpx.get(f"{staff_url}/inbox/")
            modules = [words[2] for words in list_by_age(process.pid) if words[1:2] == ["-m"]]
            if start:
                self.look(data_dir)
            else:
                assert_every_answer_has_browser_headers(url)
            status, last_lines = stop_demo(process)

            # On existing data, nothing has to happen before the web server starts.
            assert is_prepared or not start
            assert modules.index("granian") == (0 if is_prepared else 1), modules
            assert modules.index("integrations.sandbox") == (1 if is_prepared else 0), modules
            assert answer.status_code == 200
            assert here.status_code == inbox.status_code == 404
            assert there.headers["location"] == f"/accounts/login/?next={staff_page}"
            assert f"Open         {url}/demo/\n" in printed
            assert "alice@antares.example" in start_page
            assert status == 0
            assert ("\nThe data is of an earlier start." in printed) == is_prepared
            assert last_lines.endswith(
                f"Stopped. The data stays in {data_dir}: delete that folder to start over.\n"
            )
            assert processes_of(data_dir) == []
        self.look(data_dir)
        assert processes_of(data_dir) == []

    @staticmethod
    def look(data_dir):
        """Have a command look at its data, while it runs or after."""
        done = run_demo_command(data_dir, "manage.py", "verify_ledger")

        assert done.returncode == 0, done.stderr
        assert "checkpoints match" in done.stdout

    @pytest.mark.thorough("a whole demo and a second sandbox")
    def test_connects_at_another_stand_in_that_is_given(self, data_dir):
        with second_sandbox(data_dir) as sandbox:
            process, url, printed = start_demo(data_dir, given=settings_of(sandbox))
            try:
                callbacks = [f"{url}/connect/{one}/callback" for one in ("google", "microsoft")]
                sandbox.register_client("second", SECOND_SECRET, tuple(callbacks))
                people = json.loads((data_dir / "people.json").read_text())["people"]
                alice = SmokePerson(url, people[0])
                with alice.browser.http:
                    alice.sign_in()
                    alice.connect(ALICE_BOX)
                    alice.connect(ALICE_OUTLOOK, provider="microsoft")
                    page = alice.settings().text
            finally:
                stop_demo(process)

        # The demo's own sandbox has neither of these accounts.
        assert ALICE_BOX in page
        assert ALICE_OUTLOOK in page
        assert "GOOGLE_TOKEN_URL is set: the demo uses it instead of the sandbox's." in printed
        assert SECOND_SECRET not in printed

    def test_says_where_it_runs_already_and_why_it_took_another_port(self, data_dir):
        with listening() as taken:
            port = taken.getsockname()[1]
            process, url, printed = start_demo(data_dir, port=port)
            try:
                second = open_demo(data_dir)
                with kill_if_late(second):
                    answer, _ = second.communicate()
                process.send_signal(signal.SIGINT)
            finally:
                status, last_lines = stop_demo(process)

        other = int(url.rpartition(":")[2])
        assert other != port
        assert (
            f"\nPort {port} is in use by another program, so Antares uses port {other}.\n"
            in printed
        )
        assert second.returncode == 0
        assert answer.splitlines()[0] == f"The demo is already running: open {url}/demo/"
        assert status == 0
        assert last_lines.startswith("\nStopping …\nStopped. ")
        # Red is for bad news: nothing is coloured at all.
        assert "\x1b" not in printed + last_lines + answer

    def test_says_that_a_command_needs_a_running_demo(self, tmp_path):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "config.embedded", "--data", str(tmp_path)),
                *("feature", "campaigns"),
            ],
            cwd=ROOT, env=build_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "The demo is not running. Start it with: make demo\n"

    def test_leaves_no_process_when_it_is_killed(self, data_dir):
        process, _, _ = start_demo(data_dir)
        family = descendants(process.pid)

        process.kill()
        process.wait(timeout=PATIENCE)
        process.stdout.close()

        # Sandbox, two sites and their children, worker, beat, PostgreSQL and its children, Valkey.
        assert len(family) > 7
        wait_until_gone(lambda: family)

    def test_stops_as_a_whole_when_one_process_ends(self, data_dir):
        process, _, _ = start_demo(data_dir)
        (beat,) = processes_of(data_dir / "beat-schedule")

        os.kill(beat, 9)
        with kill_if_late(process):
            printed = process.stdout.read()
        status = process.wait(timeout=PATIENCE)
        process.stdout.close()

        assert "beat stopped by itself with status -9, so the demo stops: see " in printed
        assert status == 1
        assert processes_of(data_dir) == []
