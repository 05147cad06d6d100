"""
Finds sentences that read like a claim about data but have no claim id.

Reads templates and source code, so a new sentence is found before any page shows it. A word list
cannot know what a sentence means: `tests/unclaimed_exceptions.py` lists the sentences that state
no fact about data, each with the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from integrations.review.evidence import claim_register, code_hashes

#: Words by which a sentence states what happened, happens or cannot happen to data.
WORDS: Final = re.compile(
    r"""\b(
        removed? | removes | deleted? | deletes | destroy(s|ed)? | erase[sd]?
      | kept | keeps? | stor(es?|ed) | retain(s|ed)?
      | nobody | no[ ]one | never | nothing | only[ ]you | you[ ]alone
      | sent | sends | unreadable | encrypted | sealed | signed
      | cannot[ ]be | can[ ]no[ ]longer | any[ ]more | gone | lost
      | revoked? | recorded | on[ ]record | up[ ]to[ ]date | in[ ]step
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_OUTSIDE: Final = re.compile(
    r'{% claim "[^"]+" %}.*?{% endclaim %}|{#.*?#}|{% comment %}.*?{% endcomment %}'
    # What a person chooses is no statement of ours.
    r"|<(script|style|svg|button|label|option|summary|legend|nav|title)\b.*?</\1>"
    r'|<a [^>]*class="button.*?</a>|{% block (title|description) %}.*?{% endblock %}'
    r"|{%.*?%}|<(?!/?(?:strong|em|a|code|bdi|span|time|b|i|abbr)\b)[^>]*>",
    re.DOTALL,
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?:;])\s+")
# An identifier, a path, a pattern or SQL, rather than English.
_NOT_ENGLISH: Final = re.compile(
    r"^[^A-Z{]|^\S+$|\b(SELECT|INSERT|UPDATE|CREATE|ALTER|GRANT|DELETE|REVOKE) |[<>]|/\w+/"
)
# Stands in attributes of a tag.
_ADDRESS: Final = re.compile(r"{%\s*url [^%]*%}")
_LOGGING: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}


class Sentence(NamedTuple):
    path: str
    text: str


def find_unclaimed() -> list[Sentence]:
    """Return every sentence outside a claim that has one of `WORDS`."""
    return [*_find_in_templates(), *_find_in_code()]


def _find_in_templates() -> Iterator[Sentence]:
    for file in sorted((claim_register.ROOT / claim_register.TEMPLATES).rglob("*")):
        if file.is_file():
            path = file.relative_to(claim_register.ROOT).as_posix()
            for text in read_template(file.read_text(encoding="utf-8")):
                yield Sentence(path, text)


def _find_in_code() -> Iterator[Sentence]:
    for path in code_hashes.list_modules():
        for text in read_module((claim_register.ROOT / path).read_text(encoding="utf-8")):
            yield Sentence(path, text)


def read_template(source: str) -> Iterator[str]:
    """Yield the suspicious sentences of a template."""
    marked = claim_register.read_marked_texts(_ADDRESS.sub("", source))
    for part in _OUTSIDE.sub("\n\n", marked).split("\n\n"):
        yield from split(claim_register.read_text(part))


def read_module(source: str) -> Iterator[str]:
    """Yield the suspicious sentences of a module: its texts, not its docstrings or errors."""
    if not WORDS.search(source):
        return
    tree = ast.parse(source)
    ignored = {id(inner) for node in ast.walk(tree) for inner in _list_ignored(node)}
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.JoinedStr):
            ignored.update(id(part) for part in ast.walk(node))
            parts = [p.value if isinstance(p, ast.Constant) else "{…}" for p in node.values]
            yield from _split_english("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _split_english(node.value)


def _list_ignored(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes inside claims, docstrings, raised errors and log lines."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Raise | ast.Assert):
        yield from ast.walk(node)
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        if name == "claim" or name in _LOGGING:
            yield from ast.walk(node)


def _split_english(text: str) -> Iterator[str]:
    if not _NOT_ENGLISH.search(text.strip()):
        yield from split(" ".join(text.split()))


def split(text: str) -> Iterator[str]:
    """Yield the sentences of a text that have one of `WORDS`."""
    for sentence in _SENTENCE_END.split(text):
        if " " in sentence and WORDS.search(sentence):
            yield sentence
