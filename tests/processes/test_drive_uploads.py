"""Files through a real web process into the Drive: killed, broken off, disconnected, and large."""

from __future__ import annotations

import random
import time

import httpx
import pytest
from django.conf import settings as now
from django.utils import timezone

from accounts.models import Membership
from config.process_classes import ProcessClass
from integrations import connections, purge
from integrations.models import DriveFile, Integration, PurgeStep
from integrations.purge import inventory
from tests.integrations.drive.conftest import DRIVE
from tests.integrations.drive.tus_files import FILES, UNIT, FileClient, make_file
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser
from tests.integrations.uploads.tus import encode_metadata
from tests.processes.test_greedy import peak_memory, workers_of
from tests.processes.test_uploads import Sender
from tests.worlds.processes import wait_until

MIB = 1024 * 1024

pytestmark = [pytest.mark.clause("AN-7")]


class DriveSender(Sender):
    """Alice's browser at a web process, and her Drive."""

    def begin(self, size: int) -> str:
        answer = self.http.post(
            f"{FILES}?again=true",
            headers={
                **self.headers,
                "Upload-Length": str(size),
                "Upload-Metadata": encode_metadata(filename="a.bin"),
            },
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def finish(self, address: str, data: bytes, *, patience: float = 60) -> None:
        """Continue until the file is whole, as a tus client does: it retries what may pass."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                answer = self.http.head(address, headers=self.headers)
                if answer.status_code == 200:
                    offset = int(answer.headers["Upload-Offset"])
                    if offset == len(data):
                        return
                    answer = self.send(address, data[offset:], offset=offset)
                    if answer.status_code == 204:
                        continue
                assert answer.status_code in {409, 423, 429, 503}, answer.text
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not whole after {patience} s: {DriveFile.objects.get().state}")


def read_state(address: str) -> str:
    return DriveFile.objects.get(id=address.rsplit("/", maxsplit=1)[-1]).state


@pytest.fixture
def drive(world, alice):
    browser = GoogleConnectBrowser(alice, world)
    authorization = browser.begin(None, **DRIVE)
    browser.arrive(world.consent(authorization, email=ALICE_BOX))
    drive = Integration.objects.select_related("connection").get(product="drive")
    return browser, drive


@pytest.fixture
def sender(world, drive, running):
    browser, integration = drive
    running.environment_of(ProcessClass.WEB)
    running.service.start_site(ProcessClass.WEB, running.port)
    running.service.wait_until_listening("web", running.port)
    cookies = {now.SESSION_COOKIE_NAME: browser.client.cookies[now.SESSION_COOKIE_NAME].value}
    with httpx.Client(base_url=running.url, cookies=cookies, timeout=60) as http:
        http.get("/inbox/search/").raise_for_status()
        yield DriveSender(http, integration)


@pytest.fixture
def remote(world):
    return FileClient(None, world)


def wait_for_stored(world, count: int) -> None:
    wait_until(lambda: any(one["stored"] >= count for one in world.uploads(ALICE_BOX)))


class TestUpload:
    @pytest.mark.scenario("F4")
    def test_survives_the_death_of_its_web_process(self, sender, running, remote, world):
        data = make_file(12 * MIB + 11)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[: 8 * MIB]):
            wait_for_stored(world, 4 * MIB)
            running.kill("web")
        running.service.start_site(ProcessClass.WEB, running.port)
        running.service.wait_until_listening("web", running.port)
        running.worker()
        sender.finish(address, data)

        wait_until(lambda: read_state(address) == "done")
        remote.check_remote(data)

    @pytest.mark.scenario("F4")
    def test_continues_after_its_client_left(self, sender, remote, world):
        data = make_file(9 * MIB)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[: 6 * MIB]):
            wait_for_stored(world, 2 * MIB)
        wait_until(lambda: DriveFile.objects.get().lease_by is None)
        assert sender.ask(address) >= 2 * MIB
        sender.finish(address, data)

        remote.check_remote(data)

    @pytest.mark.scenario("X8")
    def test_ends_with_a_disconnect_and_leaves_nothing(self, sender, remote, world):
        data = make_file(12 * MIB)
        address = sender.begin(len(data))
        drive = sender.mailbox

        with sender.sending(address, len(data), data[: 6 * MIB]) as client:
            wait_for_stored(world, 2 * MIB)
            job = connections.disconnect_integration(
                integration_id=drive.id,
                user_id=drive.connection.user_id,
                organisation_id=Membership.objects.get().organisation_id,
                at=timezone.now(),
            )
            step = purge.run_purge(job_id=job.id)
            # The web process checks every two seconds, and sends nothing that comes later.
            for offset in range(6 * MIB, len(data), UNIT):
                time.sleep(0.2)
                try:
                    client.sendall(data[offset : offset + UNIT])
                except OSError:
                    break
            answer = client.recv(65536)

        assert step is PurgeStep.DONE
        assert answer.startswith(b"HTTP/1.1 4")
        assert not DriveFile.objects.exists()
        assert remote.list_remote() == []
        assert sum(inventory.count_rows_left(integration_id=drive.id).values()) == 0

    def test_stops_when_its_owner_pauses_it(self, sender, remote, world):
        data = make_file(12 * MIB)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[: 6 * MIB]) as client:
            wait_for_stored(world, 2 * MIB)
            answer = sender.http.post(f"{address}/pause", headers=sender.headers)
            assert answer.status_code == 200, answer.text
            for offset in range(6 * MIB, len(data), UNIT):
                time.sleep(0.15)
                try:
                    client.sendall(data[offset : offset + UNIT])
                except OSError:
                    break
            broken = client.recv(65536)
        assert broken.startswith(b"HTTP/1.1 423")
        assert read_state(address) == "paused"

        assert sender.http.post(f"{address}/resume", headers=sender.headers).status_code == 200
        sender.finish(address, data)
        remote.check_remote(data)


@pytest.mark.thorough("a file of 200 MiB through a web process into a Drive, and its memory")
class TestALargeFile:
    @pytest.mark.scenario("F2")
    def test_is_never_in_memory(self, sender, running, remote):
        first = sender.begin(2 * MIB)
        assert sender.send(first, make_file(2 * MIB, 2)).status_code == 204
        size = 200 * MIB
        address = sender.begin(size)
        web = workers_of(running.service.processes["web"].pid)
        for process in web:
            (process / "clear_refs").write_text("5")
        before = sum(map(peak_memory, web))
        block = random.Random(1).randbytes(MIB)  # noqa: S311 - no secret

        answer = sender.http.patch(
            address,
            content=(block for _ in range(size // MIB)),
            headers={**sender.describe_patch(0), "Content-Length": str(size)},
        )

        assert answer.status_code == 204, answer.text
        assert sum(map(peak_memory, web)) - before < 32 * MIB
        assert read_state(address) == "done"
