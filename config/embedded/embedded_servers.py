"""
Starts PostgreSQL and Valkey, for demo, tests, smoke and bench.

A server with a given URL is checked instead of started, so a wrong URL gives one line instead of
a traceback.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from config.embedded import external_servers, server_binaries
from config.embedded.child_processes import (
    EmbeddedServersUnavailable,
    ServerAccount,
    get_server_os_user,
)
from config.embedded.postgres import EmbeddedPostgres
from config.embedded.valkey import EmbeddedValkey

# sun_path holds 108 bytes, the last one zero; PostgreSQL adds ``/.s.PGSQL.5432.lock``.
_SOCKET_LIMIT: Final = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """
    The URLs of both servers.

    :param folder: the files of the embedded database; None for an external database
    """

    database: str
    broker: str
    folder: Path | None = None

    def to_environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database, "BROKER_URL": self.broker}


@contextmanager
def run_servers(
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServerUrls]:
    """
    Start the servers that `environment` (by default the process's) does not name, and yield both
    URLs.

    `settings` are PostgreSQL's, such as `postgres.THROWAWAY`. The data stays in `data_dir` for
    the next start. Both servers stop when the block ends.

    :raises EmbeddedServersUnavailable: if a server cannot run, `data_dir` is in use, or a given
        server does not answer
    """
    environment = os.environ if environment is None else environment
    database, broker = environment.get("DATABASE_URL", ""), environment.get("BROKER_URL", "")
    if database:
        external_servers.check_database(database)
    if broker:
        external_servers.check_broker(broker, environment.get("BROKER_CA", ""))
    files = None
    with ExitStack() as stack:
        if not (database and broker):
            owner = get_server_os_user()
            folder = _prepare_folder(data_dir, owner)
            stack.enter_context(_lock_folder(folder))
            sockets = stack.enter_context(_create_socket_folder(folder, owner))
            if not database:
                files = folder
                cluster = EmbeddedPostgres(folder, sockets, owner, settings or {})
                database = stack.enter_context(cluster.run_server())
            if not broker:
                broker = stack.enter_context(EmbeddedValkey(folder, sockets, owner).run_server())
        yield ServerUrls(database=database, broker=broker, folder=files)


@contextmanager
def use_or_start_servers(data_dir: Path) -> Iterator[ServerUrls]:
    """
    Yield the URLs of servers that run on `data_dir`, or start them: for commands during a demo.

    :raises EmbeddedServersUnavailable: as `run_servers` does
    """
    running_urls = _find_running_servers(data_dir)
    if running_urls is None:
        with run_servers(data_dir) as urls:
            yield urls
    else:
        yield running_urls


def _find_running_servers(data_dir: Path) -> ServerUrls | None:
    if os.environ.get("DATABASE_URL") or os.environ.get("BROKER_URL"):
        return None
    owner = get_server_os_user()
    folder = _prepare_folder(data_dir, owner)
    try:
        with _lock_folder(folder):
            return None
    except EmbeddedServersUnavailable:
        sockets = Path((folder / "sockets").read_text(encoding="utf-8"))
    return ServerUrls(
        database=EmbeddedPostgres(folder, sockets, owner, {}).url,
        broker=EmbeddedValkey(folder, sockets, owner).url,
        folder=folder,
    )


def _prepare_folder(data_dir: Path, owner: ServerAccount) -> Path:
    """
    Return the servers' folder: in `data_dir`, or in the temporary folder if `owner` cannot reach
    it.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder = data_dir.resolve() / "servers"
    if not server_binaries.is_path_reachable(folder, owner):
        mark = sha256(str(folder).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"antares-data-{mark}"
        if folder.exists() and (folder.is_symlink() or folder.stat().st_uid != owner.uid):
            raise EmbeddedServersUnavailable(f"{folder} belongs to somebody else: remove it")
    folder.mkdir(mode=0o700, exist_ok=True)
    owner.give_ownership(folder, 0o700)
    return folder


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedServersUnavailable(
                f"servers are already running on {folder}: stop them first"
            ) from None
        yield


@contextmanager
def _create_socket_folder(folder: Path, owner: ServerAccount) -> Iterator[Path]:
    """Yield a new private folder with a short path. Remove the folder of a killed run."""
    note = folder / "sockets"
    if note.exists():
        shutil.rmtree(note.read_text(encoding="utf-8"), ignore_errors=True)
    socket_folder = Path(tempfile.mkdtemp(prefix="antares-"))
    if len(os.fsencode(socket_folder)) > _SOCKET_LIMIT:
        socket_folder.rmdir()
        socket_folder = Path(tempfile.mkdtemp(prefix="antares-", dir="/tmp"))
    owner.give_ownership(socket_folder, 0o700)
    note.write_text(str(socket_folder), encoding="utf-8")
    try:
        yield socket_folder
    finally:
        shutil.rmtree(socket_folder, ignore_errors=True)
        note.unlink(missing_ok=True)
