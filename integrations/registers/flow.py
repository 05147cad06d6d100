"""
Which functions may hold plaintext: what they are given, open or ask for, followed through calls.

An estimate that errs towards "holds": within a function every assignment counts,
whatever its order; what an unknown call is given comes out again; a method of an
unknown object is every method of that name. What a known function answers depends on what it is
given: called with nothing of a provider's, a parser answers with nothing of a provider's. It does
not see what goes through `getattr`, containers of functions, or a library's callbacks.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from .bodies import Body
from .kinds_of import Kinds
from .labels import NOTHING, Labels
from .plain import is_plain
from .source import Function, Project, Reached, written

# A row holds what is sealed, or in clear and in the register of columns; so do its methods.
_TABLES: Final = ("integrations.models.", "accounts.models.")
# What is a key, or seals by one.
_KEYS: Final = "limited_use.vault."


class Origin(Enum):
    """Where plaintext came from, whoever holds it now."""

    OPENED = "what was sealed and is opened again"
    ANSWERED = "a provider's answer, not sealed yet"
    TYPED = "what its owner typed or chose, not sealed or sent yet"
    GRANTED = "tokens, codes and what a grant is made of"


@dataclass(frozen=True)
class Watched:
    """
    What is followed, and what its origin is.

    :param types: classes, by absolute name: whoever has one has plaintext
    :param written: annotations that say the same, as they are written
    :param calls: functions whose result is plaintext, by absolute name
    :param named: methods whose result is, whatever they belong to
    :param entered: functions that a library calls with it
    :param clear: attributes that are not, of what otherwise is
    :param closed: functions whose result is not, whatever they hold
    """

    types: Mapping[str, Origin]
    written: Mapping[str, Origin] = field(default_factory=dict)
    calls: Mapping[str, Origin] = field(default_factory=dict)
    named: Mapping[str, Origin] = field(default_factory=dict)
    entered: Mapping[str, Origin] = field(default_factory=dict)
    clear: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


class Flow:
    """
    Follow what is watched through the project, until nothing new is found.

    A label is an origin, or the name of a parameter: the latter counts as whatever callers were
    seen to give. So one look at a function serves all of its callers, each for itself.
    """

    def __init__(self, project: Project, watched: Watched) -> None:
        self.project = project
        self.watched = watched
        self._waiting: dict[str, None] = {}
        self.callers: dict[str, set[str]] = defaultdict(set)
        # Who gave it first, for whoever reviews.
        self.because: dict[str, str] = {}
        self.given: dict[str, dict[str, set[Origin]]] = defaultdict(lambda: defaultdict(set))
        self.gives: dict[str, Labels] = defaultdict(lambda: NOTHING)
        self.attributes: dict[tuple[str, str], Labels] = defaultdict(lambda: NOTHING)
        self.holding: dict[str, set[Origin]] = defaultdict(set)
        for function in project.functions.values():
            if made := watched.calls.get(function.name):
                self.holding[function.name].add(made)
                self.gives[function.name] |= {made}
            self.gives[function.name] |= self.meant_by(function, function.node.returns)

    def run(self) -> Mapping[str, set[Origin]]:
        """Return the names of the functions that may hold what is watched, with its origins."""
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

    def meant_by(self, function: Function, annotation: ast.expr | None) -> Labels:
        """Return the origins of whatever is of a type that is written so."""
        if annotation is None:
            return NOTHING
        text = written(annotation)
        if text.startswith(("type[", "Callable")):
            return NOTHING
        classes = self.kinds(function).annotated(annotation, self.project.modules[function.module])
        types, texts = self.watched.types, self.watched.written
        found = {types[one] for one in classes if one in types}
        # A class of that name would be another one.
        return frozenset(found | {texts[text]} if text in texts and not classes else found)

    def give(self, function: Function, what: Mapping[str, set[Origin]], *, by: Function) -> None:
        """Let a call hand on what it is given, by parameter."""
        held = self.given[function.name]
        for parameter in function.parameters:
            origins = what.get(parameter.arg, set()) - held[parameter.arg]
            if origins and not self.is_plain(function, parameter):
                held[parameter.arg] |= origins
                self.because.setdefault(function.name, by.name)
                self._waiting[function.name] = None

    def is_plain(self, function: Function, parameter: ast.arg) -> bool:
        """Return whether what a parameter is given cannot be a provider's words: by its type."""
        note = parameter.annotation
        if note is None:
            owner = function.owner or ""
            return parameter.arg == "self" and owner.startswith((*_TABLES, _KEYS))
        module = self.project.modules[function.module]
        classes = self.kinds(function).annotated(note, module)
        rows = {name.rpartition(".")[2] for name in classes if name.startswith(_TABLES)}
        return is_plain(note, rows if len(rows) == len(classes) else frozenset())

    def returned(self, function: Function, labels: Labels) -> None:
        """Let everybody who calls it look again."""
        if not labels <= self.gives[function.name]:
            self.gives[function.name] |= labels
            self._waiting.update(dict.fromkeys(self.callers[function.name]))

    def kept(self, owner: str, attribute: str, origins: Labels) -> None:
        """Let every method of its class look again."""
        if not origins <= self.attributes[owner, attribute]:
            self.attributes[owner, attribute] |= origins
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

    def properties(
        self, body: Body, node: ast.Attribute, find: Callable[[ast.Attribute], list[Function]]
    ) -> list[Function]:
        """Return the properties that an attribute may stand for; looked up once."""
        found = self.project.properties.get(node)
        if found is None:
            found = self.project.properties[node] = find(node)
        for function in found:
            self.callers[function.name].add(body.function.name)
        return found

    def result_of(self, function: Function) -> Labels:
        """Return the labels of what it answers, parameters by their names in it."""
        if function.name in self.watched.closed or is_plain(function.node.returns):
            return NOTHING
        return self.gives[function.name]
