"""
Child processes that cannot outlive their parent, and the account that they run under.

PostgreSQL refuses to run as root, so root starts the servers as `nobody`. On Linux the kernel
signals each child when its parent dies, even by `kill -9`.
"""

from __future__ import annotations

import os
import pwd
import resource
import signal
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from config.parent_process import make_parent_death_hook

_STOP_TIMEOUT: Final = 20  # seconds
# Signals that stop the launcher.
_STOP_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class EmbeddedServersUnavailable(Exception):
    """The embedded servers cannot start. The message is one line for a person."""


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The account that runs the servers; `is_other` if it is not ours."""

    uid: int
    gid: int
    is_other: bool

    def give_ownership(self, path: Path, mode: int) -> None:
        """Give `path` to the account, with exactly `mode`."""
        path.chmod(mode)
        if self.is_other:
            os.chown(path, self.uid, self.gid)


def get_server_os_user() -> ServerAccount:
    """
    Return the account to run the servers under.

    :raises EmbeddedServersUnavailable: if our user id is not in the user database, which initdb
        refuses (as in ``docker run --user 1234``)
    """
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        return ServerAccount(uid=nobody.pw_uid, gid=nobody.pw_gid, is_other=True)
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedServersUnavailable(
            f"user id {os.geteuid()} has no entry in the user database, which PostgreSQL needs: "
            "run as a named user, or set DATABASE_URL and BROKER_URL"
        ) from None
    return ServerAccount(uid=os.geteuid(), gid=os.getegid(), is_other=False)


def spawn_process(  # noqa: PLR0913 - Popen's own arguments, each by name
    command: Sequence[str | Path],
    *,
    stop_signal: int = signal.SIGTERM,
    run_as: ServerAccount | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[Any] | int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command`. The kernel sends it `stop_signal` when this process dies."""
    identity: dict[str, Any] = {}
    if run_as is not None and run_as.is_other:
        identity = {"user": run_as.uid, "group": run_as.gid, "extra_groups": []}
    with _block_stop_signals() as mask:
        return subprocess.Popen(  # noqa: S603 - our own binaries and arguments, never a shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=env,
            cwd=cwd,
            preexec_fn=_build_child_setup(stop_signal, mask),  # noqa: PLW1509 - nothing else starts threads here
            # Only the launcher receives Ctrl-C, and stops the children in order.
            start_new_session=True,
            **identity,
        )


@contextmanager
def _block_stop_signals() -> Iterator[set[int]]:
    """
    Block stop signals until a child has started; yield the signals that were blocked before.

    While Python forks, it runs hooks of libraries and drops exceptions raised in them, including
    those of our signal handlers.
    """
    mask = set(signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS))
    try:
        yield mask
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _build_child_setup(stop_signal: int, mask: set[int]) -> Callable[[], None]:
    follow = make_parent_death_hook(stop_signal)

    def set_up_child() -> None:
        # A child would inherit the blocked signals.
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        # Servers, and processes that start workers, write no core dumps of their memory.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        follow()

    return set_up_child


def stop_process(
    process: subprocess.Popen[bytes],
    *,
    stop_signal: int = signal.SIGTERM,
    timeout: float = _STOP_TIMEOUT,
) -> int:
    """Stop `process` and return its exit status. Kill it after `timeout` seconds."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
