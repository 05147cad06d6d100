"""config/nginx.conf in a real nginx: what it holds, passes on, refuses and writes down."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from config import route_limits
from tests.front import nginx
from tests.front.wire import PATIENCE, Wire, head

pytestmark = pytest.mark.thorough("a real nginx with config/nginx.conf")

MIB = 1024 * 1024
UUID = "00000000-0000-7000-8000-000000000001"
# One address of each location, and the largest body of its routes.
ADDRESSES = {
    "/accounts/login/": route_limits.FORM.max_bytes,
    "/v1/users/me/events": route_limits.JSON.max_bytes,
    "/webhooks/google/pubsub": route_limits.NOTIFICATION.max_bytes,
    "/oauth/token": route_limits.NOTIFICATION.max_bytes,
    f"/v1/users/me/calendars/{UUID}/import": route_limits.CALENDAR_FILE.max_bytes,
    f"/settings/calendars/{UUID}/fill/": route_limits.CALENDAR_FILE.max_bytes,
}
# Bodies that the application reads while they arrive.
STREAMED = {f"/uploads/{UUID}/": route_limits.FILE_PIECE.max_bytes}
SECRET = "do-not-write-this-down"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("nginx")
    # Its worker is another user where we are root.
    made.chmod(0o777)
    return made


@pytest.fixture(scope="module")
def proxy(folder, upstream):
    with nginx.run_nginx(folder, upstream) as made:
        yield made


@pytest.fixture(scope="module")
def client(proxy):
    with proxy.client() as made:
        yield made


def describe_body(body: bytes) -> str:
    return f"{len(body)} {len(body)} {hashlib.sha256(body).hexdigest()}"


def read_slowly(client: httpx.Client, target: str) -> int:
    """Return how many bytes came."""
    with client.stream("GET", target) as answer:
        time.sleep(1)
        return sum(len(piece) for piece in answer.iter_raw())


class TestTheFile:
    def test_has_no_warning(self, proxy):
        main = str(proxy.folder / "nginx.conf")
        checked = [*proxy.arguments(), main, "-t"]
        (proxy.folder / "temporary").mkdir()

        done = subprocess.run(checked, capture_output=True, text=True, check=False)

        shutil.rmtree(proxy.folder / "temporary")
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr


class TestBodyThroughNginx:
    @pytest.mark.parametrize("target", ADDRESSES | STREAMED)
    def test_of_the_largest_size_passes_without_a_file(self, client, target):
        body = bytes((ADDRESSES | STREAMED)[target])

        answer = client.post(target, content=body)

        assert (answer.status_code, answer.text) == (200, describe_body(body))

    @pytest.mark.parametrize("target", ADDRESSES)
    @pytest.mark.parametrize("length", [7, 4096], ids=["of_a_few_bytes", "of_4_KiB"])
    def test_in_chunks_passes_without_a_file(self, client, target, length):
        # The frames of chunks of seven bytes take as much room as the bytes.
        size = min(ADDRESSES[target], MIB) if length == 7 else ADDRESSES[target]
        size -= size % length

        answer = client.post(target, content=(bytes(length) for _ in range(size // length)))

        assert (answer.status_code, answer.text) == (200, describe_body(bytes(size)))

    @pytest.mark.parametrize("target", ADDRESSES)
    @pytest.mark.parametrize("says_its_length", [True, False])
    def test_by_http_2_passes_without_a_file(self, proxy, target, says_its_length):
        body = bytes(ADDRESSES[target])
        pieces = (body[at : at + 8192] for at in range(0, len(body), 8192))

        with proxy.client(http2=True) as client:
            answer = client.post(target, content=body if says_its_length else pieces)

        assert (answer.http_version, answer.text) == ("HTTP/2", describe_body(body))

    @pytest.mark.parametrize("target", ["/accounts/login/", "/oauth/token"])
    def test_in_chunks_is_held_to_the_limit_of_its_route(self, client, target):
        chunks = (bytes(4096) for _ in range(ADDRESSES[target] // 4096 + 1))

        assert client.post(target, content=chunks).status_code == 413

    @pytest.mark.parametrize("target", STREAMED)
    def test_of_unknown_length_is_passed_on_while_it_arrives(self, client, target):
        body = bytes(STREAMED[target])

        answer = client.patch(
            target, content=(body[at : at + MIB] for at in range(0, len(body), MIB))
        )

        digest = hashlib.sha256(body).hexdigest()
        assert (answer.status_code, answer.text) == (200, f"{len(body)} unknown {digest}")

    @pytest.mark.parametrize("target", ADDRESSES | STREAMED)
    def test_of_a_byte_more_is_refused(self, client, target):
        answer = client.post(target, content=bytes((ADDRESSES | STREAMED)[target] + 1))

        assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("target", "spoiled"),
        [
            ("/v1/users/me/events", {"client_body_buffer_size 1m": "client_body_buffer_size 8k"}),
            ("/oauth/token", {"client_body_buffer_size 64k": "client_body_buffer_size 32k"}),
            (
                f"/settings/calendars/{UUID}/fill/",
                {"proxy_request_buffering off": "proxy_request_buffering on"},
            ),
        ],
    )
    def test_that_needs_a_file_is_noticed(self, tmp_path, upstream, target, spoiled):
        """Whether the tests above could fail."""
        tmp_path.chmod(0o777)
        with nginx.run_nginx(tmp_path, upstream, **spoiled) as proxy, proxy.client() as client:
            assert client.post(target, content=bytes(ADDRESSES[target])).status_code == 500

    @pytest.mark.parametrize(("http2", "length"), [(False, 7), (True, 8192)])
    def test_without_a_length_that_needs_a_file_is_noticed(self, tmp_path, upstream, http2, length):
        """Whether the tests of chunks and of HTTP/2 could fail."""
        tmp_path.chmod(0o777)
        held = {"return 418;": "set $held yes;"}

        def send() -> int:
            chunks = (bytes(length) for _ in range(MIB // length))
            return client.post("/v1/users/me/events", content=chunks).status_code

        with (
            nginx.run_nginx(tmp_path, upstream, **held) as proxy,
            proxy.client(http2=http2) as client,
        ):
            # By HTTP/2 it depends on how the frames arrive.
            assert any(send() == 500 for _ in range(40))

    def test_that_does_not_come_is_given_up(self, proxy):
        with Wire(proxy.port) as wire:
            wire.socket = proxy.trust().wrap_socket(wire.socket, server_hostname="127.0.0.1")
            wire.send(head("/oauth/token", "Content-Length: 9") + b"x")
            began = time.monotonic()

            # nginx answers 408, or closes without a word.
            assert wire.is_closed_by_server()
            assert 5 < time.monotonic() - began < PATIENCE


class TestResponseThroughNginx:
    @pytest.mark.parametrize("target", ["/large", "/stream"])
    def test_to_a_slow_reader_is_not_put_into_a_file(self, client, target):
        assert read_slowly(client, f"{target}?megabytes=32") == 32 * MIB

    def test_that_needs_a_file_is_noticed(self, tmp_path, upstream):
        tmp_path.chmod(0o777)
        spoiled = {"proxy_max_temp_file_size 0;": "proxy_max_temp_file_size 64m;"}
        with (
            nginx.run_nginx(tmp_path, upstream, **spoiled) as proxy,
            proxy.client() as client,
            pytest.raises(httpx.HTTPError),
        ):
            read_slowly(client, "/large?megabytes=32")


class TestTheWebServer:
    @pytest.mark.parametrize("target", ["/", *ADDRESSES])
    def test_is_told_who_asks_by_nginx_alone(self, client, target):
        claimed = {
            "X-Forwarded-For": "192.0.2.1",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": "elsewhere.example",
            "X_Forwarded_For": "192.0.2.1",
            "Forwarded": "for=192.0.2.1",
            "X-Environ": "yes",
        }

        environ = client.get(target, headers=claimed).json()

        assert environ["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert environ["HTTP_X_FORWARDED_PROTO"] == "https"
        assert not {"HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED"} & environ.keys()
        assert environ["HTTP_HOST"] == "127.0.0.1"

    def test_is_reached_by_https_alone(self, proxy):
        answer = httpx.get(f"http://127.0.0.1:{proxy.plain_port}/a?b=c", timeout=PATIENCE)

        assert (answer.status_code, answer.headers["location"]) == (301, "https://127.0.0.1/a?b=c")


class TestTheStaffSite:
    @pytest.fixture
    def beside(self, tmp_path, upstream):
        """Have nothing behind the ordinary site, and a web server behind that of staff."""
        tmp_path.chmod(0o777)
        with nginx.run_nginx(tmp_path, upstream=9, staff_upstream=upstream) as proxy:
            yield proxy

    def test_has_a_web_server_of_its_own(self, beside):
        with beside.client() as ordinary, beside.client(host=nginx.STAFF_HOST) as staff:
            assert ordinary.get("/").status_code == 502
            environ = staff.get("/", headers={"X-Forwarded-For": "192.0.2.1", "X-Environ": "yes"})

        assert environ.json()["HTTP_HOST"] == nginx.STAFF_HOST
        assert environ.json()["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert environ.json()["HTTP_X_FORWARDED_PROTO"] == "https"

    def test_takes_a_form_without_a_file_and_nothing_larger(self, beside):
        largest = route_limits.FORM.max_bytes
        with beside.client(host=nginx.STAFF_HOST) as staff:
            said = [
                staff.post("/accounts/login/", content=bytes(size))
                for size in (largest, largest + 1)
            ]
            chunks = (bytes(7) for _ in range(largest // 7))
            in_chunks = staff.post("/accounts/login/", content=chunks)

        assert [one.status_code for one in said] == [200, 413]
        assert (in_chunks.status_code, in_chunks.text) == (
            200,
            describe_body(bytes(largest // 7 * 7)),
        )

    def test_is_led_to_https_as_well(self, beside):
        url = f"http://127.0.0.1:{beside.plain_port}/review/"
        answer = httpx.get(url, headers={"Host": nginx.STAFF_HOST}, timeout=PATIENCE)

        assert answer.headers["location"] == f"https://{nginx.STAFF_HOST}/review/"


class TestALog:
    def test_holds_no_address(self, tmp_path):
        """Not even where nothing is behind nginx, of which it would otherwise write a line."""
        tmp_path.chmod(0o777)
        with nginx.run_nginx(tmp_path, upstream=9) as proxy, proxy.client() as client:
            assert client.get(f"/receipts/{SECRET}/").status_code == 502
            client.post(f"/{SECRET}", content=bytes(MIB))
            httpx.get(f"http://127.0.0.1:{proxy.plain_port}/{SECRET}", timeout=PATIENCE)

        written = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        assert {"start.log", "error.log", "antares.conf"} <= written.keys()
        assert [name for name, text in written.items() if SECRET.encode() in text] == []
