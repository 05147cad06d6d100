"""
What the service sends to its provider and gets from it, byte by byte.

A relay stands before the sandbox: the service is told that Google and Microsoft are here. Nothing
of what passes is changed; all of it is kept, with its headers.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

_PIECE: Final = 64 * 1024
#: Where a secret in the body is at its place.
_SECRETS_GO_TO: Final = re.compile(r"/token|/revoke|/[^/]+/oauth2/v2\.0/token")
#: Where the provider is told by what it will prove itself and about what, and what it is to stop.
_CHANNELS_ARE_TOLD: Final = ("/watch", "/channels/stop", "/v1.0/subscriptions")
_OF_A_CHANNEL: Final = frozenset({"id", "token", "resourceId", "clientState", "resource"})
#: Where a calendar goes by its provider's own name for it, a main calendar's is the address; and a
#: subscription by its own.
_NAMED: Final = re.compile(
    r"^(/calendar/v3/calendars/|/v1\.0/me/calendars/|/v1\.0/subscriptions/)[^/]+"
)
#: Where a part of the query is at its place, and which: what a person searches for, in their own
#: provider's search, and the name of the calendar that an event is moved to.
_DUE_IN_QUERIES: Final = (
    (re.compile(r"/gmail/v1/users/me/messages"), "q"),
    (re.compile(r"/v1\.0/me/messages"), "$search"),
    (re.compile(r"/calendar/v3/calendars/-/events/[^/]+/move"), "destination"),
    # Whether the folder has a file of this name.
    (re.compile(r"/drive/v3/files"), "q"),
)
#: Where requests of Google leave together, and the first line of each.
_BATCHES: Final = "/batch/"
_PART: Final = re.compile(rb"^([A-Z]+) (/\S+) HTTP/1\.1\r\n", re.MULTILINE)
#: Where what a person writes in an event goes to their own provider, which keeps it.
_EVENTS_ARE_WRITTEN: Final = re.compile(
    r"/calendar/v3/calendars/-/events(/[^/]+)?|/v1\.0/me/calendars/-/events(/[^/]+)?"
)
_OF_AN_EVENT: Final = frozenset(
    {"id", "summary", "description", "location", "attendees", "subject", "body"}
)
#: Where a message that its owner sends goes to their own provider, as a draft.
_DRAFTS_ARE_UPLOADED: Final = "/upload/gmail/v1/users/me/drafts"
_DRAFTS_ARE_WRITTEN: Final = re.compile(r"/v1\.0/me/messages(/[^/]+(/createReply)?)?")
_OF_A_DRAFT: Final = frozenset(
    {"subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "message"}
)
#: Where a file goes to its owner's Drive: its name and type open an upload session, whose address
#: is a secret; its bytes go to that session, and nowhere else.
_FILES_ARE_UPLOADED: Final = "/upload/drive/v3/files"
_SESSION: Final = "upload_id"
_OF_A_FILE: Final = frozenset({"id", "name", "mimeType"})
_TYPE_OF_A_FILE: Final = "x-upload-content-type"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it left: header names in small letters."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def parts(self) -> list[Sent]:
        """Return the request itself, or, of a batch of Graph's or Google's, the requests in it."""
        if self.path.startswith(_BATCHES):
            return [
                Sent(method.decode(), target.decode("latin-1"), (), b"")
                for method, target in _PART.findall(self.body)
            ]
        root, found, _ = self.path.rpartition("/$batch")
        if not found:
            return [self]
        return [
            Sent(one["method"], root + one["url"], (), b"")
            for one in json.loads(self.body)["requests"]
        ]

    @property
    def is_for_secrets(self) -> bool:
        return bool(_SECRETS_GO_TO.fullmatch(self.path))

    @property
    def without_its_due(self) -> bytes:
        """What is left without credentials and words to search for, where those belong."""
        path, query = _split_target(self.target)
        if self._is_of_upload_session:
            query = _drop_parameters(query, {_SESSION})
        headers = [
            f"{name}: {value}" for name, value in self.headers if not self._is_due(name, value)
        ]
        body = b"" if self.is_for_secrets else self.body
        if self.path.endswith(_CHANNELS_ARE_TOLD):
            body = _drop_members(body, _OF_A_CHANNEL)
        elif self.method in {"POST", "PATCH"} and _EVENTS_ARE_WRITTEN.fullmatch(path):
            body = _drop_members(body, _OF_AN_EVENT)
        elif self.method == "POST" and path == _DRAFTS_ARE_UPLOADED:
            body = b""
        elif self.method in {"POST", "PATCH"} and _DRAFTS_ARE_WRITTEN.fullmatch(path):
            body = _drop_members(body, _OF_A_DRAFT)
        elif self._opens_upload_session:
            body = _drop_members(body, _OF_A_FILE)
        elif self.method == "PUT" and self._is_of_upload_session:
            body = b""
        elif path.startswith(_BATCHES):
            body = _PART.sub(_drop_due_of_part, body)
        return "\n".join((self.method, path, query, *headers)).encode("latin-1") + b"\n\n" + body

    @property
    def _opens_upload_session(self) -> bool:
        _, _, query = self.target.partition("?")
        is_resumable = "uploadType=resumable" in query.split("&")
        return self.method == "POST" and self.path == _FILES_ARE_UPLOADED and is_resumable

    @property
    def _is_of_upload_session(self) -> bool:
        """Bytes of a file, the question how many arrived, or its end."""
        _, _, query = self.target.partition("?")
        has_session = any(one.startswith(f"{_SESSION}=") for one in query.split("&"))
        return self.method in {"PUT", "DELETE"} and self.path == _FILES_ARE_UPLOADED and has_session

    def _is_due(self, name: str, value: str) -> bool:
        """Say whether a header is at its place."""
        if name == _TYPE_OF_A_FILE:
            return self._opens_upload_session
        is_token = name == "authorization" and value.startswith("Bearer ")
        return is_token and not self.is_for_secrets


def _split_target(target: str) -> tuple[str, str]:
    """Return path and query, without names and words where those belong."""
    path, _, query = target.partition("?")
    path = _NAMED.sub(r"\1-", path)
    return path, _drop_parameters(
        query, {name for place, name in _DUE_IN_QUERIES if place.fullmatch(path)}
    )


def _drop_parameters(query: str, names: AbstractSet[str]) -> str:
    return "&".join(one for one in query.split("&") if one.partition("=")[0] not in names)


def _drop_due_of_part(part: re.Match[bytes]) -> bytes:
    path, query = _split_target(part[2].decode("latin-1"))
    return part[1] + f" {path}?{query} HTTP/1.1\r\n".encode("latin-1")


def _drop_members(body: bytes, names: frozenset[str]) -> bytes:
    given = json.loads(body or b"{}")
    return json.dumps({name: it for name, it in given.items() if name not in names}).encode()


@dataclass
class Relay:
    """
    :param to: the sandbox's port
    """

    to: int
    port: int = 0
    _pipes: list[tuple[bytearray, bytearray]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self) -> list[Sent]:
        """Return every whole request so far."""
        return [one for there, _ in self._pipes for one in requests(bytes(there))]

    def answered(self) -> list[bytes]:
        """Return what came back, one piece per connection."""
        return [bytes(back) for _, back in self._pipes]

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return  # Closed: the end.
            far = socket.create_connection(("127.0.0.1", self.to))
            there, back = bytearray(), bytearray()
            self._pipes.append((there, back))
            for source, target, kept in ((near, far, there), (far, near, back)):
                threading.Thread(
                    target=_pass_on_bytes, args=(source, target, kept), daemon=True
                ).start()


def _pass_on_bytes(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            kept += piece
            target.sendall(piece)
    # The other direction may still have something to say; a cut is passed on as a cut.
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def requests(data: bytes) -> Iterator[Sent]:
    """Return the requests of one connection (RFC 9112), whose bodies have a length."""
    while b"\r\n\r\n" in data:
        head, _, data = data.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        pairs = (one.partition(":") for one in lines)
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        if "transfer-encoding" in dict(headers):
            raise ValueError("a body without a length: nobody here reads that")
        length = int(dict(headers).get("content-length", 0))
        yield Sent(method, target, headers, data[:length])
        data = data[length:]


@contextmanager
def run_relay(to: int) -> Iterator[Relay]:
    """Relay to that port of this machine until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay = Relay(to, listening.getsockname()[1])
        threading.Thread(target=relay.serve, args=(listening,), daemon=True).start()
        yield relay
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
