"""One function's body: which of its names and calls may hold what is watched."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from .knowing import knows
from .labels import NOTHING, Handed, Labels, answered, origins_of, outside, together
from .plain import COMMON, ENDS, GROWS, PLAIN, is_plain
from .source import Function, Reached, absolute, written

if TYPE_CHECKING:
    from .flow import Flow, Origin


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(written(base).startswith("Protocol") for base in node.bases)


class Body:
    """One function, with those inside it: what it is given, and what it gives on."""

    def __init__(self, flow: Flow, function: Function) -> None:
        self.flow = flow
        self.function = function
        self.module = flow.project.modules[function.module]
        self.given = flow.given[function.name]
        self.kinds = flow.kinds(function)
        self.held: dict[str, Labels] = defaultdict(lambda: NOTHING)
        self.answers: dict[ast.Call, Labels] = {}
        entered = flow.watched.entered.get(function.name)
        for parameter in function.parameters:
            meant = flow.meant_by(function, parameter.annotation)
            if entered:
                self.held[parameter.arg] = frozenset({entered})
            elif meant:
                self.held[parameter.arg] = meant
            elif not flow.is_plain(function, parameter):
                self.held[parameter.arg] = frozenset({parameter.arg})
        for parameter in function.inner_parameters:
            meant = flow.meant_by(function, parameter.annotation)
            self.held[parameter.arg] |= {Handed(one) for one in meant}

    def follow(self) -> None:
        before = -1
        # Again for as long as more is held.
        while before != (before := sum(map(len, self.held.values()))):
            self.answers.clear()
            for node in self.function.statements:
                self._statement(node)
        origins: set[Origin] = set()
        for labels in [*self.held.values(), *map(self.holds, self.function.calls)]:
            origins |= origins_of(labels, self.given)
        if origins:
            self.flow.holding[self.function.name] |= origins

    def _statement(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._bind(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value, annotation=annotation):
                if not is_plain(annotation):
                    self._bind([target], value)
            case (
                ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
            ):
                self._bind([target], value)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                self._bind([target], value)
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._bind([target], value)
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                self._give_back(node, value)
            case ast.Call():
                self.holds(node)

    def _give_back(self, node: ast.AST, value: ast.expr) -> None:
        labels = self.holds(value)
        if inner := self.function.answers_of_inner.get(node):
            self.held[inner] |= labels
            return
        is_function = isinstance(value, ast.Name) and value.id in self.function.inner
        if is_function:
            labels = frozenset(one for one in labels if not isinstance(one, Handed))
        self.flow.returned(self.function, outside(labels))

    def _bind(self, targets: list[ast.expr], value: ast.expr) -> None:
        labels = self.holds(value)
        if not labels:
            return
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and node.id not in {"self", "cls"}:
                    self.held[node.id] |= labels
                elif isinstance(node, ast.Attribute) and written(node.value) == "self":
                    origins = frozenset(origins_of(labels, self.given))
                    self.flow.kept(self.function.owner or "", node.attr, origins)

    def holds(self, node: ast.expr) -> Labels:  # noqa: C901, PLR0911 - a line per kind
        """Return what the value of an expression may be made of."""
        match node:
            case ast.Name(id=name):
                return self.held.get(name, NOTHING)
            case ast.Attribute(value=value, attr=attr):
                if attr in self.flow.watched.clear:
                    return NOTHING
                own = written(value) == "self" and (self.function.owner or "", attr)
                kept = self.flow.attributes.get(own, NOTHING) if own else NOTHING
                base = self.holds(value)
                return kept | base | self._computed(node, base)
            case ast.Call():
                if node not in self.answers:
                    self.answers[node] = self._call(node)
                return self.answers[node]
            case ast.Compare() | ast.Constant() | ast.UnaryOp(op=ast.Not()):
                return NOTHING
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                return self.holds(value)
            case ast.IfExp(body=body, orelse=other):
                return self.holds(body) | self.holds(other)
            case ast.ListComp(elt=made) | ast.SetComp(elt=made) | ast.GeneratorExp(elt=made):
                return self.holds(made)
            case ast.DictComp(key=key, value=value):
                return self.holds(key) | self.holds(value)
        return together(
            self.holds(one) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)
        )

    def _computed(self, node: ast.Attribute, base: Labels) -> Labels:
        """Return what properties answer that an attribute may stand for."""
        found = NOTHING
        for function in self.flow.properties(self, node, self._properties):
            handed = {"self": base} if base else {}
            self.flow.give(function, {"self": origins_of(base, self.given)}, by=self.function)
            found |= answered(self.flow.result_of(function), handed)
        return found

    def _call(self, call: ast.Call) -> Labels:
        watched = self.flow.watched
        given = together(
            [self.holds(one) for one in call.args]
            + [self.holds(one.value) for one in call.keywords]
        )
        name = written(call.func).rpartition(".")[2]
        if name in watched.named and isinstance(call.func, ast.Attribute):
            return frozenset({watched.named[name]})
        if made := self._made(call.func):
            return made
        if name in self.function.inner:
            return given | self.held.get(name, NOTHING)
        functions, is_known = self.flow.reached(self, call.func, self._reached)
        base = self.holds(call.func.value) if isinstance(call.func, ast.Attribute) else NOTHING
        answer = NOTHING
        for function in functions:
            taken = self._taken(call, function, base)
            handed = {one: origins_of(labels, self.given) for one, labels in taken.items()}
            self.flow.give(function, handed, by=self.function)
            answer |= answered(self.flow.result_of(function), taken)
        if name in ENDS:
            return NOTHING
        if is_known:
            return answer
        if given and name in GROWS and isinstance(call.func, ast.Attribute):
            into = call.func.value
            if isinstance(into, ast.Name):
                self.held[into.id] |= given
        return answer | given | base

    def _made(self, called: ast.expr) -> Labels:
        name = absolute(self.module, written(called))
        made = self.flow.watched.types.get(self.flow.project.resolve(name) or "") if name else None
        return frozenset({made}) if made else NOTHING

    def _taken(self, call: ast.Call, function: Function, base: Labels) -> dict[str, Labels]:
        """Return what each parameter of a function is given by a call."""
        names = [one.arg for one in function.parameters]
        places = names[1:] if names[:1] in (["self"], ["cls"]) else names
        found: dict[str, Labels] = defaultdict(lambda: NOTHING)
        if base and names:
            found["self"] = base
        for place, one in enumerate(call.args):
            if places and (labels := self.holds(one)):
                found[places[min(place, len(places) - 1)]] |= labels
        for keyword in call.keywords:
            if names and (labels := self.holds(keyword.value)):
                found[keyword.arg if keyword.arg in names else names[-1]] |= labels
        return found

    def _reached(self, called: ast.expr) -> Reached:  # noqa: PLR0911
        """Return what a call may run, and whether that is certain."""
        project, dotted = self.flow.project, written(called)
        if isinstance(called, ast.Attribute) and written(called.value) in {"self", "cls"}:
            every = self._methods(self.function.owner or "", called.attr)
            return every, bool(every)
        if re.fullmatch(r"[\w.]+", dotted) and (name := absolute(self.module, dotted)):
            target = project.resolve(name)
            if target in project.functions:
                return [project.functions[target]], True
            if target in project.classes and target.rpartition(".")[2] in PLAIN:
                return [], True
            if target in project.classes:
                made = project.method(target, "__init__")
                return ([made] if made else []), False
        if not isinstance(called, ast.Attribute):
            return [], False
        owners = self.kinds.of(called.value)
        if owners is None:
            named = [] if called.attr in COMMON else project.methods.get(called.attr, [])
            return [one for one in named if knows(self.module, one)], False
        methods = [one for owner in owners for one in self._methods(owner, called.attr)]
        for one in list(methods):
            if _is_protocol(project.classes[one.owner or ""]):
                # Whoever keeps to the protocol may stand behind it.
                methods += [
                    other for other in project.methods[called.attr] if self._is_like(other, one)
                ]
        return methods, bool(methods)

    def _methods(self, owner: str, name: str) -> list[Function]:
        """Return a class's method of that name, and what classes made of it have in its place."""
        own = self.flow.project.method(owner, name)
        return [*([own] if own else []), *self.flow.project.overriding(owner, name)]

    def _properties(self, node: ast.Attribute) -> list[Function]:
        owners = self.kinds.of(node.value) or frozenset()
        found = [self.flow.project.method(owner, node.attr) for owner in owners]
        return [one for one in found if one and one.is_property]

    def _is_like(self, other: Function, one: Function) -> bool:
        return knows(self.module, other) and len(other.parameters) == len(one.parameters)
