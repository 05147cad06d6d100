"""
What a worker does behind the wall: it syncs one mailbox, and then tries every way out.

Run as a process of its own, in the namespace; prints what happened as JSON. The tripwire is
down, or it would be the one to refuse.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys
from urllib.parse import urlsplit

# An address of documentation (RFC 5737), and one that clouds answer on.
NOWHERE = ("203.0.113.9", 443)
METADATA = ("169.254.169.254", 80)


def sync_until_idle(work_id: str) -> int:
    """Sync until nothing is due; return how many messages are here."""
    import django

    django.setup()
    from uuid import UUID

    from django.utils import timezone

    from integrations.models import Message, SyncWork
    from integrations.operations.sync_products import PRODUCTS
    from integrations.sync import sync_engine

    for _ in range(50):
        SyncWork.objects.filter(id=work_id).update(next_sync_at=timezone.now())
        if not sync_engine.run_sync_turn(PRODUCTS, work_id=UUID(work_id), at=timezone.now()):
            break
    return Message.objects.count()


def by_python(place) -> str:
    try:
        socket.create_connection(place, timeout=5).close()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return "connected"


def by_c(place) -> str:
    """Connect without Python's knowing: no audit hook sees this."""
    libc = ctypes.CDLL(None, use_errno=True)
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", place[1])
    address += socket.inet_aton(place[0]) + bytes(8)
    made = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    failed = libc.connect(made, address, len(address))
    why = errno.errorcode.get(ctypes.get_errno(), "unknown") if failed else "connected"
    libc.close(made)
    return why


def by_a_process(place) -> str:
    program = (
        "import errno, socket, sys\n"
        "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)\n"
        "except OSError as error: print(errno.errorcode.get(error.errno, 'other'))\n"
        "else: print('connected')"
    )
    command = [sys.executable, "-I", "-S", "-c", program, place[0], str(place[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def by_adding_a_route() -> bool:
    """Return whether the missing route can be added from inside."""
    gateway = os.environ["NEAR"]
    done = subprocess.run(
        ["ip", "route", "add", "default", "via", gateway], capture_output=True, check=False
    )
    return done.returncode == 0


def by_the_proxy(target: str) -> str:
    """Ask the proxy for a place, and return its answer's status."""
    proxy = urlsplit(os.environ["EGRESS_PROXY"])
    with socket.create_connection((proxy.hostname, proxy.port), timeout=5) as made:
        made.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return made.recv(64).split(b" ")[1].decode()


def main(work_id: str, sandbox_port: str) -> None:
    host = ("127.0.0.1", int(sandbox_port))
    near = (os.environ["NEAR"], int(sandbox_port))
    ways = {"python": by_python, "c": by_c, "process": by_a_process}
    places = {"nowhere": NOWHERE, "metadata": METADATA, "sandbox": host, "near": near}
    found = {
        "messages": sync_until_idle(work_id),
        "route": by_adding_a_route(),
        "proxy": by_the_proxy("collector.example:443"),
        "ways": {
            f"{way} {name}": attempt(place)
            for way, attempt in ways.items()
            for name, place in places.items()
        },
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
