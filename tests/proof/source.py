"""The modules of the project as syntax trees, read once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("accounts", "limited_use", "integrations", "config")


@dataclass(frozen=True)
class Module:
    """One file: its place in the project, and its tree."""

    path: str
    text: str

    @cached_property
    def tree(self):
        return ast.parse(self.text)

    @cached_property
    def nodes(self):
        return list(ast.walk(self.tree))

    @cached_property
    def name(self):
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def package(self):
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]

    @cached_property
    def calls(self):
        """Each call with its dotted name, as far as names and attributes go."""
        return [(dotted_name(node.func), node) for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def imports(self):
        """Each import, absolute, with the name imported from it, and its line."""
        return list(self._imports())

    def _imports(self):
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom):
                base = self.package.split(".")[: -node.level + 1 or None] if node.level else []
                origin = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    yield f"{origin}.{alias.name}", node.lineno


def dotted_name(node):
    """Return an expression as source; quickly for names and attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return ast.unparse(node)


def find_path(name):
    """Return the file or folder of a module's name, with a slash after a folder."""
    path = name.replace(".", "/")
    return f"{path}/" if (ROOT / path).is_dir() else f"{path}.py"


@cache
def modules():
    """Return every module of ours."""
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    )


@cache
def templates():
    """Return (path, text) of every page."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), path.read_text())
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file()
    )
