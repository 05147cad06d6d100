"""Production as config/README.md documents it: its commands, on servers of the test's own."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest

from config.database.role_logins import get_login_variable_name
from config.embedded import tcp_ports
from config.embedded.embedded_servers import run_servers as servers_running
from config.process_classes import OWNER, ProcessClass
from tests import service_logs
from tests.config import production
from tests.config.documented import read_processes
from tests.worlds.deployment import PATH, Deployment
from tests.worlds.processes import wait_until

HOST = "antares.example"
STAFF_HOST = "staff.antares.example"
# Where `collectstatic` puts them; git ignores the folder.
STATIC_FILES = production.ROOT / "staticfiles"
PASSWORD = "pw-of-a-role"
# A person gets a calendar that is stored only here, as the page of a web process makes it.
MAKE_CALENDAR = """
from django.utils import timezone
from accounts import row_owner
from accounts.models import Membership
from integrations.calendar import local_calendars
from integrations.calendar.local_calendars import LocalCalendarProperties
from limited_use.policy.feature_registry import FEATURES
from tests.factories import actor_for

with row_owner.acting_for(*Membership.objects.values_list("user_id", "organisation_id").get()):
    member = Membership.objects.select_related("user", "organisation").get()
    local_calendars.create_local_calendar(
        actor=actor_for(member.user, member.organisation),
        properties=LocalCalendarProperties("Family", "Europe/Berlin"),
        version=FEATURES["local-calendar"].version,
        at=timezone.now(),
    )
"""


class Production(Deployment):
    """A deployment: each process has an environment of its own, with its own login."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        super().__init__(folder)
        self.owner_url = database
        keyring = folder / "keyring"
        keyring.mkdir(mode=0o700)
        shared = production.environment(keyring)
        del shared["PROCESS_CLASS"], shared["DATABASE_URL_WEB"]
        self.shared = {
            **shared,
            "PATH": PATH,
            "BROKER_URL": broker,
            "EGRESS_TRIPWIRE": "on",
            "SWEEP_SECONDS": "1",
            "TRUSTED_PROXY": "nginx",
        }

    def login(self, process_class: ProcessClass) -> str:
        parts = urlsplit(self.owner_url)
        place = parts.netloc.rpartition("@")[2]
        user = f"antares_{process_class}"
        return parts._replace(netloc=f"{user}:{quote(PASSWORD)}@{place}").geturl()

    def environment_of(self, process_class: str) -> dict[str, str]:
        logins = {get_login_variable_name(one): self.login(one) for one in ProcessClass}
        if process_class == OWNER:
            own = {"DATABASE_URL": self.owner_url, **logins}
        else:
            name = get_login_variable_name(ProcessClass(process_class))
            own = {name: logins[name]}
        return {**self.shared, "PROCESS_CLASS": process_class, **own}

    def rows(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def deployment():
    """Return a deployment on servers of its own, whose owner of the tables is not a superuser."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antares-real-")))
        folder.chmod(0o711)
        urls = stack.enter_context(servers_running(folder, environment={}))
        with psycopg.connect(urls.database, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE release LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
            connection.execute("CREATE DATABASE service OWNER release")
        parts = urlsplit(urls.database)
        place = parts.netloc.rpartition("@")[2]
        owner = parts._replace(netloc=f"release:{quote(PASSWORD)}@{place}", path="/service")
        made = Production(folder, owner.geturl(), urls.broker)
        stack.enter_context(service_logs.watch_logs(made.logs))
        if not STATIC_FILES.exists():
            stack.callback(shutil.rmtree, STATIC_FILES, ignore_errors=True)
        try:
            yield made
        finally:
            made.stop()


@pytest.mark.thorough("a start of production by its documented commands")
@pytest.mark.invariant(6)
def test_the_documented_commands_finish_a_purge(deployment):
    processes = read_processes()
    with tcp_ports.reserve_port() as port, tcp_ports.reserve_port() as staff_port:
        url = f"http://127.0.0.1:{port}"

        def readiness():
            answer = httpx.get(f"{url}/readyz", headers={"Host": HOST}, timeout=20)
            return answer.status_code, answer.json()

        for process in processes:
            if process.process_class == OWNER:
                deployment.run(OWNER, *process.command)

        web, staff, *others = (one for one in processes if one.command[0] in {"granian", "celery"})
        deployment.start(web, GRANIAN_PORT=str(port), GRANIAN_HOST="127.0.0.1")
        tcp_ports.wait_for_port(port, deployment.processes["web"], name="web")
        status, words = readiness()
        assert (status, words["workers"]) == (503, "missing: beat, purge, sync")
        deployment.start(staff, GRANIAN_PORT=str(staff_port), GRANIAN_HOST="127.0.0.1")
        for process in others:
            deployment.start(process)
        wait_until(lambda: readiness()[0] == 200)
        through_proxy = {"Host": HOST, "X-Forwarded-Proto": "https"}
        page = httpx.get(f"{url}/accounts/login/", headers=through_proxy, timeout=20)
        assert page.status_code == 200
        tcp_ports.wait_for_port(staff_port, deployment.processes["staff"], name="staff")
        staff_url = f"http://127.0.0.1:{staff_port}"
        at_staff_site = {**through_proxy, "Host": STAFF_HOST}
        answers = {
            path: (
                httpx.get(f"{url}{path}", headers=through_proxy, timeout=20).status_code,
                httpx.get(f"{staff_url}{path}", headers=at_staff_site, timeout=20).status_code,
            )
            for path in ("/metrics", "/review/", "/support/items/", "/inbox/", "/openapi.json")
        }
        assert answers == {
            "/metrics": (404, 302),
            "/review/": (404, 302),
            "/support/items/": (404, 302),
            "/inbox/": (302, 404),
            "/openapi.json": (200, 404),
        }
        other_host = httpx.get(f"{staff_url}/metrics", headers=through_proxy, timeout=20)
        assert other_host.status_code == 400

        manage = ("python", "manage.py")
        deployment.run(OWNER, *manage, "people", "found", "acme", "Acme")
        deployment.run(OWNER, *manage, "people", "register", "alice", "alice@acme.example", "Alice")
        deployment.run(OWNER, *manage, "people", "join", "alice", "acme")
        deployment.run("web", *manage, "shell", "--no-imports", "-c", MAKE_CALENDAR)
        deployment.run(OWNER, *manage, "people", "leave", "alice", "acme")
        wait_until(lambda: deployment.rows("SELECT 1 FROM limited_use_receipt"))

        assert deployment.rows("SELECT step FROM integrations_purgejob") == [("done",)]
        assert deployment.rows("SELECT count(*) FROM integrations_calendar") == [(0,)]
        assert deployment.rows("SELECT kind, body FROM accounts_alarm") == []
        for process in processes:
            if process.process_class == ProcessClass.CONSOLE:
                deployment.run(ProcessClass.CONSOLE, *process.command)
        deployment.run(ProcessClass.PURGE, *manage, "overdue_purges")
        for process_class in ProcessClass:
            checks = (*manage, "check", "--deploy", "--database", "default")
            deployment.run(process_class, *checks, "--fail-level", "ERROR")
        logged = deployment.logged()
        assert "egress.refused" not in logged
        assert "workers: no worker consumes the queue purge" in logged
        lines = [json.loads(line) for line in logged.splitlines() if line[:1] == "{"]
        # Django logs each answer of 503 as an error, and a host that is not answered.
        by_django = {"django.request", "django.security.DisallowedHost"}
        ours = [line for line in lines if line["logger"] not in by_django]
        assert [line for line in ours if line["level"] in {"error", "critical"}] == []
