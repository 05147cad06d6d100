"""
The names that our templates use, and the names that the code defines: both from the source.

`strict_templates` finds an unknown name when a test renders the part of a template that uses it.
This finds names in all parts, but does not know which object a name is looked up on: a name is
unknown if no class, function, argument, keyword or text of the code has it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.template.base import Lexer, TokenType

PACKAGES = ("accounts", "config", "integrations", "limited_use")
TEMPLATES = settings.BASE_DIR / "templates"
# Allauth's own names, which its `{% element %}` passes.
ELEMENTS = TEMPLATES / "allauth" / "elements"

_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")
_FILTER = re.compile(r"\|\s*\w+")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_ASSIGNMENT = re.compile(r"\bas (\w+)|\bfor ([\w, ]+?) in\b|\b(\w+)=")
# Tags whose words are names of blocks and libraries, or that end another tag.
_TAGS_WITHOUT_VARIABLES = frozenset({"block", "endblock", "load", "slot", "setvar", "endclaim"})
_WORDS_OF_TAGS = frozenset(
    {
        "and", "or", "not", "in", "is", "as", "for", "with", "by", "only",
        "asvar", "context", "count", "noop", "trimmed",
    }
)  # fmt: skip
_CONSTANTS = frozenset({"True", "False", "None"})


def find_names(path: Path) -> set[str]:
    """Return each part of the dotted names that a template uses."""
    names = (name for text in _read_tags(path) for name in _NAME.findall(text))
    parts = {part for name in names for part in name.split(".")}
    return parts - _WORDS_OF_TAGS - _CONSTANTS - {""}


def _find_assigned_names(path: Path) -> Iterator[str]:
    """Yield the names that a template gives to values itself, or passes to another one."""
    for text in _read_tags(path):
        for groups in _ASSIGNMENT.findall(text):
            yield from (name.strip() for group in groups for name in group.split(","))


def _read_tags(path: Path) -> Iterator[str]:
    """Yield the text of each variable and tag, without its first word, texts and filters."""
    for token in Lexer(path.read_text(encoding="utf-8")).tokenize():
        text = _FILTER.sub("", _TEXT.sub("", token.contents))
        tag, _, arguments = text.partition(" ")
        if token.token_type == TokenType.VAR:
            yield text
        elif token.token_type == TokenType.BLOCK and tag not in _TAGS_WITHOUT_VARIABLES:
            yield f"for {arguments}" if tag == "for" else arguments


def find_defined_names(templates: Iterable[Path]) -> set[str]:
    """Return the names that code and templates define, and texts that can be keys."""
    assigned = {name for path in templates for name in _find_assigned_names(path)}
    return assigned | {
        name
        for package in PACKAGES
        for path in (settings.BASE_DIR / package).rglob("*.py")
        if "migrations" not in path.parts and "sandbox" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _find_definitions(node)
    }


def _find_definitions(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.arg(arg=name):
            yield name
        case ast.keyword(arg=str(name)) | ast.Constant(value=str(name)):
            yield name
        case ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.ClassDef(body=body):
            for statement in body:
                yield from _find_targets(statement)


def _find_targets(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
