"""
The two servers together, for demo, tests, smoke and bench.

Each is started only if its URL is not given, so that one may bring one's own of either. One that
is given is asked whether it is there: an address that is wrong is a line, and not a traceback.
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

from config.embedded import binaries, external_servers
from config.embedded.postgres import Postgres
from config.embedded.processes import Account, Unavailable, account
from config.embedded.valkey import Valkey

# sun_path holds 108 bytes, the last one zero; PostgreSQL adds ``/.s.PGSQL.5432.lock``.
_SOCKET_LIMIT: Final = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class Urls:
    """
    Where the servers are reached.

    :param folder: the files of the embedded database; None if somebody else runs the database
    """

    database: str
    broker: str
    folder: Path | None = None

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database, "BROKER_URL": self.broker}


@contextmanager
def running(
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> Iterator[Urls]:
    """
    Start what `given` (the environment, if left out) does not name, and yield both URLs.

    `settings` are PostgreSQL's, such as `postgres.THROWAWAY`. Data stays in `data_dir` and is
    found again by the next start. On leaving, both servers have stopped.

    :raises Unavailable: if they cannot run here, `data_dir` is in use, or one that is given
        does not answer.
    """
    given = os.environ if given is None else given
    database, broker = given.get("DATABASE_URL", ""), given.get("BROKER_URL", "")
    if database:
        external_servers.ask_database(database)
    if broker:
        external_servers.ask_broker(broker, given.get("BROKER_CA", ""))
    files = None
    with ExitStack() as stack:
        if not (database and broker):
            owner = account()
            folder = _folder(data_dir, owner)
            stack.enter_context(_alone(folder))
            sockets = stack.enter_context(_sockets(folder, owner))
            if not database:
                files = folder
                cluster = Postgres(folder, sockets, owner, settings or {})
                database = stack.enter_context(cluster.running())
            if not broker:
                broker = stack.enter_context(Valkey(folder, sockets, owner).running())
        yield Urls(database=database, broker=broker, folder=files)


@contextmanager
def joined(data_dir: Path) -> Iterator[Urls]:
    """
    Yield the URLs of what runs on `data_dir`, or start it: for a command beside a running demo.

    :raises Unavailable: as `running` does
    """
    found = _running_on(data_dir)
    if found is None:
        with running(data_dir) as urls:
            yield urls
    else:
        yield found


def _running_on(data_dir: Path) -> Urls | None:
    if os.environ.get("DATABASE_URL") or os.environ.get("BROKER_URL"):
        return None
    owner = account()
    folder = _folder(data_dir, owner)
    try:
        with _alone(folder):
            return None
    except Unavailable:
        sockets = Path((folder / "sockets").read_text(encoding="utf-8"))
    return Urls(
        database=Postgres(folder, sockets, owner, {}).url,
        broker=Valkey(folder, sockets, owner).url,
        folder=folder,
    )


def _folder(data_dir: Path, owner: Account) -> Path:
    """Return where the servers keep their files; elsewhere if `owner` cannot get to `data_dir`."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder = data_dir.resolve() / "servers"
    if not binaries.reachable(folder, owner):
        mark = sha256(str(folder).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"antares-data-{mark}"
        if folder.exists() and (folder.is_symlink() or folder.stat().st_uid != owner.uid):
            raise Unavailable(f"{folder} belongs to somebody else: remove it")
    folder.mkdir(mode=0o700, exist_ok=True)
    owner.own(folder, 0o700)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(f"servers are already running on {folder}: stop them first") from None
        yield


@contextmanager
def _sockets(folder: Path, owner: Account) -> Iterator[Path]:
    """Yield a fresh private folder with a short path; remove what a killed run left."""
    note = folder / "sockets"
    if note.exists():
        shutil.rmtree(note.read_text(encoding="utf-8"), ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix="antares-"))
    if len(os.fsencode(made)) > _SOCKET_LIMIT:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="antares-", dir="/tmp"))
    owner.own(made, 0o700)
    note.write_text(str(made), encoding="utf-8")
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        note.unlink(missing_ok=True)
