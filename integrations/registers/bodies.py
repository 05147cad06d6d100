"""One function's body: which of its names and calls may hold what is watched."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from .plain import COMMON, ENDS, GROWS, PLAIN, is_plain
from .source import PACKAGES, Definition, Function, Reached, absolute, written

if TYPE_CHECKING:
    from .flow import Flow

# What knows nothing of the rest, by contract.
_PURE: Final = ("integrations.providers", "integrations.mime")


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(written(base).startswith("Protocol") for base in node.bases)


class Body:
    """One function, with those inside it: what it is given, and what it gives on."""

    def __init__(self, flow: Flow, function: Function) -> None:
        self.flow = flow
        self.function = function
        self.module = flow.project.modules[function.module]
        self.held = set(flow.given[function.name])
        self.kinds = flow.kinds(function)
        self.answers: dict[ast.Call, bool] = {}
        self.nested = {
            node.name
            for node in ast.walk(function.node)
            if isinstance(node, Definition) and node is not function.node
        }

    def follow(self) -> None:
        while True:
            before = len(self.held)
            # True for as long as nothing more is held.
            self.answers.clear()
            for node in self.function.nodes:
                self._statement(node)
            if len(self.held) == before:
                break
        if self.held or any(
            self.holds(node) for node in self.function.nodes if isinstance(node, ast.Call)
        ):
            self.flow.holding.add(self.function.name)

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
                if self.holds(value):
                    self.flow.returned(self.function)
            case ast.Call():
                self.holds(node)

    def _bind(self, targets: list[ast.expr], value: ast.expr) -> None:
        if not self.holds(value):
            return
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and node.id not in {"self", "cls"}:
                    self.held.add(node.id)
                elif isinstance(node, ast.Attribute) and written(node.value) == "self":
                    self.flow.kept(self.function.owner or "", node.attr)

    def holds(self, node: ast.expr) -> bool:  # noqa: C901, PLR0911 - a line per kind
        """Return whether the value of an expression may be what is watched."""
        match node:
            case ast.Name(id=name):
                return name in self.held
            case ast.Attribute(value=value, attr=attr):
                if attr in self.flow.watched.clear:
                    return False
                own = written(value) == "self" and (self.function.owner or "", attr)
                return own in self.flow.attributes or self.holds(value)
            case ast.Call():
                if node not in self.answers:
                    self.answers[node] = self._call(node)
                return self.answers[node]
            case ast.Compare() | ast.Constant() | ast.UnaryOp(op=ast.Not()):
                return False
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                return self.holds(value)
            case ast.IfExp(body=body, orelse=other):
                return self.holds(body) or self.holds(other)
            case ast.ListComp(elt=made) | ast.SetComp(elt=made) | ast.GeneratorExp(elt=made):
                return self.holds(made)
            case ast.DictComp(key=key, value=value):
                return self.holds(key) or self.holds(value)
        return any(
            self.holds(one) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)
        )

    def _call(self, call: ast.Call) -> bool:
        given = [one for one in call.args if self.holds(one)]
        named = [one for one in call.keywords if self.holds(one.value)]
        name = written(call.func).rpartition(".")[2]
        if (
            name in self.flow.watched.named and isinstance(call.func, ast.Attribute)
        ) or self._makes(call.func):
            return True
        if name in self.nested:
            return bool(given or named) or name in self.held
        functions, is_known = self.flow.reached(self, call.func, self._reached)
        on_plaintext = isinstance(call.func, ast.Attribute) and self.holds(call.func.value)
        for function in functions:
            parameters = self._parameters(call, function, on_plaintext=on_plaintext)
            self.flow.give(function, parameters, by=self.function)
        if name in ENDS:
            return False
        if is_known:
            return any(self.flow.result_of(function) for function in functions)
        if (given or named) and name in GROWS and isinstance(call.func, ast.Attribute):
            base = call.func.value
            if isinstance(base, ast.Name):
                self.held.add(base.id)
        found = any(self.flow.result_of(function) for function in functions)
        return found or bool(given or named) or on_plaintext

    def _makes(self, called: ast.expr) -> bool:
        name = absolute(self.module, written(called))
        return name is not None and self.flow.project.resolve(name) in self.flow.watched.types

    def _parameters(self, call: ast.Call, function: Function, *, on_plaintext: bool) -> set[str]:
        taken = [one.arg for one in function.parameters]
        places = taken[1:] if taken[:1] in (["self"], ["cls"]) else taken
        found = {"self"} if on_plaintext else set()
        for place, one in enumerate(call.args):
            if self.holds(one):
                found.add(places[min(place, len(places) - 1)] if places else "")
        for keyword in call.keywords:
            if self.holds(keyword.value):
                found.add(keyword.arg if keyword.arg in taken else taken[-1] if taken else "")
        return {one for one in found if one}

    def _reached(self, called: ast.expr) -> Reached:  # noqa: PLR0911
        """Return what a call may run, and whether that is certain."""
        project, dotted = self.flow.project, written(called)
        if isinstance(called, ast.Attribute) and written(called.value) in {"self", "cls"}:
            found = project.method(self.function.owner or "", called.attr)
            return ([found], True) if found else ([], False)
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
            return [one for one in named if self._sees(one)], False
        found_in = [project.method(owner, called.attr) for owner in owners]
        methods = [one for one in found_in if one]
        for one in list(methods):
            if _is_protocol(project.classes[one.owner or ""]):
                # Whoever keeps to the protocol may stand behind it.
                methods += [
                    other for other in project.methods[called.attr] if self._is_like(other, one)
                ]
        return methods, bool(methods)

    def _is_like(self, other: Function, one: Function) -> bool:
        return self._sees(other) and len(other.parameters) == len(one.parameters)

    def _sees(self, other: Function) -> bool:
        """Return whether the import contracts let this module hold an object of that class."""
        for pure in _PURE:
            if self.module.name.startswith(pure):
                return other.module.startswith(_PURE)
        own, theirs = self.module.name.split(".")[0], other.module.split(".")[0]
        return PACKAGES.index(theirs) <= PACKAGES.index(own)
