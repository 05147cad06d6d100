"""
Show what the service and its database logged while a test ran, in the report of its failure.

Fixtures that start processes name the folder of their logs with `watch_logs`, and their database if
it is not the test's own. Of the database server's log, only the lines about these databases are
shown: other tests use the same server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

#: The environment variable that names the log of the server on which test databases are.
DATABASE_LOG = "TEST_DATABASE_LOG"
# Of each log, the newest lines.
LONGEST = 80

_folders: list[Path] = []
_databases: list[str] = []
_sizes_at_start: dict[Path, int] = {}


@contextmanager
def watch_logs(folder: Path, *, database: str | None = None) -> Iterator[None]:
    """
    Show the logs in `folder` in the report of each test that fails until the block ends.

    :param database: the name of the processes' database; None if it is the test's own
    """
    databases = [database] if database else []
    _folders.append(folder)
    _databases.extend(databases)
    try:
        yield
    finally:
        _folders.remove(folder)
        for name in databases:
            _databases.remove(name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    _sizes_at_start.clear()
    _sizes_at_start.update({path: path.stat().st_size for path in _list_logs()})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    if report.failed:
        for path in _list_logs():
            lines = read_new_lines(path)
            if lines:
                title = f"{path.name}, while this test ran"
                report.sections.append((title, "\n".join(lines[-LONGEST:])))
    return report


def read_new_lines(path: Path) -> list[str]:
    """Return the lines that were added to a log since the test began."""
    with path.open("rb") as log:
        log.seek(_sizes_at_start.get(path, 0))
        lines = log.read().decode(errors="replace").splitlines()
    if str(path) != os.environ.get(DATABASE_LOG):
        return lines
    databases = [settings.DATABASES["default"]["NAME"], *_databases]
    return list(_select_lines(lines, [f" {name} " for name in databases]))


def _select_lines(lines: list[str], marks: list[str]) -> Iterator[str]:
    is_ours = False
    for line in lines:
        # Further lines of a statement begin with a tab.
        if not line.startswith("\t"):
            is_ours = any(mark in line for mark in marks)
        if is_ours:
            yield line


def _list_logs() -> list[Path]:
    logs = [path for folder in _folders for path in sorted(folder.glob("*.log"))]
    if (path := os.environ.get(DATABASE_LOG)) and Path(path).exists():
        logs.append(Path(path))
    return logs
