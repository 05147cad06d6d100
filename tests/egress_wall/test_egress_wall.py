"""
A worker that has no route: it syncs through the proxy, and reaches nothing else in any way.

The wall is the configuration that `config/README.md` tells operators to use, by the same script.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection

from config.embedded.embedded_service import ROOT
from integrations.models import Message, SyncWork
from tests.egress_wall import edge
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser, acme, alice
from tests.tiers import skip_on_this_machine
from tests.worlds.processes import environment, web_port, world

__all__ = ["acme", "alice", "web_port", "world"]

SIZE = 40
SCRIPT = ROOT / "config" / "walled.sh"
NEEDED = (
    "no network namespaces for the egress wall (they need root with CAP_NET_ADMIN and"
    " CAP_SYS_ADMIN, `ip` and `setpriv`; Debian: iproute2, util-linux): "
)

pytestmark = [pytest.mark.invariant(4), pytest.mark.control("5.1.5")]


@pytest.fixture(scope="module")
def namespaces():
    """Skip the tests, and say why, where this machine has no namespaces to give."""
    for program in ("ip", "setpriv"):
        if shutil.which(program) is None:
            skip_on_this_machine(f"{NEEDED}no `{program}`")
    name = f"try{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        skip_on_this_machine(NEEDED + made.stderr.strip())
    subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.fixture
def work(world, alice):
    """Return what is to be synced: a mailbox that was connected a moment ago."""
    world.seed(ALICE_BOX, size=SIZE, days=30, malformed=0, hostile=0)
    integration = GoogleConnectBrowser(alice, world).connect().connection.integrations.get()
    return SyncWork.objects.get(integration=integration)


def run_behind_wall(
    near: str, far: str, *command: str, **settings: str
) -> subprocess.CompletedProcess:
    """Run a command behind the wall."""
    return subprocess.run(
        [SCRIPT, f"w{os.getpid()}", *command],
        env={**environment(**settings), "NEAR": near, "FAR": far},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def known_here(near: str):
    """Have this end's address before the cable is there, so that somebody can listen on it."""
    subprocess.run(["ip", "address", "add", f"{near}/32", "dev", "lo"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "delete", f"{near}/32", "dev", "lo"], check=True)


@pytest.fixture
def outcome(namespaces, world, work, tmp_path):
    """Let a worker sync behind the wall and try to get out; return what it says, and the proxy."""
    near, far = edge.pair(os.getpid())
    port, database = urlsplit(world.url).port, connection.settings_dict
    with (
        edge.front(tmp_path, port) as (secured, certificate),
        known_here(near),
        edge.cable(near, database["HOST"], str(database["PORT"])) as database_port,
    ):
        proxy = edge.Proxy(near, {f"{edge.HOST}:443": ("127.0.0.1", secured)})
        done = run_behind_wall(
            near,
            far,
            *(sys.executable, "-m", "tests.egress_wall.inside", str(work.id), str(port)),
            DATABASE_URL=over_the_cable(near, database_port),
            GOOGLE_API_ROOT_URL=f"https://{edge.HOST}/",
            EGRESS_PROXY=proxy.url,
            EGRESS_TRIPWIRE="",
            SSL_CERT_FILE=str(certificate),
        )
        proxy.close()
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), proxy


def over_the_cable(near: str, port: int) -> str:
    known = connection.settings_dict
    user, word = quote(known["USER"], ""), quote(known["PASSWORD"], "")
    return f"postgresql://{user}:{word}@{near}:{port}/{known['NAME']}"


class TestAWorkerBehindTheWall:
    def test_syncs_through_the_proxy_and_reaches_nothing_else(self, outcome, world):
        said, proxy = outcome

        # It does its work: everything came, by the one way there is.
        assert said["messages"] == Message.objects.count() > 0
        assert set(proxy.passed) == {f"{edge.HOST}:443"}
        assert world.calls("gmail.users.messages.list") > 0
        # And nothing else: not by Python, nor by C, nor by another process.
        assert "connected" not in said["ways"].values(), said["ways"]
        for way in ("python", "c", "process"):
            for place in ("nowhere", "metadata"):
                assert said["ways"][f"{way} {place}"] == "ENETUNREACH"
            # Its loopback is its own, and ours is not to be had over the cable.
            assert said["ways"][f"{way} sandbox"] == "ECONNREFUSED"
            assert said["ways"][f"{way} near"] == "ECONNREFUSED"
        # It cannot give itself a way, and the proxy gives it none.
        assert said["route"] is False
        assert said["proxy"] == "403"
        assert proxy.refused == ["CONNECT collector.example:443"]


class TestTheScript:
    def test_leaves_nothing_behind(self, namespaces):
        near, far = edge.pair(os.getpid() + 1)

        done = run_behind_wall(near, far, "/bin/sh", "-c", "exit 7")

        assert done.returncode == 7, done.stderr
        listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True)
        assert f"w{os.getpid()}" not in listed.stdout

    def test_takes_every_right_away(self, namespaces):
        near, far = edge.pair(os.getpid() + 2)

        done = run_behind_wall(
            near, far, "/bin/grep", "^Cap\\(Eff\\|Bnd\\|Prm\\)", "/proc/self/status"
        )

        assert [line.split()[1] for line in done.stdout.splitlines()] == ["0" * 16] * 3
