"""The callers of the benchmark `load`: they measure right answers, and break at any other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import pytest
from django.db import connection

from config.embedded.embedded_service import ROOT
from tests.bench import load_machine
from tests.bench.load_caller import ClientOrder, Order, Report

RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nrow row *"
WARM_UP, SECONDS = 2, 0.3


@contextmanager
def answer_with_pieces(*pieces: bytes) -> Iterator[int]:
    """Answer each request on each connection with `pieces`, one after another; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_accept, args=(server, pieces), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket, pieces: tuple[bytes, ...]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=_answer_requests, args=(connection, pieces), daemon=True).start()


def _answer_requests(connection: socket.socket, pieces: tuple[bytes, ...]) -> None:
    with connection, suppress(OSError):
        while connection.recv(1 << 16):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.001)


def _close(server: socket.socket) -> None:
    """Close the first connection without an answer."""
    connection, _ = server.accept()
    connection.close()


def _record_and_answer(server: socket.socket, seen: list[tuple[str, bytes]]) -> None:
    """Answer each request on the first connection, and remember it with the client's address."""
    connection, (address, _) = server.accept()
    with connection, suppress(OSError):
        while request := connection.recv(1 << 16):
            seen.append((address, request))
            connection.sendall(RIGHT)


def call_with_clients(
    port: int, *, clients: int, forms: tuple[str, ...] = (), address: str = "127.0.0.1"
) -> tuple[Report | None, str]:
    """Return what the callers report, and what they say of a problem."""
    order = Order(
        port=port,
        clients=[
            ClientOrder(
                target=f"/{number}",
                headers={"Authorization": "Bearer 1"},
                forms=list(forms),
                address=address,
            )
            for number in range(clients)
        ],
        contains="row",
        times=2,
        warm_up=WARM_UP,
        seconds=SECONDS,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load_caller"],
        cwd=ROOT,
        input=f"{json.dumps(order)}\n{time.monotonic()}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.splitlines()
    return (json.loads(lines[-1]) if done.returncode == 0 else None), done.stderr


class TestCallers:
    @pytest.mark.parametrize(
        "pieces",
        [
            (RIGHT,),
            (RIGHT[:10], RIGHT[10:30], RIGHT[30:]),
            (RIGHT[:-9], RIGHT[-9:-4], RIGHT[-4:]),
        ],
        ids=["whole", "with a head in pieces", "with a body in pieces"],
    )
    def test_measure_every_right_answer(self, pieces):
        with answer_with_pieces(*pieces) as port:
            report, problem = call_with_clients(port, clients=3)

        assert report is not None, problem
        assert len(report["waits"]) >= 3
        assert min(report["waits"]) > 0
        assert report["processor"] > 0

    @pytest.mark.parametrize(
        "answer",
        [
            RIGHT.replace(b"200 OK", b"429 Too Many Requests"),
            RIGHT.replace(b"200 OK", b"2000 OK"),
            RIGHT.replace(b"row *", b"*****"),
            RIGHT.replace(b"row *", b"rowrow"),
            RIGHT.replace(b"Content-Length", b"X-Content-Length"),
            RIGHT + b"HTTP/1.1 200 OK\r\n",
        ],
        ids=[
            "another status", "a longer status", "too few rows", "too long", "no length",
            "more than was asked for",
        ],
    )  # fmt: skip
    def test_break_at_any_other(self, answer):
        with answer_with_pieces(answer) as port:
            report, problem = call_with_clients(port, clients=2)

        assert report is None
        assert "/0" in problem or "/1" in problem

    def test_break_when_the_server_closes_the_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            Thread(target=_close, args=(server,), daemon=True).start()
            report, problem = call_with_clients(server.getsockname()[1], clients=1)

        assert report is None
        assert "closed" in problem or "reset" in problem

    def test_post_each_form_once_and_break_when_none_is_left(self):
        forms = tuple(f"number={number}" for number in range(WARM_UP + 3))
        seen: list[tuple[str, bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            Thread(target=_record_and_answer, args=(server, seen), daemon=True).start()
            report, problem = call_with_clients(
                server.getsockname()[1], clients=1, forms=forms, address="127.0.0.9"
            )

        assert report is None
        assert "no form is left" in problem
        assert [request.partition(b"\r\n\r\n")[2].decode() for _, request in seen] == list(forms)
        for address, request in seen:
            assert address == "127.0.0.9"
            assert request.startswith(b"POST /0 HTTP/1.1\r\n")
            assert b"\r\nAuthorization: Bearer 1\r\n" in request
            assert b"\r\nContent-Length: 8\r\n" in request


class TestTheMachine:
    def test_counts_the_time_of_the_processors_that_may_be_used(self):
        tick = 1 / os.sysconf("SC_CLK_TCK")
        stat = (
            "cpu  9 9 9 9 9 9 9 9 9 9\n"
            "cpu0 1 2 3 400 50 6 7 8 9 9\n"
            "cpu1 10 0 0 1000 0 0 0 0 5 0\n"
            "cpu10 9 9 9 9 9 9 9 9 9 9\n"
            "intr 1 2 3\n"
        )

        assert load_machine.count_seconds(stat, {0, 1}) == pytest.approx((1487 * tick, 1450 * tick))

    def test_could_answer_so_many_requests_as_its_processors_have_time_for(self):
        spent = load_machine.Spent(available=20, idle=1, web=6, postgresql=3, callers=1)

        bound = load_machine.find_bound(spent, requests=1_000)

        # A request takes 10 ms.
        assert bound == pytest.approx(100 * len(os.sched_getaffinity(0)))

    def test_has_what_its_processes_spend_and_no_more_than_there_is(self, db):
        before = load_machine.read_spent(os.getpid())
        began, spent = time.monotonic(), time.process_time()
        while time.process_time() - spent < 0.3:
            sum(range(1_000))
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(number) FROM generate_series(1, 2000000) AS number")
        found = load_machine.Spent()
        found.add_between(before, load_machine.read_spent(os.getpid()))
        seconds = time.monotonic() - began

        assert found.web >= 0.3
        # Other tests use the server, and the seconds of ended processes are in hundredths.
        assert found.postgresql > 0.05
        # The kernel counts the machine's time in hundredths.
        most = len(os.sched_getaffinity(0)) * (seconds + 0.1)
        assert 0.2 < found.available - found.idle <= most

    def test_is_the_limit_where_web_processes_could_answer_more(self):
        spent = load_machine.Spent(web=6, postgresql=3, callers=1)
        processors = len(os.sched_getaffinity(0))

        alone, many = (
            load_machine.find_limit(spent, requests=1_000, web_processes=count)
            for count in (1, 2 * processors)
        )

        # By itself, a web process answers a request in 6 ms.
        assert alone == pytest.approx(min(1_000 / 6, 100 * processors))
        assert many == pytest.approx(100 * processors)
