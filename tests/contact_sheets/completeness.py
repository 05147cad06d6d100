"""What states have to show: every route with a page, template, branch of one, and member."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path

from django.conf import settings

from tests import test_routes
from tests.contact_sheets import exceptions
from tests.contact_sheets.rendering import Rendering
from tests.contact_sheets.state import State
from tests.contact_sheets.template_branches import Branch, list_templates

PACKAGES = ("accounts", "limited_use", "integrations", "config")
_KINDS = frozenset({"Enum", "StrEnum", "TextChoices", "IntegerChoices"})


def list_problems(rendering: Rendering, states: Iterable[State]) -> list[str]:
    """Return a line for all that is not in a state, and for each exception that is not needed."""
    return [
        *rendering.problems,
        *_check_routes(rendering.routes),
        *_check_templates(rendering.templates.names),
        *_check_branches(rendering.templates.list_missing_branches(_list_own_templates())),
        *check_members(states),
    ]


def _check_routes(shown: set[str]) -> Iterator[str]:
    pages = {route.name for route in test_routes.list_routes() if not route.is_api}
    for name in sorted(pages - shown - exceptions.ROUTES.keys()):
        yield f"route {name}: no state shows it"
    yield from _check_needed("route", exceptions.ROUTES, pages, shown)


def _check_templates(shown: set[str]) -> Iterator[str]:
    templates = list_templates()
    for name in sorted(templates - shown - exceptions.TEMPLATES.keys()):
        yield f"template {name}: no state renders it"
    yield from _check_needed("template", exceptions.TEMPLATES, templates, shown)


def _check_needed(
    kind: str, listed: Mapping[str, str], known: set[str], shown: set[str]
) -> Iterator[str]:
    for name in sorted(listed.keys() & shown):
        yield f"{kind} {name}: is shown, so it needs no exception"
    for name in sorted(listed.keys() - known):
        yield f"{kind} {name}: does not exist, so it needs no exception"


def _list_own_templates() -> set[str]:
    return {
        name
        for name in list_templates()
        if not name.startswith(exceptions.ELEMENTS) and name not in exceptions.TEMPLATES
    }


def _check_branches(missing: Iterable[Branch]) -> Iterator[str]:
    branches = list(missing)
    found = {(branch.template, branch.words) for branch in branches}
    for branch in branches:
        if (branch.template, branch.words) not in exceptions.BRANCHES:
            yield f"template {branch.template}, line {branch.line}: no state shows {branch.words!r}"
    for template, words in sorted(exceptions.BRANCHES.keys() - found):
        yield f"template {template}: {words!r} is shown, or not there, so it needs no exception"


def check_members(states: Iterable[State]) -> Iterator[str]:
    """Yield a line for each member of an enumeration that no state shows."""
    shown = {member for state in states for member in state.members}
    enumerations = set(list_enumerations())
    for name in sorted(enumerations - exceptions.ENUMERATIONS.keys()):
        missing = [member for member in _load(name) if member not in shown]
        for member in missing:
            yield f"{name}.{member.name}: no state shows it"
    for name in sorted(exceptions.ENUMERATIONS.keys() - enumerations):
        yield f"enumeration {name}: does not exist, so it needs no exception"


def list_enumerations() -> Iterator[str]:
    """Yield the dotted names of all enumerations, from the source."""
    for package in PACKAGES:
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if not {"migrations", "sandbox", "embedded"}.intersection(parts):
                yield from _find_enumerations(path, ".".join(parts))


def _find_enumerations(path: Path, module: str) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            if _is_enumeration(node):
                yield f"{module}:{node.name}"
            for inner in node.body:
                if isinstance(inner, ast.ClassDef) and _is_enumeration(inner):
                    yield f"{module}:{node.name}.{inner.name}"


def _is_enumeration(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rpartition(".")[2] in _KINDS for base in node.bases)


def _load(name: str) -> type[Enum]:
    module, _, path = name.partition(":")
    found = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found
