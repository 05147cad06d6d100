"""Bodies that are read while they are sent: exactly as long as stated, or not completed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from integrations.formats.exact_pieces import WrongSize
from integrations.providers import errors, provider_http
from integrations.providers.microsoft import attachment_uploads
from integrations.providers.provider_http import send_request
from integrations.providers.request_bodies import StreamedBody
from tests.factories import make_access


class RecordingServer(ThreadingHTTPServer):
    """Keeps each complete request, and whether a request broke off."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RecordingHandler)
        self.complete: list[tuple[str, dict[str, str], bytes]] = []
        self.broken: list[bytes] = []
        self.redirects_to = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/upload"


class RecordingHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RecordingServer

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = int(headers.get("content-length", "0"))
        content = self.rfile.read(length)
        if len(content) < length:
            self.server.broken.append(content)
            self.close_connection = True
            return
        self.server.complete.append((self.path, headers, content))
        if self.server.redirects_to:
            self.send_response(308)
            self.send_header("Location", self.server.redirects_to)
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    opened = RecordingServer()
    thread = threading.Thread(target=opened.serve_forever, daemon=True)
    thread.start()
    yield opened
    opened.shutdown()
    opened.server_close()
    provider_http.get_http_pool().clear()


def post(server: RecordingServer, pieces, size: int) -> provider_http.ProviderResponse:
    return send_request("POST", server.url, {}, StreamedBody(pieces, size))


class TestStreamedBody:
    def test_is_sent_with_its_length(self, server):
        post(server, (b"ab", b"", b"cd"), 4)

        [(_, headers, content)] = server.complete
        assert content == b"abcd"
        assert headers["content-length"] == "4"
        assert "transfer-encoding" not in headers

    def test_of_nothing_is_empty(self, server):
        post(server, (), 0)

        assert [content for _, _, content in server.complete] == [b""]

    @pytest.mark.parametrize(
        ("pieces", "size"),
        [
            ((b"ab",), 3),
            ((), 3),
            ((b"ab", b"cd"), 3),
            ((b"ab", b"POST /eve HTTP/1.1\r\n\r\n"), 2),
            ((b"abcd",), 3),
        ],
    )
    def test_of_another_size_is_never_completed(self, server, pieces, size):
        with pytest.raises(WrongSize):
            post(server, pieces, size)
        post(server, (b"next",), 4)

        assert [content for _, _, content in server.complete] == [b"next"]

    def test_whose_source_fails_is_never_completed(self, server):
        class SourceFailed(Exception):
            pass

        def fail_after_a_piece():
            yield b"ab"
            yield b"cd"
            raise SourceFailed

        with pytest.raises(SourceFailed):
            post(server, fail_after_a_piece(), 6)
        post(server, (b"next",), 4)

        assert [content for _, _, content in server.complete] == [b"next"]

    def test_is_read_where_the_provider_is_not_reachable(self, server):
        seen = []

        def read_pieces():
            for piece in (b"ab", b"cd"):
                seen.append(provider_http.current_destination.get())
                yield piece

        post(server, read_pieces(), 4)

        assert seen == [None, None]
        assert provider_http.current_destination.get() is None

    def test_is_not_sent_to_another_address(self, server):
        server.redirects_to = f"http://127.0.0.1:{server.server_port}/elsewhere"

        assert post(server, (b"ab",), 2).status == 308

        assert [path for path, _, _ in server.complete] == ["/upload"]

    def test_is_not_sent_twice_after_no_response(self, server, monkeypatch):
        def hang_up(handler: RecordingHandler) -> None:
            content = handler.rfile.read(int(handler.headers["content-length"]))
            server.broken.append(content)
            handler.close_connection = True

        monkeypatch.setattr(RecordingHandler, "do_POST", hang_up)

        with pytest.raises(provider_http.NoResponse):
            post(server, (b"ab",), 2)

        assert server.broken == [b"ab"]


class TestUploadAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://outlook.office.com/api/v2.0/Users('x')/AttachmentSessions('y')?authtoken=z",
            "https://OUTLOOK.office365.com:443/api",
            "https://outlook.live.com/api",
            "https://graph.microsoft.com/upload",
        ],
    )
    def test_are_outlooks(self, url):
        assert attachment_uploads.check_upload_url(url, make_access()) == url

    @pytest.mark.parametrize(
        "url",
        [
            None,
            "",
            "http://outlook.office.com/api",
            "https://outlook.office.com.evil.example/api",
            "https://outlook.office.com@evil.example/api",
            "https://evil.example/outlook.office.com",
            "https://outlook.office.com:8443/api",
            "//outlook.office.com/api",
            "https://169.254.169.254/latest",
        ],
    )
    def test_of_others_are_refused_and_not_named(self, url):
        with pytest.raises(errors.Unexpected) as refused:
            attachment_uploads.check_upload_url(url, make_access())

        assert "://" not in str(refused.value)

    def test_of_a_sandbox_are_its_own(self):
        access = make_access("t", "http://127.0.0.1:8100/v1.0")

        assert attachment_uploads.check_upload_url("http://127.0.0.1:8100/uploads/x", access)
        with pytest.raises(errors.Unexpected):
            attachment_uploads.check_upload_url("http://127.0.0.1:8101/uploads/x", access)
