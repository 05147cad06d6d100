"""
The running demo of a data folder, found by other commands.

`running.json` is locked while the demo runs and holds its addresses. A demo that was killed leaves
the file without a lock.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

_FILE: Final = "running.json"


@dataclass(frozen=True, slots=True)
class DemoAddresses:
    """URLs without a trailing slash."""

    public: str
    staff: str
    sandbox: str

    @property
    def start_page(self) -> str:
        return f"{self.public}/demo/"


class DemoAlreadyRunning(Exception):
    """
    Another process runs the demo on this data folder.

    :ivar addresses: None while that demo is starting
    """

    def __init__(self, addresses: DemoAddresses | None) -> None:
        super().__init__("the demo is already running")
        self.addresses = addresses


class RunningDemoFile:
    """The locked file of our own demo."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write_addresses(self, addresses: DemoAddresses | None) -> None:
        self._file.seek(0)
        self._file.truncate()
        if addresses is not None:
            json.dump(asdict(addresses), self._file)
        self._file.flush()


@contextmanager
def lock_running_file(data_dir: Path) -> Iterator[RunningDemoFile]:
    """
    Hold the lock until the block ends.

    :raises DemoAlreadyRunning: if another process holds it
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (data_dir / _FILE).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoAlreadyRunning(_read_addresses(file)) from None
        running = RunningDemoFile(file)
        running.write_addresses(None)
        try:
            yield running
        finally:
            running.write_addresses(None)


def find_running_demo(data_dir: Path) -> DemoAddresses | None:
    """Return the addresses of a demo that has started and still runs; None without one."""
    try:
        file = (data_dir / _FILE).open(encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_addresses(file)
    return None


def _read_addresses(file: IO[str]) -> DemoAddresses | None:
    file.seek(0)
    try:
        return DemoAddresses(**json.load(file))
    except ValueError:
        return None
