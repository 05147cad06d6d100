"""Files through a real web process: broken off, in two requests at once, large, and purged."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings as now
from django.utils import timezone

from accounts.models import Membership
from config.process_classes import ProcessClass
from integrations import connections, purge
from integrations.models import Integration, PurgeStep, Upload, UploadChunk
from integrations.outbox import upload_body, uploads
from integrations.purge import inventory
from tests.api import cast
from tests.integrations.google import GoogleConnectBrowser
from tests.integrations.uploads import tus
from tests.integrations.uploads.tus import make_file
from tests.processes.test_greedy import peak_memory, workers_of
from tests.worlds.processes import wait_until

MIB = 1024 * 1024
LARGE = 30 * MIB


class Sender:
    """Alice's browser at a web process, and her mailbox."""

    def __init__(self, http: httpx.Client, mailbox: Integration) -> None:
        self.http, self.mailbox = http, mailbox
        token = http.cookies[now.CSRF_COOKIE_NAME]
        self.headers = {
            "Tus-Resumable": "1.0.0",
            "X-CSRFToken": token,
            "Referer": str(http.base_url),
            "Origin": str(http.base_url).rstrip("/"),
        }

    def begin(self, size: int) -> str:
        answer = self.http.post(
            f"/uploads/?mailbox={self.mailbox.id}",
            headers={**self.headers, "Upload-Length": str(size)},
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def describe_patch(self, offset: int) -> dict[str, str]:
        return {
            **self.headers,
            "Content-Type": tus.BODY_TYPE,
            "Upload-Offset": str(offset),
        }

    def send(self, address: str, data: bytes, *, offset: int = 0) -> httpx.Response:
        return self.http.patch(address, content=data, headers=self.describe_patch(offset))

    def ask(self, address: str) -> int:
        answer = self.http.head(address, headers=self.headers)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    @contextmanager
    def sending(self, address: str, size: int, sent: bytes, *, offset: int = 0):
        """Begin a request of `size` bytes, and send the first of them."""
        place = urlsplit(str(self.http.base_url))
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        headers = {
            "Host": place.netloc,
            "Cookie": cookies,
            "Content-Length": str(size),
            **self.describe_patch(offset),
        }
        lines = [f"PATCH {address} HTTP/1.1", *(": ".join(pair) for pair in headers.items())]
        with socket.create_connection((place.hostname, place.port), timeout=60) as client:
            client.sendall("\r\n".join([*lines, "", ""]).encode() + sent)
            yield client


@pytest.fixture
def sender(world, alice, running):
    browser = GoogleConnectBrowser(alice, world)
    connection = browser.connect().connection
    cast.allow_sending(connection)
    running.environment_of(ProcessClass.WEB)
    running.service.start_site(ProcessClass.WEB, running.port)
    running.service.wait_until_listening("web", running.port)
    cookies = {now.SESSION_COOKIE_NAME: browser.client.cookies[now.SESSION_COOKIE_NAME].value}
    with httpx.Client(base_url=running.url, cookies=cookies, timeout=60) as http:
        http.get("/inbox/search/").raise_for_status()
        yield Sender(http, connection.integrations.get(product="mail"))


def read_file(address: str) -> bytes:
    upload = tus.get_upload(address)
    return b"".join(
        uploads.open_upload(
            upload,
            lambda at: tus.make_permit(upload, at),
            to=tus.Outlet(upload.integration.connection_id),
        )
    )


def wait_for_bytes(address: str, count: int) -> None:
    upload_id = tus.get_upload(address).id
    wait_until(lambda: Upload.objects.get(id=upload_id).received >= count)


class TestUpload:
    @pytest.mark.scenario("F4")
    def test_continues_after_its_client_left(self, sender):
        data = make_file(2 * MIB)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[: MIB + 5]):
            wait_for_bytes(address, upload_body.CHUNK_BYTES)
        # What arrived last is stored, too, and the upload is free.
        wait_until(lambda: sender.ask(address) == MIB + 5)
        wait_until(lambda: tus.get_upload(address).lease_by is None)
        answer = sender.send(address, data[MIB + 5 :], offset=MIB + 5)

        assert (answer.status_code, sender.ask(address)) == (204, len(data))
        assert read_file(address) == data

    def test_is_written_by_one_request_at_a_time(self, sender):
        data = make_file(2 * MIB)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[:MIB]) as client:
            wait_for_bytes(address, upload_body.CHUNK_BYTES)
            refused = sender.send(address, data[MIB:], offset=MIB)
            client.sendall(data[MIB:])
            first = client.recv(65536)

        assert (refused.status_code, refused.json()["code"]) == (423, "upload-locked")
        assert first.startswith(b"HTTP/1.1 204")
        assert read_file(address) == data

    @pytest.mark.scenario("X8")
    def test_ends_with_a_disconnect_and_leaves_nothing(self, sender):
        data = make_file(4 * MIB)
        address = sender.begin(len(data))
        mailbox = sender.mailbox

        with sender.sending(address, len(data), data[:MIB]) as client:
            wait_for_bytes(address, upload_body.CHUNK_BYTES)
            job = connections.disconnect_integration(
                integration_id=mailbox.id,
                user_id=mailbox.connection.user_id,
                organisation_id=Membership.objects.get().organisation_id,
                at=timezone.now(),
            )
            step = purge.run_purge(job_id=job.id)
            client.sendall(data[MIB : 3 * MIB])
            answer = client.recv(65536)

        assert step is PurgeStep.DONE
        assert answer.startswith(b"HTTP/1.1 409")
        assert b"no-longer-connected" in answer
        assert not Upload.objects.exists()
        assert not UploadChunk.objects.exists()
        assert sum(inventory.count_rows_left(integration_id=mailbox.id).values()) == 0

    def test_that_is_removed_takes_no_more(self, sender):
        data = make_file(4 * MIB)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[:MIB]) as client:
            wait_for_bytes(address, upload_body.CHUNK_BYTES)
            removed = sender.http.delete(address, headers=sender.headers)
            client.sendall(data[MIB:])
            answer = client.recv(65536)

        assert removed.status_code == 204
        assert answer.startswith(b"HTTP/1.1 423")
        assert not UploadChunk.objects.exists()

    def test_of_a_slow_client_is_given_up_and_continues(self, sender):
        data = make_file(MIB)
        address = sender.begin(len(data))

        with sender.sending(address, len(data), data[:70_000]) as client:
            began = time.monotonic()
            answer = client.recv(65536)

        assert time.monotonic() - began < 30
        assert answer.startswith(b"HTTP/1.1 408")
        assert sender.ask(address) == 70_000
        assert sender.send(address, data[70_000:], offset=70_000).status_code == 204
        assert read_file(address) == data


@pytest.mark.thorough("a file of 30 MiB to a web process, and what memory it takes there")
class TestALargeFile:
    @pytest.mark.scenario("F2")
    def test_is_never_whole_in_memory(self, sender, running):
        data = make_file(LARGE)
        # What is loaded at the first time is loaded.
        first = sender.begin(2 * MIB)
        assert sender.send(first, data[: 2 * MIB]).status_code == 204
        address = sender.begin(LARGE)
        web = workers_of(running.service.processes["web"].pid)
        for process in web:
            (process / "clear_refs").write_text("5")
        before = sum(map(peak_memory, web))

        assert sender.send(address, data).status_code == 204

        assert sum(map(peak_memory, web)) - before < 6 * MIB
        assert read_file(address) == data
