"""
The ground that every test stands on: real servers, an own keyring, no network but loopback.

Without DATABASE_URL and BROKER_URL the process that was started by hand starts the embedded
servers, once; workers of xdist find their addresses in the environment they inherit.
"""

from __future__ import annotations

import gc
import os
import secrets
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from config.database import login_roles, role_logins
from config.embedded import embedded_servers, postgres
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.environment import Environment
from config.process_classes import ProcessClass
from tests import template
from tests.bench import databases

pytest_plugins = (
    "tests.documented_statuses",
    "tests.egress",
    "tests.matrix",
    "tests.progress",
    "tests.service_logs",
    "tests.tiers",
    "tests.timings",
    "tests.worlds.sandbox",
)

_RUNNING = pytest.StashKey[ExitStack]()


def pytest_configure(config):
    stack = config.stash[_RUNNING] = ExitStack()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antares-test-")))
    # Each process has keys of its own: workers have databases of their own, too.
    keyring = folder / "keyring"
    keyring.mkdir(mode=0o700)
    settings.KEYRING = replace(settings.KEYRING, folder=keyring)
    settings.KEYRING_TEMPLATE = folder / "keyring-template"
    os.environ["KEYRING_DIR"] = str(keyring)
    is_worker = hasattr(config, "workerinput")
    if not is_worker:
        stack.callback(_restore, dict(os.environ))
        # Roles belong to the whole server, which may be one that others use, too: somebody else's
        # run, or the one inside which this one was started.
        os.environ["DATABASE_ROLE_PREFIX"] = f"antares_test_{os.getpid()}"
    settings.DATABASE_ROLE_PREFIX = os.environ["DATABASE_ROLE_PREFIX"]
    if not is_worker:
        _start_servers(stack, folder)


def pytest_configure_node(node):
    # pytest-randomly does this itself only where xdist is loaded under its short name.
    node.workerinput["randomly_seed"] = node.config.getoption("randomly_seed")


def _start_servers(stack: ExitStack, folder: Path) -> None:
    # The server's own account has to get through; what is in the folder is closed by itself.
    folder.chmod(0o711)
    try:
        urls = stack.enter_context(
            embedded_servers.run_servers(folder, settings=postgres.THROWAWAY)
        )
    except EmbeddedServersUnavailable as problem:
        raise pytest.UsageError(str(problem)) from None
    os.environ.update(urls.to_environment())
    if urls.folder is not None:
        from tests import service_logs

        os.environ[service_logs.DATABASE_LOG] = str(urls.folder / "postgres.log")
    # Settings were read before any conftest; connections share this very dictionary.
    reached = Environment({}).read_database("DATABASE_URL", urls.database)
    options = {**settings.DATABASES["default"]["OPTIONS"], **reached.pop("OPTIONS")}
    settings.DATABASES["default"].update(reached, OPTIONS=options)
    settings.BROKER_URL = settings.CELERY_BROKER_URL = urls.broker
    _make_roles(urls.database)
    stack.callback(_drop_roles, urls.database)
    # Before the roles, which have rights there.
    stack.callback(template.drop_template, urls.database)


def _drop_roles(url: str) -> None:
    """Leave nothing behind on a server that was here before; what is still used by others stays."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in login_roles.DatabaseRoles(settings.DATABASE_ROLE_PREFIX).all_names:
            with suppress(psycopg.errors.DependentObjectsStillExist):
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def _make_roles(url: str) -> None:
    """Make the login roles, and leave their addresses to whoever starts processes."""
    made = login_roles.DatabaseRoles(settings.DATABASE_ROLE_PREFIX)
    passwords = {one: secrets.token_urlsafe(32) for one in ProcessClass}
    with psycopg.connect(url, autocommit=True) as connection:
        login_roles.make_database_roles(connection, made, passwords)
    os.environ.update(
        role_logins.build_environment(
            role_logins.build_database_logins(url, roles=made, passwords=passwords)
        )
    )


def _restore(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def pytest_unconfigure(config):
    if (stack := config.stash.get(_RUNNING, None)) is not None:
        stack.close()


# Those that start processes take long, so they begin first, in this order, and the rest is shared
# out around them. Neighbours go to one worker: those that share a service or a browser share it.
_LONG = (
    "tests/canaries/test_run.py",
    "tests/production/",
    "tests/processes/test_purge_kills.py",
    "tests/processes/",
    "tests/browser/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=_get_order)


def pytest_collection_finish():
    # What is here by now stays: none of it is looked through again for what can be freed.
    gc.collect()
    gc.freeze()
    # Counts what is left: the next full collection starts when a quarter more has been made.
    gc.collect()


def _get_order(item) -> int:
    first = (turn for turn, path in enumerate(_LONG) if item.nodeid.startswith(path))
    return next(first, len(_LONG))


@pytest.fixture(scope="session", autouse=True)
def _keyring():
    from limited_use.vault.keyring.keyring_file import FileKeyring

    FileKeyring.create(settings.KEYRING.folder)


@pytest.fixture(autouse=True)
def _own_checkpoints(settings, tmp_path):
    """Let no test see what another published: with the database empty again, that is a fork."""
    settings.LEDGER_CHECKPOINTS = tmp_path / "checkpoints.jsonl"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    """Let no test leave the next one a provider in memory: it would read that one's mailbox."""
    from accounts import row_owner
    from integrations.providers import GOOGLE, LOCAL, MICROSOFT, PROVIDERS

    # As at the end of a request, which a test that calls a function has none of.
    row_owner.clear_owner()
    done = yield
    real = {one.key: one for one in (GOOGLE, MICROSOFT, LOCAL)}
    if real != PROVIDERS:
        PROVIDERS.clear()
        PROVIDERS.update(real)
        pytest.fail(f"{item.nodeid} left a provider behind", pytrace=False)
    return done


@pytest.fixture(scope="session")
def openbao(tmp_path_factory):
    """Return a running key store, one per process that asks for it."""
    from tests.openbao import server

    with server.run_openbao(tmp_path_factory.mktemp("openbao")) as started:
        yield started


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    """Give this process a database of its own, in place of pytest-django's: a copy of one."""
    from django.db import connection
    from django.test import TransactionTestCase

    from config.database import provisioning
    from tests import emptying

    name = f"{settings.DATABASE_ROLE_PREFIX}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        template.copy_template(name)
    with template.using_database(name):
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            # What is restored from a copy is emptied first; a test turns it on again to see it
            # refuse.
            cursor.execute("ALTER TABLE limited_use_leaf DISABLE TRIGGER limited_use_keep_leaves")
            # Rights on the database itself do not come with a copy.
            provisioning.build_walls()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.delete_all_rows)
            yield
    databases.drop(os.environ["DATABASE_URL"], name)
