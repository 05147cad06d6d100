"""The project's own modules as trees: what rules look at."""

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
    def _calls(self):
        return [(ast.unparse(node.func), node) for node in self.nodes if isinstance(node, ast.Call)]

    def calls(self):
        """Return each call with its dotted name, as far as names and attributes go."""
        return self._calls

    def imports(self):
        """Yield what is imported, absolutely, with what is imported from it, and the line."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom):
                base = self.package.split(".")[: -node.level + 1 or None] if node.level else []
                origin = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    yield f"{origin}.{alias.name}", node.lineno


@cache
def modules():
    """Return every module of ours but migrations."""
    return tuple(
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    )


@cache
def templates():
    """Return (path, text) of every page."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), path.read_text())
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.is_file()
    )
