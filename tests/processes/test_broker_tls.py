"""A real Valkey behind TLS with a private authority: whom workers, beat and the web connect to."""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from accounts.ids import uuid7
from config.broker import get_tls_options
from config.embedded import external_servers
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.process_classes import ProcessClass
from integrations.models import Heartbeat
from integrations.tasks.sync import sync_mail
from tests.broker import using_broker
from tests.canaries import stores
from tests.certificates import Authority
from tests.processes.tls_broker import terminate_tls
from tests.worlds.processes import wait_until

WORKER = ("celery", "--app", "config.celery", "worker", "--pool", "threads", "--concurrency", "1")
HOST = "localhost"
pytestmark = pytest.mark.control("6.2.1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """Return an authority that vouches for the same host, and that we do not trust."""
    return Authority(tmp_path_factory.mktemp("theirs") / "theirs")


@pytest.fixture
def server(running):
    """Return a client of the broker itself, behind its TLS."""
    with stores.client(running.broker_url) as client:
        client.flushall()
        yield client


def terminated(running, certificate):
    return terminate_tls(Path(running.broker_url.removeprefix("redis+socket://")), certificate)


def publish():
    """Queue a task as web processes and workers do, with the settings of the application."""
    sync_mail.apply_async(kwargs={"work_id": str(uuid7())}, retry=False)


def start_worker(running, url, authority):
    given = {"BROKER_URL": url, "BROKER_CA": str(authority.path), "EGRESS_TRIPWIRE": "on"}
    running.environment_of(ProcessClass.SYNC, **given)
    running.service.start_process(
        "worker", *WORKER, "--queues", "sync", process_class=ProcessClass.SYNC
    )


def read_log(running):
    return (running.service.logs / "worker.log").read_text()


def is_consumed():
    return Heartbeat.objects.filter(duty="sync").exists()


class TestABrokerOfOurAuthority:
    def test_is_published_to_and_consumed(self, running, server, authority):
        with terminated(running, authority.issue(HOST)) as front:
            url = f"rediss://{HOST}:{front.port}/0"
            with using_broker(url, get_tls_options(url, str(authority.path))):
                publish()
            assert server.llen("sync") == 1
            assert front.received

            start_worker(running, url, authority)
            wait_until(lambda: server.llen("sync") == 0 and is_consumed())

            running.stop("worker")
        assert "egress.refused" not in read_log(running)

    @pytest.mark.thorough("beat publishes by TLS")
    def test_is_published_to_by_beat(self, running, server, authority):
        with terminated(running, authority.issue(HOST)) as front:
            url = f"rediss://{HOST}:{front.port}/0"
            running.beat(BROKER_URL=url, BROKER_CA=str(authority.path))

            wait_until(lambda: server.llen("purge"))
            running.end()

    def test_answers_before_the_demo_starts(self, running, authority):
        with terminated(running, authority.issue(HOST)) as front:
            url = f"rediss://{HOST}:{front.port}/0"

            external_servers.check_broker(url, str(authority.path))
            with pytest.raises(EmbeddedServersUnavailable, match="certificate verify failed"):
                external_servers.check_broker(url)


class TestABrokerThatNobodyVouchesFor:
    @pytest.mark.parametrize("presented", ["stranger", "other-name", "our-address"])
    def test_is_told_nothing(self, running, server, authority, stranger, presented):
        issued = {
            "stranger": (stranger, HOST, HOST),
            "other-name": (authority, "broker.example", HOST),
            # A certificate for the name, reached by an address that is not in it.
            "our-address": (authority, HOST, "127.0.0.1"),
        }
        signer, name, reached = issued[presented]
        with terminated(running, signer.issue(name)) as front:
            url = f"rediss://:tops3cret@{reached}:{front.port}/0"
            with (
                using_broker(url, get_tls_options(url, str(authority.path))),
                pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                publish()

            assert front.received == 0
        assert server.llen("sync") == 0

    def test_is_told_nothing_without_an_authority_of_our_own(self, running, server, authority):
        with terminated(running, authority.issue(HOST)) as front:
            url = f"rediss://{HOST}:{front.port}/0"
            with (
                using_broker(url, get_tls_options(url, "")),
                pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                publish()

            assert front.received == 0

    @pytest.mark.thorough("a worker that does not connect to a broker of another authority")
    def test_is_not_consumed(self, running, server, authority, stranger):
        with terminated(running, stranger.issue(HOST)) as front:
            start_worker(running, f"rediss://:tops3cret@{HOST}:{front.port}/0", authority)

            # It logs no more of the cause: arguments may hold anything.
            wait_until(lambda: "consumer: Cannot connect" in read_log(running))

            assert front.refused
            assert front.received == 0
            assert not is_consumed()
            assert "tops3cret" not in read_log(running)
