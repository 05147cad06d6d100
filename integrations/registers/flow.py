"""
Which functions may hold plaintext: what they are given, open or ask for, followed through calls.

An estimate that errs towards "holds": within a function every assignment counts,
whatever its order; what an unknown call is given comes out again; a method of an
unknown object is every method of that name. It does not see what goes through
`getattr`, containers of functions, or a library's callbacks.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .bodies import Body
from .kinds_of import Kinds
from .plain import is_plain
from .source import Function, Project, Reached, written


@dataclass(frozen=True)
class Watched:
    """
    What is followed.

    :param types: classes, by absolute name: whoever has one has plaintext
    :param written: annotations that say the same, as they are written
    :param calls: functions whose result is plaintext, by absolute name
    :param named: methods whose result is, whatever they belong to
    :param entered: functions that a library calls with it
    :param clear: attributes that are not, of what otherwise is
    :param closed: functions whose result is not, whatever they hold
    """

    types: frozenset[str]
    written: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()
    clear: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


class Flow:
    """Follow what is watched through the project, until nothing new is found."""

    def __init__(self, project: Project, watched: Watched) -> None:
        self.project = project
        self.watched = watched
        self._waiting: dict[str, None] = {}
        self.callers: dict[str, set[str]] = defaultdict(set)
        # Who gave it first, for whoever reviews.
        self.because: dict[str, str] = {}
        self.given: dict[str, set[str]] = {name: set() for name in project.functions}
        self.gives: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.holding: set[str] = set()
        for function in project.functions.values():
            for parameter in function.parameters:
                if function.name in watched.entered or self._is_watched(
                    function, parameter.annotation
                ):
                    self.given[function.name].add(parameter.arg)
            if function.name in watched.calls:
                self.holding.add(function.name)
            if function.name in watched.calls or self._is_watched(function, function.node.returns):
                self.gives.add(function.name)

    def run(self) -> set[str]:
        """Return the names of the functions that may hold what is watched."""
        self._waiting = dict.fromkeys(self.project.functions)
        while self._waiting:
            name, _ = self._waiting.popitem()
            Body(self, self.project.functions[name]).follow()
        return self.holding

    def kinds(self, function: Function) -> Kinds:
        known: dict[str, Kinds] = self.project.kinds
        if function.name not in known:
            known[function.name] = Kinds(self.project, function)
        return known[function.name]

    def _is_watched(self, function: Function, annotation: ast.expr | None) -> bool:
        if annotation is None:
            return False
        text = written(annotation)
        if text.startswith(("type[", "Callable")):
            return False
        classes = self.kinds(function).annotated(annotation, self.project.modules[function.module])
        return bool(classes & self.watched.types) or text in self.watched.written

    def give(self, function: Function, parameters: Iterable[str], *, by: Function) -> None:
        """Let a call hand on what it is given."""
        held = self.given[function.name]
        for parameter in function.parameters:
            if parameter.arg not in parameters or parameter.arg in held:
                continue
            if not is_plain(parameter.annotation):
                held.add(parameter.arg)
                self.because.setdefault(function.name, by.name)
                self._waiting[function.name] = None

    def returned(self, function: Function) -> None:
        """Let everybody who calls it look again."""
        if function.name not in self.gives:
            self.gives.add(function.name)
            self._waiting.update(dict.fromkeys(self.callers[function.name]))

    def kept(self, owner: str, attribute: str) -> None:
        """Let every method of its class look again."""
        if (owner, attribute) not in self.attributes:
            self.attributes.add((owner, attribute))
            self._waiting.update(
                dict.fromkeys(
                    one.name for one in self.project.functions.values() if one.owner == owner
                )
            )

    def reached(self, body: Body, called: ast.expr, find: Callable[[ast.expr], Reached]) -> Reached:
        """Return what a call may run; looked up once, whatever is watched."""
        found = self.project.reached.get(called)
        if found is None:
            found = self.project.reached[called] = find(called)
        for function in found[0]:
            self.callers[function.name].add(body.function.name)
        return found

    def result_of(self, function: Function) -> bool:
        if function.name in self.watched.closed or is_plain(function.node.returns):
            return False
        return function.name in self.gives
