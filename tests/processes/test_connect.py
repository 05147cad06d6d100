"""Connect and disconnect through a real web process, which is restarted, or has no broker."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from config.embedded import tcp_ports
from integrations.models import (
    AttemptOutcome,
    ConnectAttempt,
    Connection,
    Integration,
    Message,
    PurgeJob,
    SyncWork,
)
from integrations.settings.messages.connect import OUTCOMES
from limited_use.models import Receipt
from tests.integrations.google import ALICE_BOX
from tests.smoke.person import SmokePerson
from tests.worlds.processes import wait_until

PASSWORD = "correct horse battery staple"
SCRYPT = "django.contrib.auth.hashers.ScryptPasswordHasher"


@pytest.fixture
def person_of(settings):
    """Return a function that gives a user a password, and a browser at the service."""
    # The web process reads what the test writes, with the hashers of production.
    settings.PASSWORD_HASHERS = [SCRYPT]
    hashed = make_password(PASSWORD)
    everybody = []

    def of(user, running):
        seeded = {}
        if user is not None:
            type(user).objects.filter(id=user.id).update(password=hashed)
            seeded = {"email": user.email, "password": PASSWORD, "name": user.name}
        person = SmokePerson(running.url, seeded)
        everybody.append(person)
        if user is not None:
            person.sign_in()
        return person

    yield of
    for person in everybody:
        person.browser.http.close()


def begin_connect(person):
    """Agree on the disclosure page; return the address of the consent page."""
    page = person.browser.get("/settings/connect/google/")
    form = page.form("connect/google/begin")
    response = person.browser.http.post(
        f"{person.browser.base_url}{form.action}",
        data=dict(form.data(agree="yes")),
        headers={"referer": page.url, "origin": person.browser.base_url},
    )
    assert response.status_code == 303
    return response.headers["location"]


def arrive_from_provider(person, back):
    """Be sent back by the provider; return the page that one ends at."""
    parts = urlsplit(back)
    page = person.browser.get(f"{parts.path}?{parts.query}")
    assert page.status == 200
    assert urlsplit(page.url).query == ""
    return page


def shows_outcome(page, outcome):
    return OUTCOMES[outcome].title in page.text


class TestAConnectThatOutlivesItsWebProcess:
    @pytest.mark.scenario("A4")
    @pytest.mark.control("3.2.2")
    def test_is_finished_by_the_next_and_by_nobody_else_or_twice(
        self, alice, bob, running, world, person_of
    ):
        running.web()
        her, him = person_of(alice, running), person_of(bob, running)
        back = world.consent(begin_connect(her), email=ALICE_BOX)
        late = world.consent(begin_connect(her), email=ALICE_BOX)
        asked = world.calls("/token")

        running.stop("web")
        running.web()
        foreign = arrive_from_provider(him, back)
        nobody = person_of(None, running).browser.get(back)
        connected = arrive_from_provider(her, back)
        replayed = arrive_from_provider(her, back)
        ConnectAttempt.objects.filter(outcome=AttemptOutcome.PENDING).update(
            expires_at=timezone.now()
        )
        expired = arrive_from_provider(her, late)

        assert shows_outcome(foreign, AttemptOutcome.FOREIGN_STATE)
        assert "login" in nobody.url
        assert shows_outcome(connected, AttemptOutcome.CONNECTED)
        assert shows_outcome(replayed, AttemptOutcome.REPLAYED)
        assert shows_outcome(expired, AttemptOutcome.EXPIRED)
        # One code was exchanged, and one grant is kept: hers.
        assert world.calls("/token") == asked + 1
        assert Connection.objects.get().user_id == alice.id
        assert Integration.objects.count() == 1


@pytest.fixture
def silent_port():
    """Reserve a port, so that nobody listens there while the test lasts."""
    with tcp_ports.reserve_port() as port:
        yield port


class TestAWebProcessWhoseBrokerIsDown:
    @pytest.mark.scenario("X1")
    @pytest.mark.invariant(5)
    @pytest.mark.invariant(6)
    def test_connects_and_disconnects_and_the_sweeps_do_the_rest(
        self, alice, running, world, person_of, silent_port
    ):
        running.web(BROKER_URL=f"redis://127.0.0.1:{silent_port}/0")
        person = person_of(alice, running)
        # As long as a person would wait before they press again.
        person.browser.http.timeout = 5

        connected = arrive_from_provider(
            person, world.consent(begin_connect(person), email=ALICE_BOX)
        )
        waiting = SyncWork.objects.get()
        running.beat()
        running.worker()
        running.purger()
        wait_until(lambda: Message.objects.count() == 3)
        wait_until(lambda: Integration.objects.get().status == "active")
        removal, _ = person.disconnect()
        wait_until(Receipt.objects.exists)

        assert shows_outcome(connected, AttemptOutcome.CONNECTED)
        assert (waiting.lease_by, waiting.heartbeat_at) == (None, None)
        assert removal.status == 200
        assert "Antares can no longer open" in removal.text
        job = PurgeJob.objects.get()
        assert (job.step, job.revocation) == ("done", "confirmed")
        assert not Message.objects.exists()
        assert not world.grants(ALICE_BOX)
