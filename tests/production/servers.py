"""The servers that production needs, set up by the documented blocks."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded import tcp_ports
from config.embedded.child_processes import get_server_os_user
from tests.production import broker, database, internet
from tests.production.authority import Authority, Certified
from tests.production.database import Database
from tests.production.documented import Blocks
from tests.production.internet import Internet
from tests.production.key_store import KeyStore
from tests.production.mail import MailServer
from tests.worlds import sandbox
from tests.worlds.sandbox import Sandbox


@dataclass
class Servers:
    """What the service needs around it."""

    private: Authority
    database: Database
    broker_port: int
    key_store: KeyStore
    key_store_address: str
    mail: MailServer
    internet: Internet
    sandbox: Sandbox


@dataclass
class Secrets:
    """By what each belongs to."""

    owner: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    broker: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    mail: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    google: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    microsoft: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    of_class: dict[str, str] = field(default_factory=dict)

    def login(self, process_class: str) -> str:
        return self.of_class.setdefault(process_class, secrets.token_urlsafe(24))


def start_servers(stack: ExitStack, folder: Path, blocks: Blocks, known: Secrets) -> Servers:
    """Start every server; each stops when the stack closes."""
    private = Authority(make_folder(folder, "private"), "private")
    public = Authority(make_folder(folder, "public"), "public")
    provider = stack.enter_context(
        sandbox.run_sandbox(
            *("--issuer", "https://accounts.google.com"),
            *("--authority", "https://login.microsoftonline.com"),
            *("--graph", "https://graph.microsoft.com"),
        )
    )
    mail = MailServer(public.issue("127.0.0.1").context(), known.mail)
    stack.callback(mail.close)
    key_store, address = _start_key_store(stack, folder, blocks, private)
    return Servers(
        private=private,
        database=_start_database(stack, folder, blocks, private, known),
        broker_port=_start_broker(stack, folder, blocks, private, known),
        key_store=key_store,
        key_store_address=address,
        mail=mail,
        internet=stack.enter_context(internet.run_internet(public, provider)),
        sandbox=provider,
    )


def _start_database(stack, folder: Path, blocks: Blocks, private: Authority, known: Secrets):
    port = stack.enter_context(tcp_ports.reserve_port())
    made = database.make_database(folder / "database", port)
    made.create(blocks, {"10.203.0.1": "127.0.0.1", **_files(private, "db.example")})
    stack.enter_context(made.running())
    statements = blocks.read("PostgreSQL", {"…": known.owner}, number=2)
    made.execute_as_administrator(statements)
    return made


def _start_broker(stack, folder: Path, blocks: Blocks, private: Authority, known: Secrets) -> int:
    port = stack.enter_context(tcp_ports.reserve_port())
    names = {"10.203.0.1": "127.0.0.1", "6379": str(port), "…": known.broker}
    names |= {"/etc/antares/ca.pem": str(private.path), **_files(private, "broker.example")}
    configuration = blocks.read("Valkey or Redis", names)
    stack.enter_context(broker.run_broker(folder / "broker", configuration, port))
    return port


def _start_key_store(stack, folder: Path, blocks: Blocks, private: Authority):
    port = stack.enter_context(tcp_ports.reserve_port())
    peers = stack.enter_context(tcp_ports.reserve_port())
    address = f"https://127.0.0.1:{port}"
    own = make_folder(folder, "openbao")
    (own / "data").mkdir()
    names = {
        "https://bao.example:8200": address,
        "10.203.0.1:8201": f"127.0.0.1:{peers}",
        "10.203.0.1:8200": f"127.0.0.1:{port}",
        "/var/lib/openbao": str(own / "data"),
        **_files(private, "bao.example"),
    }
    configuration = blocks.read("OpenBao", names)
    made = KeyStore(own, configuration, address, private.path)
    made.start()
    stack.callback(made.kill)
    made.initialise()
    made.run(blocks.read("OpenBao", {}, number=1))
    return made, address


def _files(private: Authority, name: str) -> dict[str, str]:
    """Return where a server's documented files are here, readable by its own account."""
    files: Certified = private.issue(name, "127.0.0.1")
    get_server_os_user().give_ownership(files.key, 0o600)
    return {
        f"/etc/antares/tls/{name}.pem": str(files.certificate),
        f"/etc/antares/tls/{name}.key": str(files.key),
    }


def make_folder(above: Path, name: str) -> Path:
    made = above / name
    made.mkdir()
    # The servers' own account has to get through.
    made.chmod(0o711)
    return made
