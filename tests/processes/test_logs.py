"""What real processes write to their logs over a journey with everything in it that can leak."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest
from django.db import connection as database
from django.utils import timezone

from integrations.models import Connection, Message, SyncWork
from integrations.operations import demo_data
from tests.canaries.scanner import Needles
from tests.canaries.secrets_seen import PUBLIC
from tests.integrations.google import ALICE_BOX, query_of
from tests.processes.test_connect import SCRYPT, arrive_from_provider, begin_connect
from tests.raw_feature import RawFeature
from tests.smoke.person import SmokePerson
from tests.worlds.processes import wait_until

ABOUT_A_CONNECTION = ("connect.", "connection.", "grant.", "integration.", "sync.", "use.")
IDS = {"connection_id", "integration_id", "about", "attempt_id"}


def tokens(value, name="token"):
    """Yield the kind and the value of every token in what the sandbox knows of a grant."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from tokens(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from tokens(inner, name)
    elif isinstance(value, str) and "token" in name and len(value) > 20:
        yield name, value


# A bug of ours in the middle of a run, as far as the run can tell.
BREAK = (
    """CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'broken by the test'; END $$""",
    """CREATE TRIGGER break_it BEFORE INSERT ON integrations_message
    FOR EACH ROW EXECUTE FUNCTION break_it()""",
)
MEND = (
    "DROP TRIGGER IF EXISTS break_it ON integrations_message",
    "DROP FUNCTION IF EXISTS break_it()",
)


def sql(statements):
    with database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def broken(transactional_db):
    sql(BREAK)
    yield
    sql(MEND)


@pytest.fixture
def seeded(world, settings):
    """Return Alice, and a feature whose row says `marketing`, as the demo seeds them."""
    settings.PASSWORD_HASHERS = [SCRYPT]
    people, clients = demo_data.seed_people_and_clients(at=timezone.now())
    alice = next(one for one in people if one.user.email.startswith("alice"))
    campaigns = next(one for one in clients if one.client_id == "campaigns")
    return alice, asdict(campaigns)


def expire():
    Connection.objects.update(access_expires_at=timezone.now())
    SyncWork.objects.update(next_sync_at=timezone.now())


def lines(running):
    for _, data in running.logged():
        for line in data.splitlines():
            if line.startswith(b"{"):
                yield json.loads(line)


def logged(running, event):
    return lambda: event in {line["event"] for line in lines(running)}


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
@pytest.mark.scenario("O3", "R7")
class TestTheLogsOfAJourney:
    def test_name_each_connection_and_hold_no_secret(self, running, world, seeded, broken):
        alice, campaigns = seeded
        secrets = {"account": ALICE_BOX, "sign-in address": alice.user.email}

        def remember():
            for number, grant in enumerate(world.grants(ALICE_BOX)):
                for kind, value in tokens(grant):
                    secrets[f"{kind} {number} {value[:8]}"] = value
                if len(str(grant.get("sub", ""))) > 10:
                    secrets["subject"] = grant["sub"]
            for request in world.requests("/token"):
                for name, value in re.findall(r"(\w+)=([^&]+)", str(request["body"])):
                    if name not in PUBLIC:
                        secrets[f"{name} {value[:6]}"] = value

        running.web(LOG_LEVEL="DEBUG")
        running.beat()
        running.worker(LOG_LEVEL="DEBUG")
        running.purger(LOG_LEVEL="DEBUG")
        person = SmokePerson(
            running.url,
            {"email": alice.user.email, "password": alice.password, "name": alice.user.name},
        )
        try:
            person.sign_in()
            address = begin_connect(person)
            back = world.consent(address, email=ALICE_BOX)
            secrets |= {"state": query_of(back)["state"], "code": query_of(back)["code"]}
            secrets["nonce"] = query_of(address)["nonce"]
            secrets["session"] = person.browser.http.cookies["session"]
            arrive_from_provider(person, back)
        finally:
            person.browser.http.close()
        wait_until(logged(running, "sync.crashed"))
        sql(MEND)
        expire()
        wait_until(logged(running, "grant.refreshed"))
        wait_until(lambda: Message.objects.count() == 3)
        remember()
        refused = RawFeature(running.url, campaigns).request_messages(
            campaigns["delegation_id"], str(alice.user.id)
        )
        world.revoke_grant(ALICE_BOX)
        expire()
        wait_until(logged(running, "connection.grant_ended"))
        remember()
        running.end()

        assert refused.status_code == 403
        needles = Needles(secrets)
        found = {hit for _, data in running.logged() for hit in needles.found_in(data)}
        assert found == set()
        ours = [line for line in lines(running) if line["event"].startswith(ABOUT_A_CONNECTION)]
        assert {
            "connect.completed", "sync.crashed", "grant.refreshed", "use.refused",
            "connection.grant_ended",
        } <= {line["event"] for line in ours}  # fmt: skip
        assert [line for line in ours if not IDS & set(line)] == []
        # A positive control: the same search finds what is planted.
        assert needles.found_in(f"… {secrets['code']} …".encode())
