"""
Which functions a function may reach, read from source code.

Every name that a function's code mentions counts as reached, called or not, so that callbacks and
partials are followed as well. A class reaches all of its methods. What is passed in as an argument
is reached by whoever mentions it.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("accounts", "config", "integrations", "limited_use")
_SKIPPED = ("integrations.sandbox", "config.embedded")


@cache
def _modules() -> dict[str, ast.Module]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not name.startswith(_SKIPPED) and "migrations" not in parts:
                found[name] = ast.parse(path.read_text())
    return found


def _imports(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names that a module imports, each with what it stands for."""
    is_package = (ROOT / module.replace(".", "/") / "__init__.py").exists()
    base = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                source = importlib.util.resolve_name("." * node.level + source, base)
            for alias in node.names:
                yield alias.asname or alias.name, f"{source}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], alias.name


@cache
def _definitions() -> dict[str, frozenset[str]]:
    """Return every function and class by its name, with the names that it mentions."""
    found: dict[str, frozenset[str]] = {}
    for module, tree in _modules().items():
        known = dict(_imports(module, tree))
        own = {node.name for node in tree.body if hasattr(node, "name")}
        names = {**{one: f"{module}.{one}" for one in own}, **known}
        for alias, target in known.items():
            found[f"{module}.{alias}"] = frozenset({target})
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[f"{module}.{node.name}"] = frozenset(_mentioned(node, names))
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        found[f"{module}.{target.id}"] = frozenset(_mentioned(node, names))
    return found


def _mentioned(node: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    # What is only a type is not reached.
    hints = {
        id(inner)
        for one in ast.walk(node)
        for hint in (getattr(one, "annotation", None), getattr(one, "returns", None))
        if isinstance(hint, ast.AST)
        for inner in ast.walk(hint)
    }
    if isinstance(node, ast.FunctionDef):
        # A variable of the function hides what has its name in the module.
        names = {name: names[name] for name in names.keys() - _variables(node)}
    for one in ast.walk(node):
        if id(one) in hints:
            continue
        if isinstance(one, ast.Attribute) and (text := _dotted(one)):
            first, _, rest = text.partition(".")
            if first in names:
                yield f"{names[first]}.{rest}"
        elif isinstance(one, ast.Name) and one.id in names:
            yield names[one.id]


def _variables(node: ast.FunctionDef) -> set[str]:
    return {
        one.arg if isinstance(one, ast.arg) else one.id
        for one in ast.walk(node)
        if isinstance(one, ast.arg)
        or (isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
    }


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


@cache
def find_reached_names(name: str) -> frozenset[str]:
    """Return the dotted names of all that the function, class or constant `name` may reach."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        waiting += _definitions().get(one, ())
    return frozenset(seen)
