"""Connections that nobody declared are refused, wherever Python makes them, and told."""

from __future__ import annotations

import asyncio
import os
import smtplib
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from uuid import UUID

import pytest
import urllib3

from accounts.models import Alarm
from config import celery, settings_test
from config import egress as service
from config.egress_tripwire import (
    EgressAttempt,
    Tripwire,
    UndeclaredConnection,
    get_reportable_host,
)
from config.environment import Environment, InvalidSettings
from config.provider_settings import read_google, read_microsoft
from integrations.parsers import parser_process
from integrations.providers import provider_http
from integrations.providers.microsoft.attachment_uploads import UPLOAD_HOSTS
from integrations.tasks.purposes import TASKS
from limited_use.vault.keyring.keyring_port import key_server_address

# Addresses of documentation: nobody is there. RFC 5737, RFC 2606.
NOBODY = "203.0.113.9"
ROOT = settings_test.BASE_DIR


def check_refused(tripwire, event, *arguments):
    with pytest.raises(UndeclaredConnection):
        tripwire.check_event(event, arguments)


@pytest.fixture
def told():
    return []


@pytest.fixture
def tripwire(told):
    places = frozenset({("gmail.googleapis.com", 443), ("10.0.0.7", 6379)})
    return Tripwire(endpoints=places, record_attempt=told.append)


@pytest.mark.invariant(4)
@pytest.mark.control("5.1.5")
class TestTripwire:
    def test_lets_declared_places_through(self, tripwire, told):
        tripwire.check_event("socket.getaddrinfo", ("gmail.googleapis.com", 443, 0, 0, 0))
        tripwire.remember_addresses("gmail.googleapis.com", [(0, 0, 0, "", ("192.0.2.1", 443))])
        tripwire.check_event("socket.connect", (None, ("192.0.2.1", 443)))
        tripwire.check_event("socket.connect", (None, ("10.0.0.7", 6379)))

        assert told == []

    @pytest.mark.parametrize(
        "address",
        [
            (NOBODY, 443),
            ("10.0.0.7", 5432),
            ("192.0.2.1", 8080),
            ("2001:db8::1", 443, 0, 0),
            ("127.0.0.1", 8000),
            ("169.254.169.254", 80),
        ],
    )
    def test_refuses_and_tells_of_others(self, tripwire, told, address):
        tripwire.remember_addresses("gmail.googleapis.com", [(0, 0, 0, "", ("192.0.2.1", 443))])

        check_refused(tripwire, "socket.connect", None, address)

        assert told == [EgressAttempt(address[0], address[1])]

    def test_refuses_to_look_up_what_is_not_declared(self, tripwire, told):
        check_refused(tripwire, "socket.getaddrinfo", "c2VjcmV0.collector.example", 53)
        check_refused(tripwire, "socket.gethostbyname", b"collector.example")

        # What stands before a domain may be what somebody meant to send.
        assert {attempt.target for attempt in told} == {"collector.example"}

    def test_refuses_packets_without_a_connection(self, tripwire):
        check_refused(tripwire, "socket.sendto", None, (NOBODY, 53))
        check_refused(tripwire, "socket.sendmsg", None, (NOBODY, 53))

    @pytest.mark.parametrize(
        "event", ["subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"]
    )
    def test_refuses_to_start_processes_that_it_would_not_see(self, tripwire, event):
        check_refused(tripwire, event, "curl", ["curl"], None, {})

    def test_lets_sockets_of_this_machine_through(self, tripwire, told):
        tripwire.check_event("socket.connect", (None, "/run/postgresql/.s.PGSQL.5432"))

        assert told == []

    def test_tells_no_more_of_a_name_than_its_domain(self):
        assert get_reportable_host("a." * 50 + "example.org") == "example.org"
        assert len(get_reportable_host("x" * 300)) <= 40


@pytest.mark.invariant(4)
class TestInThisProcess:
    """The tripwire that is up during every test: loopback, and nothing else."""

    def test_is_up(self, egress):
        with pytest.raises(UndeclaredConnection):
            socket.getaddrinfo("collector.example", 443)

        assert egress.pop() == EgressAttempt("collector.example", 0)

    def test_hears_of_what_is_swallowed(self, egress):
        with pytest.raises(urllib3.exceptions.HTTPError):
            urllib3.PoolManager(retries=False).request("GET", "http://collector.example/")

        assert [attempt.target for attempt in egress] == ["collector.example"]
        egress.clear()

    def test_sees_mail_and_event_loops(self, egress):
        async def connect():
            await asyncio.open_connection("loop.example", 443)

        with pytest.raises(OSError, match="undeclared"):
            smtplib.SMTP("mail.example", 25)
        # A loop in a thread of its own: a browser's may run in this one.
        with ThreadPoolExecutor() as pool, pytest.raises(OSError, match="undeclared"):
            pool.submit(asyncio.run, connect()).result()

        assert {attempt.target for attempt in egress} == {"mail.example", "loop.example"}
        egress.clear()

    def test_sees_every_thread(self, egress):
        def resolve_in_thread():
            with pytest.raises(UndeclaredConnection):
                socket.gethostbyname("thread.example")

        thread = threading.Thread(target=resolve_in_thread)
        thread.start()
        thread.join()

        assert egress.pop() == EgressAttempt("thread.example", 0)


def settings(**changed):
    """Return settings as production has them."""
    given = {
        "GOOGLE": read_google(Environment({}), production=True),
        "MICROSOFT": read_microsoft(Environment({}), production=True),
        "BROKER_URL": "rediss://:secret@broker.internal:6380/0",
        "KEYRING": SimpleNamespace(url="https://keys.internal:8200"),
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.internal",
        "EMAIL_PORT": 587,
        "DATABASES": {"default": {"HOST": "db.internal", "PORT": ""}},
    }
    return SimpleNamespace(**given | changed)


@pytest.mark.control("5.1.5")
class TestDeclared:
    def test_is_what_the_settings_name(self):
        assert service.list_declared_endpoints(settings()) == {
            ("accounts.google.com", 443),
            ("gmail.googleapis.com", 443),
            ("graph.microsoft.com", 443),
            ("login.microsoftonline.com", 443),
            ("oauth2.googleapis.com", 443),
            ("openidconnect.googleapis.com", 443),
            ("outlook.live.com", 443),
            ("outlook.office.com", 443),
            ("outlook.office365.com", 443),
            ("www.googleapis.com", 443),
            ("broker.internal", 6380),
            ("keys.internal", 8200),
            ("mail.internal", 587),
            ("db.internal", 5432),
        }

    def test_has_the_hosts_that_attachments_are_uploaded_to(self):
        hosts = {host for host, _ in service.list_declared_endpoints(settings())}

        assert hosts >= UPLOAD_HOSTS

    def test_has_the_proxy_and_no_provider_where_there_is_one(self):
        found = service.list_declared_endpoints(
            settings(EGRESS_PROXY="http://user:word@proxy.internal:3128")
        )

        assert ("proxy.internal", 3128) in found
        assert not [host for host, _ in found if "google" in host]

    def test_has_no_mail_server_where_mail_is_not_sent(self):
        backend = "django.core.mail.backends.filebased.EmailBackend"

        assert ("mail.internal", 587) not in service.list_declared_endpoints(
            settings(EMAIL_BACKEND=backend)
        )


GMAIL, OAUTH, KEYS = (
    ("gmail.googleapis.com", 443),
    ("oauth2.googleapis.com", 443),
    ("keys.internal", 8200),
)


@pytest.fixture
def watched(told):
    """The tripwire of a production process, that tells us instead of the operator."""
    made = service.build_tripwire(settings())
    made.record_attempt = told.append
    return made


@contextmanager
def set_variable(variable, value):
    way = variable.set(value)
    try:
        yield
    finally:
        variable.reset(way)


PYTHON, *ARGUMENTS = parser_process.COMMAND
#: What `subprocess.Popen` tells of a start: executable, command, folder, environment.
DECLARED = (PYTHON, [PYTHON, *ARGUMENTS], "/", {})
ANOTHER = {
    "another program": ("/bin/sh", ["/bin/sh", *ARGUMENTS], "/", {}),
    "another program by the same name": ("/bin/sh", [PYTHON, *ARGUMENTS], "/", {}),
    "another script": (PYTHON, [PYTHON, "-I", "/srv/script.py"], "/", {}),
    "words of Python": (PYTHON, [PYTHON, "-c", "print()"], "/", {}),
    "an argument more": (PYTHON, [PYTHON, *ARGUMENTS, "https://collector.example"], "/", {}),
    "an argument less": (PYTHON, [PYTHON, ARGUMENTS[-1]], "/", {}),
    "an environment": (PYTHON, [PYTHON, *ARGUMENTS], "/", {"A": "secret"}),
    "the service's environment": (PYTHON, [PYTHON, *ARGUMENTS], "/", None),
    "a shell": ("/bin/sh", "curl collector.example", "/", {}),
}


@pytest.mark.invariant(4, 13)
@pytest.mark.control("5.1.5")
class TestAProgram:
    def test_is_started_if_it_is_the_parser(self, watched, told):
        watched.check_event("subprocess.Popen", DECLARED)

        assert told == []

    @pytest.mark.parametrize("start", ANOTHER.values(), ids=ANOTHER)
    def test_is_refused_if_it_is_another(self, watched, told, start):
        check_refused(watched, "subprocess.Popen", *start)

        assert told == [EgressAttempt("subprocess.Popen", 0)]

    @pytest.mark.parametrize("event", ["os.system", "os.exec", "os.posix_spawn"])
    def test_is_started_in_no_other_way(self, watched, event):
        check_refused(watched, event, *DECLARED)

    def test_is_seen_where_a_production_process_starts_it(self):
        done = subprocess.run(
            [sys.executable, "-c", PARSES_UNDER_A_TRIPWIRE],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.stdout.split() == ["hello", "refused"], done.stderr


# As a worker does once its tripwire is up.
PARSES_UNDER_A_TRIPWIRE = """
import subprocess, sys
from config import egress_tripwire
from integrations.parsers import parse_requests, parser_process
wire = egress_tripwire.Tripwire(
    endpoints=frozenset(),
    record_attempt=lambda _: None,
    programs=frozenset({parser_process.COMMAND}),
)
egress_tripwire.arm_tripwire(wire)
print(parse_requests.sanitise_text("hello", "").text)
try:
    subprocess.run([sys.executable, "-c", "print('started')"], env={})
except egress_tripwire.UndeclaredConnection:
    print("refused")
"""


@pytest.mark.invariant(4)
@pytest.mark.control("5.1.5")
class TestDoors:
    @pytest.mark.parametrize("place", [GMAIL, OAUTH, KEYS])
    def test_are_the_only_way_to_what_is_behind_them(self, watched, told, place):
        check_refused(watched, "socket.getaddrinfo", *place)
        check_refused(watched, "socket.connect", None, place)

        assert len(told) == 2

    def test_to_a_provider_lead_to_the_host_of_the_request_alone(self, watched):
        with set_variable(provider_http.current_destination, GMAIL):
            watched.check_event("socket.getaddrinfo", (*GMAIL, 0, 0, 0))
            watched.remember_addresses(GMAIL[0], [(0, 0, 0, "", ("192.0.2.1", 443))])
            watched.check_event("socket.connect", (None, ("192.0.2.1", 443)))
            for elsewhere in (OAUTH, KEYS, ("broker.internal", 6380), ("192.0.2.1", 8443)):
                check_refused(watched, "socket.connect", None, elsewhere)

        check_refused(watched, "socket.connect", None, ("192.0.2.1", 443))

    def test_to_the_key_store_lead_to_no_provider(self, watched):
        with set_variable(key_server_address, KEYS):
            watched.check_event("socket.connect", (None, KEYS))
            check_refused(watched, "socket.connect", None, GMAIL)

    def test_open_nothing_that_is_not_declared(self, watched):
        # What an answer of a provider named, say.
        for place in (("169.254.169.254", 80), ("broker.internal", 6380), KEYS):
            with set_variable(provider_http.current_destination, place):
                check_refused(watched, "socket.connect", None, place)

    def test_leave_database_broker_and_mail_to_everybody(self, watched, told):
        for place in (("broker.internal", 6380), ("mail.internal", 587), ("db.internal", 5432)):
            watched.check_event("socket.connect", (None, place))

        assert told == []

    def test_with_a_proxy_lead_to_the_proxy_alone(self, told):
        made = service.build_tripwire(settings(EGRESS_PROXY="http://proxy.internal:3128"))
        made.record_attempt = told.append

        with set_variable(provider_http.current_destination, ("proxy.internal", 3128)):
            made.check_event("socket.connect", (None, ("proxy.internal", 3128)))
        with set_variable(provider_http.current_destination, GMAIL):
            check_refused(made, "socket.connect", None, GMAIL)


@pytest.mark.invariant(4)
class TestATask:
    @pytest.mark.parametrize("name", ["integrations.sync_mail", "integrations.purge_integration"])
    def test_whose_purpose_it_is_reaches_the_provider(self, watched, name):
        with (
            set_variable(service.current_task, name),
            set_variable(provider_http.current_destination, GMAIL),
        ):
            watched.check_event("socket.connect", (None, GMAIL))

    @pytest.mark.parametrize("name", [name for name, entry in TASKS.items() if not entry.purposes])
    def test_without_a_purpose_reaches_none(self, watched, told, name):
        with (
            set_variable(service.current_task, name),
            set_variable(provider_http.current_destination, GMAIL),
        ):
            check_refused(watched, "socket.connect", None, GMAIL)

        assert told == [EgressAttempt("googleapis.com", 443, purpose=name)]

    def test_without_a_purpose_still_reaches_keys_and_broker(self, watched):
        with set_variable(service.current_task, "limited_use.turn_key_epoch"):
            watched.check_event("socket.connect", (None, ("broker.internal", 6380)))
            with set_variable(key_server_address, KEYS):
                watched.check_event("socket.connect", (None, KEYS))

    def test_is_known_while_it_runs(self):
        celery.set_current_task(task=SimpleNamespace(name="integrations.sync_mail"))
        assert service.current_task.get() == "integrations.sync_mail"

        celery.clear_current_task()
        assert service.current_task.get() == ""


class TestTheTransport:
    """The doors are opened by those who talk, and closed behind them."""

    def test_opens_the_door_to_the_host_of_its_request(self, egress):
        seen = []

        with pytest.raises(provider_http.NoResponse), patched(seen):
            provider_http.fetch_document("https://gmail.googleapis.com/gmail/v1")

        assert seen == [GMAIL]
        assert provider_http.current_destination.get() is None

    def test_asks_the_proxy_where_there_is_one(self):
        seen = []
        provider_http.use_proxy("http://user:word@proxy.internal:3128")
        try:
            with pytest.raises(provider_http.NoResponse), patched(seen):
                provider_http.fetch_document("https://gmail.googleapis.com/gmail/v1")
        finally:
            provider_http.use_proxy("")

        assert seen == [("proxy.internal", 3128)]

    @pytest.mark.parametrize(
        "url",
        ["proxy:3128", "ftp://proxy:3128", "http://proxy", "http://proxy:3128/path", "http://"],
    )
    def test_is_told_of_no_proxy_that_is_none(self, url):
        env = Environment({"EGRESS_PROXY": url})

        service.read_proxy_url(env)

        with pytest.raises(InvalidSettings, match="EGRESS_PROXY"):
            env.raise_problems()


@contextmanager
def patched(seen):
    """Note the open door where a connection would be made, and make none."""

    def refuse(*_, **__):
        seen.append(provider_http.current_destination.get())
        raise OSError("no network here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("urllib3.util.connection.create_connection", refuse)
        yield


@pytest.mark.django_db(transaction=True)
class TestAlarm:
    def test_is_raised_once_a_day_and_place(self):
        for _ in range(2):
            service._raise_alarm(EgressAttempt("collector.example", 443))

        alarm = Alarm.objects.get(kind=service.ALARM_KIND)
        assert alarm.about == UUID(int=0)
        assert alarm.body == {"resource": "collector.example", "port": 443, "task": ""}


@pytest.mark.invariant(4)
class TestAProcessOfTheService:
    PROGRAM = """
import socket, sys
import config.wsgi
try:
    socket.create_connection(("collector.example", 443), timeout=1)
except PermissionError as error:
    print(type(error).__name__, error)
"""

    @pytest.mark.parametrize("flag", ["on", ""])
    def test_is_watched_where_the_setting_says_so(self, flag):
        run = subprocess.run(
            [sys.executable, "-c", self.PROGRAM if flag else
             "import config.wsgi, config.egress_tripwire;"
             "print('up' if config.egress_tripwire._current else 'down')"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings",
                 "ANTARES_ENV": "development", "EGRESS_TRIPWIRE": flag},
            capture_output=True, text=True, check=True,
        )  # fmt: skip

        expected = "UndeclaredConnection undeclared: collector.example" if flag else "down"
        assert run.stdout.strip() == expected
        assert ("egress.refused" in run.stderr) is bool(flag)
