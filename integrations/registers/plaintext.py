"""
The register of functions that may hold plaintext of provider data.

`manage.py plaintext_register` writes it to `plaintext.txt` beside this module, and the share of
code in them to `plaintext_shares.json`; tests compare both with the code. What is found errs
towards too much; what it cannot see is said in `flow`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from .computing import Computing
from .flow import Flow, Origin
from .plaintext_reasons import REASONS, Side
from .plaintext_sources import IDS, WORDS
from .source import Function, Project, read

FILE: Final = Path(__file__).with_name("plaintext.txt")
SHARES: Final = Path(__file__).with_name("plaintext_shares.json")
# Of the code, for all that may hold words, addresses or tokens. It is missed.
GOAL: Final = 0.05
WHY_MISSED: Final = (
    "This service's work is such data: to ask two providers for it, to parse mail and calendar"
    " files, to reckon with events, to show and to write them. Adapters alone are about as much"
    " code as the goal would leave for everything."
)
# What every figure is a share of, and of what.
MEANS: Final[Mapping[str, str]] = {
    "may hold it": (
        "lines of the functions that such data may come into, of all lines of code of the service,"
        " without sandbox and launcher; it errs towards too many"
    ),
    "may do more than compute": (
        "lines of those of them that call something which keeps, sends, writes or logs, or that"
        " cannot be told; the others have no way to lead it anywhere but into their answer"
    ),
}
# Beside the goal a test holds this to the same figure: what could lead stored data on.
WATCHED: Final = Origin.OPENED.value
_INTRODUCTION: Final = """\
Functions that may hold plaintext of provider data
==================================================

Found by following it through the code (`flow.py`), module by module, with the reason why it
may. A function that is new here fails the build until this file is written again, and
read. `ids` are a provider's ids and cursors, and nothing more. The others are of two kinds: of
those with a `>` it is not certain that what they hold goes nowhere but into their answer; the rest
only compute (`computing.py`).
"""


class Unexplained(Exception):
    """A module holds plaintext, and nobody said why it may."""


class Share(NamedTuple):
    """
    Functions by what they hold, as shares of all lines of code.

    A function may hold what came from several places: the parts are more than the whole.

    :param held: those that may hold it
    :param leading_on: those of them that may do more than compute with it
    """

    what: str
    held: float
    leading_on: float


@dataclass(frozen=True)
class Register:
    """
    What was found, by names of functions.

    :param origins: of those that may hold words, addresses or tokens: where these came from
    :param ids: those that may hold ids and cursors, and no more
    :param computing: those of all functions that only compute
    """

    project: Project
    origins: Mapping[str, frozenset[Origin]]
    ids: frozenset[str]
    computing: frozenset[str]

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.origins)

    @property
    def leading_on(self) -> frozenset[str]:
        """Those that may hold words and do not only compute."""
        return self.words - self.computing

    def text(self, reasons: Mapping[str, tuple[Side, str]] = REASONS) -> str:
        """
        Return the register as it is committed.

        :raises Unexplained: naming every function in a module without a reason
        """
        return "\n".join(self._lines(reasons)) + "\n"

    def _lines(self, reasons: Mapping[str, tuple[Side, str]]) -> Iterator[str]:
        by_module: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.words | self.ids):
            by_module[self.project.functions[name].module].append(name)
        strangers = [
            name for module, names in by_module.items() if module not in reasons for name in names
        ]
        if strangers:
            raise Unexplained(", ".join(strangers))
        yield _INTRODUCTION
        for module, names in sorted(by_module.items()):
            side, why = reasons[module]
            yield f"{module}\n  {side.name.lower()}: {why}"
            for name in names:
                kind = "ids " if name in self.ids else "> " if name in self.leading_on else ""
                yield f"    {kind}{name.removeprefix(module + '.')}"

    def shares(self) -> Iterator[Share]:
        """Yield how much of the service's lines of code that is: all of it, then by origin."""
        yield self._share("words, addresses, tokens", self.words)
        for origin in Origin:
            names = frozenset(one for one, found in self.origins.items() if origin in found)
            yield self._share(origin.value, names)
        yield self._share("any of these, or ids and cursors", self.words | self.ids)

    def _share(self, what: str, names: frozenset[str]) -> Share:
        total = sum(len(module.code_lines) for module in self.project.modules.values())
        held, leading = (
            sum(self._size(self.project.functions[one]) for one in some) / total
            for some in (names, names - self.computing)
        )
        return Share(what, held, leading)

    def _size(self, function: Function) -> int:
        lines = self.project.modules[function.module].code_lines
        return len(lines & set(range(function.node.lineno, (function.node.end_lineno or 0) + 1)))


def of(project: Project) -> Register:
    """Return the register of `project`."""
    flow = Flow(project, WORDS)
    origins = {name: frozenset(found) for name, found in flow.run().items() if found}
    ids = {name for name, found in Flow(project, IDS).run().items() if found}
    return Register(project, origins, frozenset(ids - origins.keys()), Computing(flow).run())


def write() -> Register:
    """
    Write the register of the service as it stands, and its shares, and return it.

    :raises Unexplained: naming every function in a module without a reason; nothing is written
    """
    register = current()
    text = register.text()
    FILE.write_text(text, encoding="utf-8")
    shares = [share._asdict() for share in register.shares()]
    SHARES.write_text(json.dumps(shares, indent=1) + "\n", encoding="utf-8")
    return register


def committed_shares() -> Iterator[Share]:
    """Yield the shares as they were when the register was last written."""
    for share in json.loads(SHARES.read_text(encoding="utf-8")):
        yield Share(**share)


def is_goal_met(shares: Iterable[Share]) -> bool:
    """Return whether as little of the code may hold words as was wanted."""
    return next(iter(shares)).held <= GOAL


@cache
def current() -> Register:
    """Return the register of the service as it stands, read once."""
    return of(Project(read()))
