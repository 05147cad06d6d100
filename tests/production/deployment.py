"""Production as config/README.md sets it up step by step, on servers of this machine."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.embedded import tcp_ports
from config.process_classes import OWNER
from tests import service_logs
from tests.config.documented import Documented, read_processes
from tests.front import nginx
from tests.production.documented import Blocks
from tests.production.environments import Environments
from tests.production.servers import Secrets, Servers, make_folder, start_servers
from tests.worlds.deployment import Deployment

HOST, STAFF_HOST = "antares.example", "staff.antares.example"
URL, STAFF_URL = f"https://{HOST}", f"https://{STAFF_HOST}"
_POLICY = re.compile(
    r"^# bao policy write (\S+) -\n(.*?)(?=^# bao policy write |\Z)", re.MULTILINE | re.DOTALL
)
# So that the test does not wait for half a minute here and there.
_QUICK = {"SWEEP_SECONDS": "1", "SYNC_INTERVAL_SECONDS": "2", "LEASE_SECONDS": "10"}
# Nobody calls us from outside of this machine.
_WITHOUT_PUSH = {"GOOGLE_CALENDAR_CHANNELS": "off", "MICROSOFT_SUBSCRIPTIONS": "off"}


class Production(Deployment):
    """
    The service.

    :param folder: stands for /etc/antares
    """

    def __init__(self, folder: Path, blocks: Blocks, servers: Servers, known: Secrets) -> None:
        super().__init__(folder)
        self.blocks = blocks
        self.servers = servers
        self.processes_documented = read_processes()
        self.keyring_token = ""
        # Of web servers, by their names in the table.
        self.ports: dict[str, int] = {}
        (folder / "secret-key").write_text(secrets.token_urlsafe(64))
        (folder / "published").mkdir()
        self.environments = Environments(folder, blocks, servers, known)
        self.shared = {**self.environments.read_shared(), **_QUICK, **_WITHOUT_PUSH}

    @property
    def classes(self) -> list[str]:
        """The classes of the table but for the owner's, each once."""
        named = dict.fromkeys(one.process_class for one in self.processes_documented)
        return [one for one in named if one != OWNER]

    def environment_of(self, process_class: str) -> dict[str, str]:
        if process_class == OWNER:
            own = self.environments.read_owner(self.classes, self.keyring_token)
        else:
            own = self.environments.read_class(process_class)
        return {**self.shared, **own}

    def make_keys(self) -> None:
        """Run init_keyring with the operator's token, and give each class its policy and role."""
        [command] = [one for one in self._of_owner() if "init_keyring" in one.command]
        self.keyring_token = self.servers.key_store.token
        said = self.run(OWNER, *command.command)
        self.keyring_token = ""
        for name, policy in _POLICY.findall(said):
            (self.folder / f"{name}.hcl").write_text(policy)
        for process_class in self.classes:
            script = self.blocks.read(
                "The keys", {"web": process_class, "/etc/antares": str(self.folder)}
            )
            self.servers.key_store.run(f"cd {shlex.quote(str(self.folder))}\n{script}")

    def release(self) -> None:
        """Run the commands of a release, in the order of the table."""
        for process in self._of_owner():
            if "init_keyring" not in process.command:
                self.run(OWNER, *process.command)

    def register_people(self) -> None:
        for line in self.blocks.read("Release and start", {}).splitlines():
            self.run(OWNER, *shlex.split(line))

    def start_processes(self, stack: ExitStack) -> None:
        """Start every process of the table that goes on; each web server has a port of its own."""
        for process in self.processes_documented:
            if process.command[0] == "granian":
                port = self.ports[process.process] = stack.enter_context(tcp_ports.reserve_port())
                self.start(process, GRANIAN_PORT=str(port))
                tcp_ports.wait_for_port(port, self.processes[process.process], name=process.process)
            elif process.command[0] == "celery":
                self.start(process)

    def run_console(self) -> str:
        """Run the table's commands of the console."""
        return "".join(
            self.run(one.process_class, *one.command)
            for one in self.processes_documented
            if one.process_class == "console"
        )

    def _of_owner(self) -> list[Documented]:
        return [one for one in self.processes_documented if one.process_class == OWNER]


@contextmanager
def run_production(folder: Path) -> Iterator[Production]:
    """Set up the servers and the service's folder; nothing of the service runs yet."""
    with ExitStack() as stack:
        blocks, known = Blocks(), Secrets()
        servers = start_servers(stack, folder, blocks, known)
        made = Production(make_folder(folder, "antares"), blocks, servers, known)
        stack.enter_context(service_logs.watch_logs(made.logs))
        stack.callback(made.stop)
        yield made


@contextmanager
def in_front(folder: Path, production: Production) -> Iterator[None]:
    """Run nginx before the servers of both sites, and lead people to it."""
    own = make_folder(folder, "nginx")
    files = production.servers.internet.public.issue(HOST, STAFF_HOST)
    certified = {
        str(own / "cert.pem"): str(files.certificate),
        str(own / "key.pem"): str(files.key),
    }
    ports_behind = production.ports
    with nginx.run_nginx(
        own, ports_behind["web"], staff_upstream=ports_behind["staff"], **certified
    ) as front:
        for host in (HOST, STAFF_HOST):
            production.servers.internet.serve(host, front.port)
        yield
