"""The service on a real key store, each process with the token of its class and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

import pytest

from integrations.models import Connection, Message, PurgeJob
from limited_use.models import DataKey, KeyEpoch, Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys
from limited_use.vault.keyring.keyring_factory import _open_transit
from limited_use.vault.keyring.keyring_transit import TransitKeyring
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser
from tests.processes.test_connect import person_of
from tests.worlds.processes import PATIENCE, script, wait_until

__all__ = ["person_of"]

OPENING = "tests.processes.opening"
pytestmark = [pytest.mark.control("6.7.1"), pytest.mark.invariant(2)]


@pytest.fixture
def store(openbao, world, settings, tmp_path):
    """Have the test use a key store as root; return how a process of a class uses it."""
    place = openbao.place(f"p-{secrets.token_hex(6)}")
    TransitKeyring.create(place._replace(token=openbao.root))
    settings.KEYRING = replace(settings.KEYRING, **place._replace(token=openbao.root)._asdict())
    data_keys.drop_cached_keys()

    def of(process_class):
        return {
            "KEYRING_URL": place.url,
            "KEYRING_MOUNT": place.mount,
            "KEYRING_TOKEN": openbao.token(place, process_class),
            "LEDGER_CHECKPOINTS": str(tmp_path / "checkpoints.jsonl"),
        }

    yield of
    _open_transit.cache_clear()


@pytest.fixture
def connection(world, alice):
    GoogleConnectBrowser(alice, world).connect()
    return Connection.objects.get()


def run_opening(connection, **environment):
    with script(OPENING, str(connection.id), **environment) as process:
        return process.stdout.read().decode()


def token_at(world):
    (grant,) = world.grants(ALICE_BOX)
    (token,) = grant["refresh_tokens"]
    return hashlib.sha256(token.encode()).hexdigest()


class TestARefreshToken:
    @pytest.mark.parametrize(("process_class", "opens"), [
        ("web", False), ("staff", False), ("sync", True), ("purge", True), ("console", False),
    ])  # fmt: skip
    def test_is_opened_by_the_key_store_for_workers_only(
        self, store, connection, world, process_class, opens
    ):
        # Without a class of its own, so that nothing but the key store stops it.
        found = run_opening(connection, **store(process_class), PROCESS_CLASS="")

        assert found == (token_at(world) if opens else "NoKeyring")

    @pytest.mark.parametrize(("process_class", "refusal"), [
        ("web", "NotThisProcess"),
        # Is told of no key but those of what is open to support.
        ("staff", "Unopenable"),
        ("sync", None),
        ("purge", None),
        ("console", "NotThisProcess"),
    ])  # fmt: skip
    def test_is_opened_by_files_for_workers_only(self, connection, world, process_class, refusal):
        found = run_opening(connection, PROCESS_CLASS=process_class)

        assert found == (refusal or token_at(world))


class TestTheService:
    @pytest.mark.scenario("R1")
    @pytest.mark.invariant(6)
    def test_connects_reads_refreshes_and_removes_with_no_more_than_that(
        self, store, alice, running, world, person_of
    ):
        world.seed(ALICE_BOX, size=30, days=30)
        running.web(**store("web"))
        running.worker(**store("sync"))
        running.purger(**store("purge"))
        running.beat(**store("purge"))
        person = person_of(alice, running)

        person.connect(ALICE_BOX)
        wait_until(lambda: Message.objects.filter(has_attachments=True).exists())
        assert sorted(DataKey.objects.values_list("line", flat=True).distinct()) == [
            "account", "content", "credential",
        ]  # fmt: skip
        assert ALICE_BOX in person.settings().text

        # The page's token is over: it asks a worker, and gets the file.
        world.expire_access(ALICE_BOX)
        file = attachment(person)
        assert person.browser.http.get(f"{running.url}{file}").status_code == 200
        assert Connection.objects.get().grant_generation == 2

        # The epochs turn under the purge's own policy, and all is read as before.
        rotate_epochs(store)
        assert person.browser.http.get(f"{running.url}{file}").status_code == 200

        person.disconnect()
        wait_until(Receipt.objects.exists)
        job = PurgeJob.objects.get()
        assert (job.step, job.revocation) == ("done", "confirmed")
        assert all((job.content_key_id, job.credential_key_id, job.account_key_id))
        assert not world.grants(ALICE_BOX)


def attachment(person):
    """Return the path of a file in the mailbox."""
    for row in person.messages(has_attachments="true", limit=20):
        for file in person.api(f"/messages/{row['id']}")["attachments"]:
            if not file["is_inline"]:
                return f"/v1/users/me/messages/{row['id']}/attachments/{file['id']}"
    raise AssertionError("no message has an attachment")


def rotate_epochs(store):
    """Turn every line's epoch, by a process of the class that does so."""
    with script("manage", "turn_key_epoch", **store("purge"), PROCESS_CLASS="purge") as process:
        assert process.wait(timeout=PATIENCE) == 0
    for line in KeyLine:
        alive = KeyEpoch.objects.filter(line=line, destroyed_at=None)
        assert list(alive.values_list("number", flat=True)) == [2]
