"""What names and calls mean in one function: what computes, or what leads out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from .computing_names import BUILT_IN, GROWING, OF_VALUES, SHAPES, computes
from .flow import Flow
from .kinds_of import FOREIGN
from .knowing import knows
from .source import PACKAGES, Function, absolute, written

_PLAIN_MARKS: Final = frozenset({"property", "staticmethod", "classmethod"})
# Assignments that are followed to where something comes from.
_DEPTH: Final = 8


class LeadsOut(Exception):
    """Something in a function does more than compute."""


class Meanings:
    """One function's names."""

    def __init__(self, flow: Flow, function: Function) -> None:
        self.project = flow.project
        self.function = function
        self.module = flow.project.modules[function.module]
        self.kinds = flow.kinds(function)
        self.taken = [*function.parameters, *function.inner_parameters]
        self.local = {one.arg for one in self.taken} | {
            node.id
            for node in function.nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        self.local |= {
            node.name
            for node in function.nodes
            if isinstance(node, ast.ExceptHandler) and node.name
        }

    @cached_property
    def _made(self) -> dict[str, ast.expr]:
        """What names are bound to, here and in the module."""
        return _bound(self.module.tree.body) | _bound(self.function.nodes)

    @cached_property
    def _known(self) -> frozenset[str]:
        return BUILT_IN | self.local | self.function.inner | self._made.keys()

    def decorated(self, mark: ast.expr) -> Iterator[str]:
        what = mark.func if isinstance(mark, ast.Call) else mark
        if written(what) not in _PLAIN_MARKS:
            yield from self.called(what)

    def called(self, what: ast.expr) -> Iterator[str]:
        """
        Yield the functions of ours that a call of `what` may run.

        :raises LeadsOut: if it may run anything else that does not compute
        """
        if isinstance(what, ast.Subscript):
            # `list[UUID]()`: of that class.
            yield from self.called(what.value)
        elif isinstance(what, ast.Name) and what.id in self.function.inner:
            return
        elif isinstance(what, ast.Name) and what.id in self.local:
            raise LeadsOut(f"calls what it was given, {what.id}")
        elif name := self._absolute(what):
            yield from self._runs(name)
        elif isinstance(what, ast.Attribute):
            yield from self._method(what)
        elif not (isinstance(what, ast.Name) and what.id in BUILT_IN):
            raise LeadsOut(f"calls {written(what)}")

    def named(self, node: ast.Name | ast.Attribute) -> Iterator[str]:
        """
        Yield the functions of ours that may run because they are named: handed on, or properties.

        :raises LeadsOut: if something of a library is named that does not compute
        """
        name = self._absolute(node)
        if name is None and isinstance(node, ast.Name) and node.id not in self._known:
            raise LeadsOut(f"names {node.id}")
        if name is not None:
            target = self.project.resolve(name)
            if target in self.project.functions:
                yield target or ""
            return
        if self._is_of_other_library(node):
            raise LeadsOut(f"names {written(node)}")
        if isinstance(node, ast.Attribute):
            yield from (one.name for one in self._reading(node))

    def sets(self, node: ast.Attribute) -> None:
        """:raises LeadsOut: if an attribute is set of anything but its own object"""
        if written(node.value) != "self":
            raise LeadsOut(f"sets {written(node)}")

    def changes(self, kept: ast.expr) -> None:
        """:raises LeadsOut: if what is changed outlives the call, or is not known to be a value"""
        root = kept
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            root = root.func if isinstance(root, ast.Call) else root.value
        if not isinstance(root, ast.Name) or root.id == "self":
            return
        if root.id not in self.local:
            raise LeadsOut(f"keeps in {root.id}")
        notes = [one.annotation for one in self.taken if one.arg == root.id]
        if root.id in self._made:
            return
        is_unknown = any(note is None or written(note) in {"Any", "object"} for note in notes)
        if is_unknown or self._is_of_other_library(root):
            raise LeadsOut(f"keeps in {root.id}, which it was given")

    def _runs(self, name: str) -> Iterator[str]:
        target = self.project.resolve(name) or ""
        if target in self.project.functions:
            yield target
        elif target in self.project.classes:
            for special in ("__init__", "__post_init__", "__new__", "__call__"):
                if made := self.project.method(target, special):
                    yield made.name
            if not self._is_shape(target):
                raise LeadsOut(f"makes a {target}")
        elif not computes(name):
            raise LeadsOut(f"calls {name}")

    def _method(self, what: ast.Attribute) -> Iterator[str]:
        base, name = what.value, what.attr
        functions, is_known = self.project.reached.get(what, ([], False))
        if is_known and functions:
            yield from (one.name for one in functions)
            return
        origins = self._library(base)
        if origins and all(map(computes, origins)):
            return
        owners = self.kinds.of(base)
        if owners:
            if name not in OF_VALUES or not all(map(self._is_shape, owners)):
                raise LeadsOut(f"calls {written(what)} of {', '.join(sorted(owners))}")
        elif self._is_of_other_library(base) or not (functions or name in OF_VALUES):
            raise LeadsOut(f"calls {written(what)}")
        if name in GROWING:
            self.changes(base)
        yield from (one.name for one in functions)

    def _reading(self, node: ast.Attribute) -> Iterator[Function]:
        """Yield the properties that an attribute may be."""
        owners = self.kinds.of(node.value)
        if owners is None:
            found = [one for one in self.project.methods[node.attr] if knows(self.module, one)]
        elif owners == FOREIGN:
            return
        else:
            found = [one for name in owners if (one := self.project.method(name, node.attr))]
        yield from (one for one in found if one.is_property)

    def _is_shape(self, name: str) -> bool:
        """Return whether a class is a shape, an enumeration or an error: it holds, and no more."""
        module = self.project.module_of(name)
        for base in self.project.classes[name].bases:
            text = written(base).partition("[")[0]
            target = self.project.resolve(absolute(module, text) or "") or ""
            is_ours = target in self.project.classes and self._is_shape(target)
            if not is_ours and text.rpartition(".")[2] not in SHAPES:
                return False
        return True

    def _absolute(self, node: ast.expr) -> str | None:
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id in self.local:
            return None
        name = absolute(self.module, written(node))
        if name is None or self.project.resolve(name):
            return name
        # `Model.objects.filter`: a class of ours, and something behind it.
        parts = name.split(".")
        for end in range(len(parts) - 1, 0, -1):
            owner = self.project.resolve(".".join(parts[:end])) or ""
            if owner in self.project.classes:
                return None if self._is_shape(owner) else name
        return name

    def _library(self, node: ast.expr, depth: int = 0) -> set[str]:
        """Return what libraries an object may come from, as far as that can be told."""
        found: set[str] = set()
        if depth > _DEPTH:
            return found
        match node:
            case ast.Name(id=name) if name in self._made:
                found = self._library(self._made[name], depth + 1)
            case ast.Name(id=name) if name in self.local:
                notes = [one.annotation for one in self.taken if one.arg == name and one.annotation]
                found = {one for note in notes for one in self._annotated(note)}
            case ast.Name() | ast.Attribute() if absolute_name := self._absolute(node):
                found = {absolute_name}
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Call(func=value):
                found = self._library(value, depth + 1)
        return found

    def _annotated(self, annotation: ast.expr) -> set[str]:
        names = {written(one) for one in ast.walk(annotation) if isinstance(one, ast.Name)}
        return {found for one in names if (found := absolute(self.module, one))}

    def _is_of_other_library(self, node: ast.expr) -> bool:
        return any(
            one.partition(".")[0] not in PACKAGES and not computes(one)
            for one in self._library(node)
        )


def _bound(nodes: list[ast.stmt] | list[ast.AST]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in nodes:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.For(target=ast.Name(id=name), iter=value)
                | ast.comprehension(target=ast.Name(id=name), iter=value)
            ):
                found[name] = value
    return found
