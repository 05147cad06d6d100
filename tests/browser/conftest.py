"""One real service for the browser tests of a process: web, worker, beat, sandbox, own servers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from config.embedded import postgres, servers
from config.embedded import service as embedded
from tests.browser.visitor import FAST, visiting
from tests.worlds.sandbox import Sandbox

PEOPLE = 60


@pytest.fixture(scope="session")
def service():
    with tempfile.TemporaryDirectory(prefix="antares-browser-") as folder:
        data = Path(folder)
        # The server's own account has to get through; what is in the folder is closed by itself.
        data.chmod(0o711)
        with (
            # Not the tests' own servers: their workers would find each other's tasks.
            servers.running(data, settings=postgres.THROWAWAY, given={}) as urls,
            embedded.running(data, urls, extra=FAST, seed={}) as running,
        ):
            yield running


@pytest.fixture(scope="session")
def google(service):
    with closing(Sandbox(service.sandbox_url, service.control_url)) as handle:
        handle.dial(units_per_minute=0)
        yield handle


@pytest.fixture(scope="session")
def cast(service):
    """Return people who can sign in, each for one test: first one of the staff, then members."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.cast", str(PEOPLE)],
        env=service.environment,
        cwd=embedded.ROOT,
        capture_output=True,
        check=True,
    )
    staff, *members = json.loads(done.stdout)
    return {"staff": staff, "members": iter(members), "numbers": count(1)}


@pytest.fixture
def visit(browser, service, google, cast):
    """Return how to open a browser as a person whom no other test knows."""

    def open_as(person=None, **options):
        return visiting(
            browser,
            service,
            google,
            person or next(cast["members"]),
            account=f"box{next(cast['numbers'])}@gmail.example",
            **options,
        )

    return open_as


@pytest.fixture
def visitor(visit):
    """Return a signed-in person who has connected nothing."""
    with visit() as one:
        yield one.sign_in()


@pytest.fixture
def connected(visitor):
    """Return a person whose mailbox is connected and in step."""
    return visitor.connect()
