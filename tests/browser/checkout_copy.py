"""A copy of this checkout in a folder of its own, as somebody who has just cloned it has one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.config.running_demo import PATIENCE, ROOT, build_environment, kill_if_late

# The data of a demo that runs here, environments, and what tools leave.
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".data", ".*_cache", "staticfiles")
# Of the `make` that runs the tests; and the roles of the tests' database.
_NOT_PASSED_ON = frozenset({"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DATABASE_ROLE_PREFIX"})


@contextmanager
def copy_checkout() -> Iterator[Path]:
    """Yield the copy. Its environment is the one that runs the tests, which has all of a demo's."""
    with tempfile.TemporaryDirectory(prefix="antares-checkout-") as made:
        # The database's own account has to get through.
        Path(made).chmod(0o711)
        folder = Path(made) / "antares"
        shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
        _link_environment(folder)
        yield folder


def _link_environment(folder: Path) -> None:
    inside = folder / ".venv"
    inside.mkdir()
    for item in Path(sys.prefix).iterdir():
        if not item.name.startswith("stamp-"):
            (inside / item.name).symlink_to(item)
    for file in ("requirements-demo.txt", "requirements-dev.txt"):
        stamp = subprocess.run(
            ["sh", "-c", f"cat {file} requirements-uv.txt | cksum"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        (inside / f"stamp-{file}").write_text(stamp.stdout, encoding="utf-8")


def run_command(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the README, as a shell in the copy does."""
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=_build_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@contextmanager
def start_command(folder: Path, command: str, *, until: str) -> Iterator[tuple[Any, str]]:
    """Start a line of the README; yield the process and its output up to a line with `until`."""
    with _let_ctrl_c_through():
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=folder,
            env=_build_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C reaches all processes of a terminal.
            start_new_session=True,
        )
    printed: list[str] = []
    try:
        with _kill_all_if_late(process):
            for line in process.stdout:
                printed.append(line)
                if until in line:
                    break
            else:
                raise AssertionError(f"it ended: {''.join(printed)}")
        yield process, "".join(printed)
    finally:
        if process.poll() is None:
            press_control_c(process)
        process.stdout.close()


def press_control_c(process: Any) -> str:
    """Return the last lines."""
    os.killpg(process.pid, signal.SIGINT)
    with _kill_all_if_late(process):
        last_lines: str = process.stdout.read()
    process.wait(timeout=PATIENCE)
    return last_lines


@contextmanager
def _let_ctrl_c_through() -> Iterator[None]:
    """A run in the background of a shell ignores Ctrl-C, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _kill_all_if_late(process: Any) -> AbstractContextManager[None]:
    """See `kill_if_late`; the shell's children hold the output as well."""
    return kill_if_late(process, kill=partial(os.killpg, process.pid, signal.SIGKILL))


def _build_environment() -> dict[str, str]:
    return {
        name: value for name, value in build_environment().items() if name not in _NOT_PASSED_ON
    }
