import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from config.embedded import tcp_ports
from tests.config.test_embedded import processes_of
from tests.smoke.person import SmokePerson
from tests.worlds.ending import wait_until_gone
from tests.worlds.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
# Seconds, for each wait: for a loaded machine; an idle one needs a tenth of it.
PATIENCE = 150
ALICE_BOX, ALICE_OUTLOOK = "alice@second.example", "alice@second-outlook.example"
SECOND_SECRET = "secret-of-the-second"
# What pytest runs on is not what the demo is to run on.
OURS = {"DATABASE_URL", "BROKER_URL", "KEYRING_DIR", "DJANGO_SETTINGS_MODULE"}


@pytest.fixture(scope="class")
def data_dir():
    """One folder for all of them: what one of them leaves is what the next has to start with."""
    with tempfile.TemporaryDirectory(prefix="antares-service-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def demo(data_dir, *, given=None):
    """Start the demo as `make` does, with servers of its own; return it and its first page."""
    env = {k: v for k, v in os.environ.items() if k not in OURS} | (given or {})
    command = [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "demo"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--staff-port", "0"],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = []
    with killed_if_late(process):
        for line in process.stdout:
            said.append(line)
            if re.search(r"staff\s+http://localhost:\d+", line):
                found = re.search(r"open\s+(http://localhost:\d+)", "".join(said))
                return process, found[1], "".join(said)
    raise AssertionError(f"it did not come up: {''.join(said)}")


@contextmanager
def killed_if_late(process):
    """Kill the process if the block takes longer than `PATIENCE`: its output ends, too."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def run_demo_command(data_dir, *arguments):
    """Run one command on the demo's data, as the README says."""
    env = {k: v for k, v in os.environ.items() if k not in OURS}
    command = [sys.executable, "-m", "config.embedded", "--data", str(data_dir), "run"]
    return subprocess.run(
        [*command, sys.executable, *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE,
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


class TestDemo:
    def test_serves_a_first_page_and_says_whom_to_sign_in_as_at_every_start(self, data_dir):
        for start in range(2):
            # Another test may have left its data.
            is_prepared = (data_dir / "people.json").exists()
            process, url, said = demo(data_dir)
            answer = httpx.get(f"{url}/accounts/login/")
            (staff_url,) = re.findall(r"staff\s+(http://localhost:\d+)", said)
            staff_page = "/support/items/"
            here, there = (httpx.get(f"{one}{staff_page}") for one in (url, staff_url))
            inbox = httpx.get(f"{staff_url}/inbox/")
            modules = [words[2] for words in list_by_age(process.pid) if words[1:2] == ["-m"]]
            if start:
                self.look(data_dir)
            else:
                assert_every_answer_has_browser_headers(url)
            process.terminate()
            status = process.wait(timeout=PATIENCE)
            process.stdout.close()

            # On existing data, nothing has to happen before the web server starts.
            assert is_prepared or not start
            assert modules.index("granian") == (0 if is_prepared else 1), modules
            assert modules.index("integrations.sandbox") == (1 if is_prepared else 0), modules
            assert answer.status_code == 200
            assert here.status_code == inbox.status_code == 404
            assert there.headers["location"] == f"/accounts/login/?next={staff_page}"
            assert "alice@antares.example" in said
            assert status == 0
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
            process, url, said = demo(data_dir, given=settings_of(sandbox))
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
                process.terminate()
                process.wait(timeout=PATIENCE)
                process.stdout.close()

        # The demo's own sandbox has neither of these accounts.
        assert ALICE_BOX in page
        assert ALICE_OUTLOOK in page
        assert "given    GOOGLE_TOKEN_URL" in said
        assert SECOND_SECRET not in said

    def test_leaves_no_process_when_it_is_killed(self, data_dir):
        process, _, _ = demo(data_dir)
        family = descendants(process.pid)

        process.kill()
        process.wait(timeout=PATIENCE)
        process.stdout.close()

        # Sandbox, two sites and their children, worker, beat, PostgreSQL and its children, Valkey.
        assert len(family) > 7
        wait_until_gone(lambda: family)

    def test_stops_as_a_whole_when_one_process_ends(self, data_dir):
        process, _, _ = demo(data_dir)
        (beat,) = processes_of(data_dir / "beat-schedule")

        os.kill(beat, 9)
        with killed_if_late(process):
            said = process.stdout.read()
        status = process.wait(timeout=PATIENCE)
        process.stdout.close()

        assert "beat stopped by itself with status -9" in said
        assert status == 1
        assert processes_of(data_dir) == []
