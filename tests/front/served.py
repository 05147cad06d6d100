"""
A small WSGI application behind the front, for granian: ``tests.front.served:application``.

Its limits are small and its deadlines short. It needs no database.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import socket
import sys
import time
from contextlib import suppress
from threading import Lock
from urllib.parse import parse_qs

import django

django.setup()
# A connection that only the garbage collector closes stays open, and a test sees it. The tests' own
# process, which imports the limits, goes on collecting.
if "pytest" not in sys.modules:
    gc.disable()

from config.front import body_streams, server_sockets  # noqa: E402
from config.front.asgi_application import AsgiFront  # noqa: E402 - health checks need the apps
from config.front.routes import Route  # noqa: E402
from config.request_log import ResponseBroken  # noqa: E402
from config.route_limits import BodyLimit, RouteLimits, ThreadGroup  # noqa: E402

LARGEST = 64 * 1024
# Four bodies of the largest size, and no fifth.
IN_MEMORY = 4 * LARGEST
DEADLINE = 1
PATIENCE = 1.5
LINGER = 0.5
PAGE_THREADS, FILE_THREADS, STREAM_THREADS = 2, 2, 1
# A streamed body, and what one network may hold of the memory for such bodies.
LARGEST_STREAM = 32 * 1024 * 1024
STREAMS_OF_NETWORK = 2
THREADS = {
    ThreadGroup.PAGES: PAGE_THREADS,
    ThreadGroup.FILES: FILE_THREADS,
    ThreadGroup.UPLOADS: 1,
    ThreadGroup.STREAMS: STREAM_THREADS,
    ThreadGroup.PROBES: 1,
}

_BODY = BodyLimit(LARGEST, seconds=DEADLINE, max_total_bytes=IN_MEMORY)
_PAGE = RouteLimits(_BODY)
_STREAM = RouteLimits(_BODY, by_method=(("GET", ThreadGroup.FILES),))
_STREAMED_BODY = BodyLimit(
    LARGEST_STREAM,
    seconds=DEADLINE,
    max_total_bytes=4 * STREAMS_OF_NETWORK * body_streams.BUFFER_BYTES,
    is_streamed=True,
)
_RECEIVE = RouteLimits(_STREAMED_BODY, by_method=(("PATCH", ThreadGroup.STREAMS),))
# Answered while all other threads are busy.
_STATE = RouteLimits(_BODY, threads=ThreadGroup.PROBES)

_lock = Lock()
# `received` bytes of the last streamed body; how many of them broke off.
_state = {"called": 0, "holding": 0, "streaming": 0, "receiving": 0, "received": 0, "broken": 0}


def find_route(path: str) -> Route:
    if path.startswith("/uploads/"):
        return Route(_RECEIVE, path)
    return Route({"/stream": _STREAM, "/state": _STATE}.get(path, _PAGE), path)


def add_count(name: str, by: int) -> None:
    with _lock:
        _state[name] += by


def stream_megabytes(megabytes: int, *, seconds: float, breaks: bool):
    add_count("streaming", 1)
    try:
        time.sleep(seconds)
        for _ in range(16 * megabytes):
            yield bytes(64 * 1024)
        if breaks:
            raise ResponseBroken
    finally:
        add_count("streaming", -1)


def receive_body(environ, *, pause: float, most: int) -> list[bytes]:
    """Read a body in pieces, with a pause after the first, and no more than `most` bytes."""
    _state.update(received=0)
    add_count("receiving", 1)
    digest, stream = hashlib.sha256(), environ["wsgi.input"]
    try:
        while _state["received"] < most and (piece := stream.read(128 * 1024)):
            digest.update(piece)
            add_count("received", len(piece))
            time.sleep(pause)
            pause = 0
    except OSError:
        add_count("broken", 1)
    finally:
        add_count("receiving", -1)
    length = "unknown" if "HTTP_TRANSFER_ENCODING" in environ else environ["CONTENT_LENGTH"]
    return [f"{_state['received']} {length} {digest.hexdigest()}".encode()]


def describe_sockets() -> dict[str, list[float]]:
    """Return the seconds that the kernel waits for a reader, by kind of socket."""
    found: dict[str, list[float]] = {"listening": [], "accepted": []}
    for one in server_sockets._iterate_sockets():
        if one.family != socket.AF_INET:
            continue
        seconds = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000
        if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            found["listening"].append(seconds)
            continue
        # granian's first process keeps one that is neither.
        with suppress(OSError):
            one.getpeername()
            found["accepted"].append(seconds)
    return found


def answer_request(environ, start_response):  # noqa: PLR0911 - a way for each test
    given = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
    path = environ["PATH_INFO"]
    if path == "/state":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({**_state, "pid": os.getpid()}).encode()]
    add_count("called", 1)
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if path.startswith("/uploads/"):
        pause, most = float(given.get("pause", 0)), int(given.get("most", 1 << 30))
        return receive_body(environ, pause=pause, most=most)
    if path == "/hold":
        add_count("holding", 1)
        time.sleep(float(given["seconds"]))
        add_count("holding", -1)
    if path == "/stream":
        seconds = float(given.get("seconds", 0))
        return stream_megabytes(int(given["megabytes"]), seconds=seconds, breaks="breaks" in given)
    if path == "/large":
        return [bytes(int(given["megabytes"]) * 1024 * 1024)]
    if path == "/unread":
        return [json.dumps(describe_sockets()).encode()]
    if "HTTP_X_ENVIRON" in environ:
        said = {key: value for key, value in environ.items() if isinstance(value, str)}
        return [json.dumps(said).encode()]
    body = environ["wsgi.input"].read()
    said = [str(len(body)), environ["CONTENT_LENGTH"], hashlib.sha256(body).hexdigest()]
    return [" ".join(said).encode()]


application = AsgiFront(
    answer_request,
    THREADS,
    routes=find_route,
    reader_patience=PATIENCE,
    linger=LINGER,
)

# With the limits of the real routes.
behind_nginx = AsgiFront(answer_request, THREADS)
