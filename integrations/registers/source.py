"""The project as functions: where each stands, what names mean there, and what a call may reach."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
# From the lowest up.
PACKAGES: Final = ("accounts", "limited_use", "integrations", "config")
# Not the service: processes of their own that hold no provider's data and import nothing of it.
APART: Final = ("integrations/sandbox/", "config/embedded/")

Definition = ast.FunctionDef | ast.AsyncFunctionDef
_STATEMENTS = (
    ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr | ast.For | ast.comprehension
    | ast.withitem | ast.Return | ast.Yield | ast.Call
)  # fmt: skip


@cache
def written(node: ast.AST) -> str:
    """Return the node as source."""
    return ast.unparse(node)


@dataclass(frozen=True, eq=False)
class Function:
    """A function or method; functions inside it are part of it."""

    name: str
    module: str
    owner: str | None
    node: Definition

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.node))

    @cached_property
    def parameters(self) -> list[ast.arg]:
        taken = self.node.args
        named = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
        return named + [one for one in (taken.vararg, taken.kwarg) if one]

    @cached_property
    def statements(self) -> list[ast.AST]:
        """Where a value gets a name, is handed on or given back."""
        return [node for node in self.nodes if isinstance(node, _STATEMENTS)]

    @cached_property
    def inner(self) -> frozenset[str]:
        """What functions inside it are called: they are read as part of it."""
        found = (node for node in self.nodes if isinstance(node, Definition))
        return frozenset(one.name for one in found if one is not self.node)

    @cached_property
    def answers_of_inner(self) -> dict[ast.AST, str]:
        """What functions inside it give back, by the name of the function."""
        found: dict[ast.AST, str] = {}
        # The outermost first, so that the innermost has the last word.
        for inner in (one for one in self.nodes if isinstance(one, Definition)):
            if inner is not self.node:
                given = (one for one in ast.walk(inner) if isinstance(one, ast.Return | ast.Yield))
                found.update(dict.fromkeys(given, inner.name))
        return found

    @cached_property
    def is_property(self) -> bool:
        return any("property" in written(mark) for mark in self.node.decorator_list)

    @cached_property
    def inner_parameters(self) -> list[ast.arg]:
        """What functions inside it take."""
        own = set(self.parameters)
        return [node for node in self.nodes if isinstance(node, ast.arg) and node not in own]

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.nodes if isinstance(node, ast.Call)]


# Functions that a call may run, and whether it can be no other.
Reached = tuple[list[Function], bool]


@dataclass
class Module:
    """One file: what its names stand for, absolutely, and what it defines."""

    name: str
    path: str
    text: str
    names: dict[str, str] = field(default_factory=dict)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def code_lines(self) -> frozenset[int]:
        """Lines with code on them: no blanks, comments or docstrings."""
        skipped = {
            tokenize.COMMENT,
            tokenize.NL,
            tokenize.NEWLINE,
            tokenize.INDENT,
            tokenize.DEDENT,
        }
        found: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type not in skipped and token.type != tokenize.ENDMARKER:
                found.update(range(token.start[0], token.end[0] + 1))
        for node in ast.walk(self.tree):
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if is_text and isinstance(node.value.value, str):  # type: ignore[attr-defined]
                found.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))  # type: ignore[attr-defined]
        return frozenset(found)


class Project:
    """All of it. `functions` and `classes` are by absolute name."""

    def __init__(self, modules: list[Module]) -> None:
        self.modules = {module.name: module for module in modules}
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.methods: dict[str, list[Function]] = defaultdict(list)
        # What does not depend on what is followed, looked up once.
        self.reached: dict[ast.expr, Reached] = {}
        self.properties: dict[ast.expr, list[Function]] = {}
        self.kinds: dict[str, Any] = {}
        for module in modules:
            module.names.update(_imported(module))
            self._define(module, module.tree.body, module.name, None)

    def _define(self, module: Module, body: list[ast.stmt], at: str, owner: str | None) -> None:
        for node in body:
            if isinstance(node, Definition):
                made = Function(f"{at}.{node.name}", module.name, owner, node)
                self.functions[made.name] = made
                if owner:
                    self.methods[node.name].append(made)
                else:
                    module.names.setdefault(node.name, made.name)
            elif isinstance(node, ast.ClassDef):
                self.classes[f"{at}.{node.name}"] = node
                module.names.setdefault(node.name, f"{at}.{node.name}")
                self._define(module, node.body, f"{at}.{node.name}", f"{at}.{node.name}")

    def resolve(self, name: str, depth: int = 0) -> str | None:
        """Return the function or class that an absolute `name` stands for, through re-exports."""
        if name in self.functions or name in self.classes:
            return name
        module, _, rest = name.rpartition(".")
        while module and module not in self.modules:
            module, _, more = module.rpartition(".")
            rest = f"{more}.{rest}"
        head, _, tail = rest.partition(".")
        target = self.modules[module].names.get(head) if module else None
        if target is None or depth > 5:  # noqa: PLR2004 - of re-exports
            return None
        return self.resolve(f"{target}.{tail}" if tail else target, depth + 1)

    @cached_property
    def _heirs(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for name, node in self.classes.items():
            module = self.module_of(name)
            for base in node.bases:
                if target := self.resolve(absolute(module, written(base)) or ""):
                    found[target].add(name)
        return found

    def module_of(self, name: str) -> Module:
        """Return the module of a class, which may stand in another."""
        while name not in self.modules:
            name = name.rpartition(".")[0]
        return self.modules[name]

    def overriding(self, owner: str, name: str) -> Iterator[Function]:
        """Yield what classes made of `owner` have in place of a method of its."""
        for heir in self._heirs.get(owner, ()):
            if own := self.functions.get(f"{heir}.{name}"):
                yield own
            yield from self.overriding(heir, name)

    def method(self, owner: str, name: str) -> Function | None:
        """Return a class's own or inherited method."""
        found = self.functions.get(f"{owner}.{name}")
        if found or owner not in self.classes:
            return found
        module = self.module_of(owner)
        for base in self.classes[owner].bases:
            target = self.resolve(absolute(module, ast.unparse(base)) or "")
            if target and (inherited := self.method(target, name)):
                return inherited
        return None


def absolute(module: Module, dotted: str) -> str | None:
    """Return what `dotted` is called absolutely, if its first name is imported or defined there."""
    head, _, tail = dotted.partition(".")
    target = module.names.get(head)
    if target is None:
        return None
    return f"{target}.{tail}" if tail else target


def _imported(module: Module) -> Iterator[tuple[str, str]]:
    package = module.name if module.path.endswith("__init__.py") else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or name, name
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield alias.asname or alias.name, f"{origin}.{alias.name}"


def read() -> list[Module]:
    """Return the modules of the service."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if "/migrations/" in place or place.startswith(APART):
                continue
            name = place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            found.append(Module(name, place, path.read_text(encoding="utf-8")))
    return found
