"""Which class of ours an expression is of, as far as annotations and constructors say."""

from __future__ import annotations

import ast
import re
from functools import cached_property
from typing import Final

from .source import Function, Module, Project, absolute, written

# Nothing of ours: a library's, or a built-in. None, in its stead, is: unknown.
FOREIGN: Final[frozenset[str]] = frozenset()


class Kinds:
    """The local names of one function, and what they are of."""

    def __init__(self, project: Project, function: Function) -> None:
        self.project = project
        self.function = function
        self.module = project.modules[function.module]

    @cached_property
    def names(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for parameter in self.function.parameters:
            if parameter.annotation:
                found[parameter.arg] = self.annotated(parameter.annotation, self.module)
        if self.function.owner:
            found["self"] = found["cls"] = frozenset({self.function.owner})
        self._found = found
        for node in self.function.nodes:
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    found[name] = self.annotated(annotation, self.module)
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.withitem(optional_vars=ast.Name(id=name), context_expr=value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    if (kind := self._of(value, found)) is not None:
                        found.setdefault(name, kind)
                case (
                    ast.For(target=ast.Name(id=name), iter=value)
                    | ast.comprehension(target=ast.Name(id=name), iter=value)
                ):
                    # Of many, an annotation names what each is.
                    if kind := self._of(value, found):
                        found.setdefault(name, kind)
        return found

    def of(self, node: ast.expr) -> frozenset[str] | None:
        """Return the classes of ours, FOREIGN, or None where nothing is known."""
        return self._of(node, self.names)

    def _of(self, node: ast.expr, names: dict[str, frozenset[str]]) -> frozenset[str] | None:
        match node:
            case ast.Name(id=name):
                return names.get(name)
            case ast.Constant() | ast.JoinedStr() | ast.List() | ast.Dict() | ast.Compare():
                return FOREIGN
            case ast.Attribute(value=value, attr=attr):
                return self._member(self._of(value, names), attr)
            case ast.Call(func=called):
                return self._made(called, names)
        return None

    def _made(self, called: ast.expr, names: dict[str, frozenset[str]]) -> frozenset[str] | None:
        dotted = written(called)
        name = absolute(self.module, dotted) if re.fullmatch(r"[\w.]+", dotted) else None
        if name:
            target = self.project.resolve(name)
            if target in self.project.classes:
                return frozenset({target})
            if target in self.project.functions:
                made = self.project.functions[target]
                return self.annotated(made.node.returns, self.project.modules[made.module])
            if name.split(".")[0] not in {"accounts", "limited_use", "integrations", "config"}:
                return FOREIGN
        if isinstance(called, ast.Attribute):
            return self._member(self._of(called.value, names), called.attr)
        return None

    def _member(  # noqa: C901 - one case per way to say a type
        self, owners: frozenset[str] | None, attr: str
    ) -> frozenset[str] | None:
        """Return what a member of one of `owners` is, or what a method of it returns."""
        if owners is None or owners == FOREIGN:
            return owners
        for owner in owners:
            module = self.project.modules[owner.rpartition(".")[0]]
            if method := self.project.method(owner, attr):
                return self.annotated(method.node.returns, module)
            for node in ast.walk(self.project.classes[owner]):
                match node:
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                        if name == attr:
                            return self.annotated(annotation, module)
                    case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Name(id=given)):
                        if name == attr and (made := self.project.method(owner, "__init__")):
                            for one in made.parameters:
                                if one.arg == given and one.annotation:
                                    return self.annotated(one.annotation, module)
        return None

    def annotated(self, annotation: ast.expr | None, module: Module) -> frozenset[str]:
        """Return the classes of ours that an annotation names."""
        if annotation is None:
            return FOREIGN
        words = re.findall(r"[A-Za-z_][\w.]*", written(annotation))
        named = {absolute(module, word) for word in words}
        found = {self.project.resolve(name) for name in named if name}
        return frozenset(name for name in found if name in self.project.classes)
