"""Lists of names that are read from the source code, because no object of the service has them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from django.conf import settings

PACKAGES = ("accounts", "config", "integrations", "limited_use")
# Development only, and a program of its own.
SANDBOX = "integrations/sandbox"
LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
DERIVATION = re.compile(r"(LU\d|LU-[a-z]|antares[ /]|f1\.)")


def list_log_events() -> list[str]:
    """Return ``level event`` for each call of a logger."""
    return sorted({line for tree in _parse_sources() for line in _find_log_events(tree)})


def _find_log_events(tree: ast.AST) -> Iterator[str]:
    for call in _find_calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in LOG_METHODS and call.args:
            event = call.args[0]
            if isinstance(event, ast.Constant) and EVENT.fullmatch(str(event.value)):
                yield f"{call.func.attr} {event.value}"


def list_ledger_events() -> list[str]:
    """Return the names of events in entries of the ledger."""
    values = (value for tree in _parse_sources() for value in _find_values(tree, "event"))
    texts = {text for value in values for text in _find_texts(value)}
    return sorted(filter(EVENT.fullmatch, texts))


def _find_values(tree: ast.AST, name: str) -> Iterator[ast.AST]:
    """Yield each argument and each value of a dictionary that is named `name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == name:
            yield node.value
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                value for key, value in pairs if isinstance(key, ast.Constant) and key.value == name
            )


def list_derivations() -> list[str]:
    """Return the texts and bytes with which keys, hashes and signatures are told apart."""
    found = {text for tree in _parse_sources() for text in _find_texts(tree)}
    return sorted(repr(text)[1:-1] for text in found if DERIVATION.match(text))


def _find_texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            yield node.value.decode("latin-1")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _find_calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _parse_sources() -> Iterator[ast.AST]:
    for package in PACKAGES:
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if not name.startswith(SANDBOX) and "/migrations/" not in name:
                yield ast.parse(path.read_text(encoding="utf-8"))
