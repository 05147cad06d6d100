"""
The whole journey with markers in everything that the provider has, and no trace of them here.

Every field of every message holds the mark, and so does the account's address. Codes, states,
verifiers and tokens are markers, too. Connect, sync, read, disconnect, purge: zero, before and
after. That the search would find them is `test_scanner.py`'s.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl

import psycopg
import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Membership
from integrations import connections, purge
from integrations.inbox import reading
from integrations.inbox.filters import Filters
from integrations.inbox.reading import Asked
from integrations.models import Message, MessageBody, PurgeStep, SyncWork
from integrations.purge import inventory
from integrations.sync import claims, engine
from tests.canaries import cluster, stores
from tests.canaries.scanner import Needles, Stores, scan
from tests.canaries.test_scanner import url
from tests.factories import actor_for, make_keyring, make_organisation, make_user
from tests.integrations.google import Browser, point_at, query_of
from tests.worlds.sandbox import sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

# What goes to the token endpoint and comes from it is secret; these are not.
PUBLIC = {"client_id", "grant_type", "redirect_uri"}


@dataclass
class Journey:
    browser: Browser
    mark: str
    email: str
    consent_address: str = ""

    def connect(self):
        self.consent_address = self.browser.begin()
        back = self.browser.sandbox.consent(self.consent_address, email=self.email)
        self.arrived = back
        self.browser.arrive(back)
        return self.browser.attempt().connection.integrations.get()

    def sync(self, integration):
        for _ in range(50):
            SyncWork.objects.filter(integration=integration).update(next_sync_at=timezone.now())
            work = SyncWork.objects.get(integration=integration)
            try:
                if not engine.run(work_id=work.id, at=timezone.now()):
                    return
            except claims.NotClaimed:
                return

    def secrets(self):
        """Return every secret that went to the provider or came from it, by name."""
        found = {}
        for request in self.browser.sandbox.requests("/token"):
            for name, value in parse_qsl(request["body"]):
                if name not in PUBLIC:
                    found[f"{name} {value[:6]}"] = value
        for number, grant in enumerate(self.browser.sandbox.grants(self.email)):
            for kind, value in _tokens(grant):
                found[f"{kind} {number} {value[:8]}"] = value
        for name in ("state", "nonce", "code"):
            for address in (self.consent_address, self.arrived):
                if value := query_of(address).get(name):
                    found[name] = value
        return found


def _tokens(value, name="token"):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _tokens(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _tokens(inner, name)
    elif isinstance(value, str) and "token" in name and len(value) > 20:
        yield name, value


@pytest.fixture
def journey(transactional_db, sandbox, settings):
    make_keyring()
    point_at(settings, sandbox)
    with psycopg.connect(url(), autocommit=True) as connection:
        stores.uncompressed(connection)
    mark = f"cnry{secrets.token_hex(8)}"
    email = f"{mark}.box@example.com"
    sandbox.seed(email, size=25, days=60, canary=mark, hostile=0.2, malformed=0.1, name=mark)
    alice = make_user("alice", organisation=make_organisation("Acme"))
    return Journey(Browser(alice, sandbox), mark, email)


@pytest.fixture
def search(journey, settings, capfd):
    """Return a function that looks everywhere, for the marks and for every secret so far."""
    logged = []

    def everywhere():
        logged.extend(part.encode() for part in capfd.readouterr())
        with psycopg.connect(url(), autocommit=True) as connection:
            folder = cluster.files_of(connection)
        marks = {"content": journey.mark}
        found = journey.secrets()
        hits = scan(
            Needles(marks | found),
            Stores(
                database_url=url(),
                broker_url=settings.BROKER_URL,
                files=(folder, settings.KEYRING_DIR),
                texts={
                    "logs": logged,
                    "mail": [one.message().as_bytes() for one in mail.outbox],
                },
            ),
        )
        asked = [
            repr([one[part] for part in ("path", "query", "body")]).encode()
            for one in journey.browser.sandbox.requests("/gmail")
        ]
        hits += scan(Needles(marks), Stores(texts={"requests": asked}))
        return found, hits

    return everywhere


@pytest.mark.invariant(4)
@pytest.mark.invariant(5)
@pytest.mark.invariant(6)
@pytest.mark.scenario("D5", "X2")
@pytest.mark.clause("WDEL", "CASA-DEL", "AN-15", "WSEC-TOK")
class TestJourney:
    def test_leaves_no_canary_anywhere_before_or_after_a_disconnect(self, journey, search):
        integration = journey.connect()
        journey.sync(integration)
        read(journey)
        known, before = search()
        disconnect(journey, integration)
        _, after = search()

        assert {"state", "nonce", "code"} <= set(known)
        assert len(known) >= 6
        assert before == []
        assert after == []


def read(journey):
    """Look at what is there, as the owner does: the mark is in all of it."""
    assert Message.objects.count() >= 20
    assert MessageBody.objects.count() >= 20
    mark, user = journey.mark.encode(), journey.browser.user
    assert mark in journey.browser.client.get("/settings/integrations/").content
    actor = actor_for(user, Membership.objects.get(user=user).organisation)
    asked = Asked(actor=actor, user_id=user.id, at=timezone.now())
    assert mark in reading.list_messages(asked, Filters())
    assert mark in reading.list_threads(asked, Filters())
    opened = [
        reading.read_message(asked, one) for one in Message.objects.values_list("id", flat=True)
    ]
    assert all(mark in one for one in opened)


def disconnect(journey, integration):
    user = journey.browser.user
    job = connections.disconnect(
        integration_id=integration.id,
        user_id=user.id,
        organisation_id=Membership.objects.get(user=user).organisation_id,
        at=timezone.now(),
    )
    assert purge.run(job_id=job.id) is PurgeStep.DONE
    left = inventory.left(integration_id=integration.id, connection_id=integration.connection_id)
    assert not any(left.values())
