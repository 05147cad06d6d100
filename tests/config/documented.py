"""The processes of production, as the table in config/README.md has them."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from tests.config.production import ROOT

README = ROOT / "config" / "README.md"
_COLUMNS = ["process", "`PROCESS_CLASS`", "database login", "queues", "command"]


class Documented(NamedTuple):
    """One row of the table: words of its columns without their markup."""

    process: str
    process_class: str
    login: str
    queues: list[str]
    command: list[str]


def read_processes() -> list[Documented]:
    section = README.read_text(encoding="utf-8").split("\n## Processes\n")[1].split("\n## ")[0]
    table = next(block for block in section.split("\n\n") if block.startswith("|"))
    lines = table.splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert header == _COLUMNS
    return [
        Documented(process, *_words(process_class), login, _words(queues), shlex.split(*_words(it)))
        for process, process_class, login, queues, it in rows
    ]


def _words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
