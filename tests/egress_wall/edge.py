"""
What stands at the other end of the cable: a proxy that lets through what is on its list.

CONNECT only (RFC 9110 §9.3.6), as Squid or Tinyproxy do it with the configuration of
`config/README.md`. What is let through arrives at a front with a certificate, and behind
that at the sandbox: so the worker speaks TLS to a host's name, as it does to Google.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HOST = "gmail.provider.test"
_LIMIT = 8192


class Listener:
    """Accepts connections in threads until it is closed; each is handed to `serve`."""

    def __init__(self, address, serve) -> None:
        self._serve = serve
        self._listener = socket.create_server(address)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(here,), daemon=True).start()

    def _one(self, here) -> None:
        with here, suppress(OSError):
            self._serve(here)


class Proxy:
    """:param allowed: where each `host:port` on the list is found"""

    def __init__(self, near: str, allowed: dict[str, tuple[str, int]]) -> None:
        self.allowed = allowed
        self.passed: list[str] = []
        self.refused: list[str] = []
        self._listener = Listener((near, 0), self._serve)
        self.url = f"http://{near}:{self._listener.port}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self, here) -> None:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _LIMIT:
            if not (more := here.recv(_LIMIT)):
                return
            head += more
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        place = self.allowed.get(target) if method == "CONNECT" else None
        if place is None:
            self.refused.append(f"{method} {target}")
            here.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.passed.append(target)
        here.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        couple(here, place)


def couple(here, place) -> None:
    """Pass on what comes from either side until one has ended; a path is a socket's of ours."""
    with _connect_to(place) as there:
        other = threading.Thread(target=_pump, args=(there, here), daemon=True)
        other.start()
        _pump(here, there)
        other.join()


def _connect_to(place):
    if isinstance(place, tuple):
        return socket.create_connection(place)
    made = socket.socket(socket.AF_UNIX)
    made.connect(place)
    return made


def _pump(source, target) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def cable(near: str, host: str, port: str):
    """Yield the port at which the database is found at this end of the cable."""
    port = port or "5432"
    place = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, int(port))
    listener = Listener((near, 0), lambda here: couple(here, place))
    try:
        yield listener.port
    finally:
        listener.close()


@contextmanager
def front(folder, sandbox_port: int):
    """Yield the port where HOST is served with a certificate, and that of its authority."""
    certificate, key = folder / "front.pem", folder / "front.key"
    _certify(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve_secured(here) -> None:
        with context.wrap_socket(here, server_side=True) as secured:
            couple(secured, ("127.0.0.1", sandbox_port))

    listener = Listener(("127.0.0.1", 0), serve_secured)
    try:
        yield listener.port, certificate
    finally:
        listener.close()


def _certify(certificate, key) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def pair(number: int) -> tuple[str, str]:
    """Return two neighbouring addresses of a network of four, a different one per number."""
    network = ipaddress.ip_network("10.203.0.0/16")
    base = int(network.network_address) + 4 * (number % 16384)
    return str(ipaddress.ip_address(base + 1)), str(ipaddress.ip_address(base + 2))
