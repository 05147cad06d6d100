"""One real service for the browser tests: web, workers, beat, sandbox, and a broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import partial
from itertools import chain, count
from pathlib import Path

import pytest
from django.db import connections

from config.embedded import embedded_service as embedded
from tests import service_logs, template
from tests.browser import chromium
from tests.browser.visitor import FAST, open_new_visitor, open_visitor
from tests.worlds import own
from tests.worlds.sandbox import Sandbox

# What a call of `tests.browser.cast` registers.
PEOPLE = 40
SCREENS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="package")
def browser():
    """Return a real Chromium; see `chromium.py` for where it comes from."""
    # Playwright's synchronous interface keeps an event loop in this thread, which Django takes
    # for asynchronous code; it is not.
    with pytest.MonkeyPatch.context() as patch, chromium.run_browser() as running:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield running
        # With that loop Django keeps connections of their own, which nobody closes afterwards.
        connections.close_all()


@pytest.fixture
def page(browser):
    """Return a page in a fresh context: no cookies, no cache, nothing from another test."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="package")
def service(django_db_blocker):
    with django_db_blocker.unblock():
        migrated = template.ensure_template(os.environ["DATABASE_URL"])
    # A broker of their own, or the tests' workers would take its tasks.
    given = {"DATABASE_URL": os.environ["DATABASE_URL"]}
    with tempfile.TemporaryDirectory(prefix="antares-browser-") as folder:
        data = Path(folder)
        # The server's own account has to get through; what is in the folder is closed by itself.
        data.chmod(0o711)
        with (
            own.run_own_servers(data, settings={}, given=given, template=migrated) as mine,
            embedded.run_service(
                data,
                mine.urls,
                # The results are missing until a test writes them.
                extra={**FAST, **mine.extra, "TEST_RESULTS": str(data / "test-results.json")},
                seed={},
                validate=True,
            ) as running,
            service_logs.watch_logs(running.logs, database=mine.extra.get("DATABASE_ROLE_PREFIX")),
        ):
            yield running


@pytest.fixture(scope="package")
def google(service):
    with closing(Sandbox(service.sandbox_url, service.control_url)) as handle:
        handle.dial(units_per_minute=0)
        yield handle
        assert handle.violations() == []


@pytest.fixture(scope="package")
def cast(service):
    """Return people who can sign in, each for one test: one of the staff, and members."""
    staff, *first = _register_people(service, 0)
    more = chain.from_iterable(_register_people(service, turn * PEOPLE) for turn in count(1))
    return {"staff": staff, "members": chain(first, more), "numbers": count(1)}


def _register_people(service, first):
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.cast", str(first), str(PEOPLE)],
        env=service.environment,
        cwd=embedded.ROOT,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(
    params=[
        "desktop",
        pytest.param("phone", marks=pytest.mark.thorough("browser journeys at a phone's size")),
    ]
)
def screen(request):
    """Return the size of the browser's window: every journey has to work at both."""
    return SCREENS[request.param]


@pytest.fixture
def visit(visit_at_any_size, screen):
    """Return how to open a browser as a person whom no other test knows."""
    return partial(visit_at_any_size, viewport=screen)


@pytest.fixture(scope="package")
def visit_at_any_size(browser, service, google, cast):
    """Return how to open a browser for a fixture that several tests share."""

    def open_as(person=None, **options):
        return open_new_visitor(
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
        yield one.sign_in_by_http()


@pytest.fixture
def connected(visitor):
    """Return a person whose mailbox is connected and synced."""
    return visitor.connect_by_http()


@pytest.fixture(scope="package")
def looker(visit_at_any_size):
    """Return who signed in and connected a mailbox, once for all who change nothing in it."""
    with visit_at_any_size() as one:
        one.sign_in_by_http().connect_by_http()
        return one.person, one.account, one.context.storage_state()


@pytest.fixture
def looked_at(browser, service, google, looker, screen):
    """Return a person whose mailbox is connected, in a browser of the test's own."""
    person, account, cookies = looker
    options = {"storage_state": cookies, "viewport": screen}
    with open_visitor(browser, service, google, person, account, **options) as one:
        yield one
