"""
The demo's static files, hashed and compressed as in production.

Each content has a folder of its own, so that only a start with changed files collects them, and a
running web server keeps its files.
"""

from __future__ import annotations

import shutil
import signal
import subprocess  # noqa: TID251 - the launcher starts servers, never in production
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from config.application_settings import INSTALLED_APPS
from config.embedded.child_processes import EmbeddedServersUnavailable, spawn_process, stop_process

ROOT: Final = Path(__file__).resolve().parents[2]
#: Static files of the demo's own pages.
DEMO_FILES: Final = Path(__file__).resolve().parent / "static"
#: The libraries that hash and compress: another release may write other files.
_REQUIREMENTS: Final = "requirements-demo.txt"


def get_static_folder(data_dir: Path) -> Path:
    """Return the folder for the current content. It exists once the files are collected."""
    digest = sha256((ROOT / _REQUIREMENTS).read_bytes())
    for folder in _list_source_folders():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(f"\0{path.relative_to(folder)}\0".encode())
                digest.update(sha256(path.read_bytes()).digest())
    return data_dir / "static" / digest.hexdigest()[:16]


@contextmanager
def collect_static_files(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """
    Collect into `folder` while the block runs, unless it exists.

    :param environment: of the demo's web processes
    :raises EmbeddedServersUnavailable: at the block's end, if collecting failed
    """
    if folder.exists():
        yield
        return
    partial = folder.with_suffix(".partial")
    shutil.rmtree(folder.parent, ignore_errors=True)
    process = _start_collecting(partial, environment)
    try:
        yield
        output, _ = process.communicate()
    finally:
        stop_process(process)
    if process.returncode != 0:
        raise EmbeddedServersUnavailable(
            f"the static files could not be collected:\n{output.decode(errors='replace')}"
        )
    partial.rename(folder)


def _start_collecting(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    return spawn_process(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
        stop_signal=signal.SIGKILL,
        env={**environment, "DEMO_STATIC_ROOT": str(folder)},
        output=subprocess.PIPE,
        cwd=ROOT,
    )


def _list_source_folders() -> Iterator[Path]:
    yield DEMO_FILES
    for app in INSTALLED_APPS:
        spec = find_spec(app)
        for location in spec.submodule_search_locations or () if spec else ():
            yield Path(location) / "static"
