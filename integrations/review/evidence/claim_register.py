"""The register of claims, read from templates and code. See `limited_use.policy.claims`."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from limited_use.evidence.evidence_sections import EvidenceBasis, EvidenceSection

from . import code_hashes, test_results

ROOT: Final = Path(__file__).resolve().parents[3]
TEMPLATES: Final = "templates"
_IN_TEMPLATE: Final = re.compile(r'{% claim "([^"]+)" %}(.*?){% endclaim %}', re.DOTALL)
_COMMENT: Final = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}", re.DOTALL)
_VARIABLE: Final = re.compile(r"{{\s*([\w.]+).*?}}")
_TRANSLATE: Final = re.compile(r"""{% translate (["'])(.*?)\1[^%]*%}""", re.DOTALL)
#: Functions that mark a text for translation, as modules import them.
_TRANSLATION_CALLS: Final = frozenset({"_", "gettext", "gettext_lazy"})
_MARKUP: Final = re.compile(r"{%.*?%}|<[^>]*>", re.DOTALL)


class InvalidClaim(Exception):
    """The arguments of a call of `claim` cannot be read from the source code."""


@dataclass(frozen=True, slots=True)
class DataClaim:
    """
    A sentence about data.

    :param sentence: as displayed, with `{name}` for each variable
    :param source: the text in the template or the code
    :param path: relative to the repository
    """

    id: str
    sentence: str
    source: str
    path: str


@cache
def collect_claims() -> tuple[DataClaim, ...]:
    claims = [*_collect_from_templates(), *_collect_from_code()]
    return tuple(sorted(claims, key=lambda claim: (claim.id, claim.path)))


def _collect_from_templates() -> Iterator[DataClaim]:
    for file in sorted((ROOT / TEMPLATES).rglob("*")):
        if file.is_file():
            path = file.relative_to(ROOT).as_posix()
            yield from read_template(file.read_text(encoding="utf-8"), path)


def _collect_from_code() -> Iterator[DataClaim]:
    for path in code_hashes.list_modules():
        source = (ROOT / path).read_text(encoding="utf-8")
        if "import claim" in source:
            yield from read_module(source, path)


def read_template(source: str, path: str) -> Iterator[DataClaim]:
    for claim_id, content in _IN_TEMPLATE.findall(_COMMENT.sub("", source)):
        yield DataClaim(claim_id, read_text(content), " ".join(content.split()), path)


def read_text(content: str) -> str:
    """Return the words of a part of a template, with `{name}` for each variable."""
    words = _MARKUP.sub(" ", _VARIABLE.sub(r"{\1}", read_marked_texts(content)))
    return re.sub(r" ([.,;:)])", r"\1", " ".join(html.unescape(words).split()))


def read_marked_texts(content: str) -> str:
    """Return `content` with the text of each `{% translate %}` in its place."""
    return _TRANSLATE.sub(r"\2", content)


def read_module(source: str, path: str) -> Iterator[DataClaim]:
    """:raises InvalidClaim: if an argument is not a literal"""
    tree = ast.parse(source)
    constants = {
        ast.unparse(target): value
        for node in tree.body
        for target, value in _list_assignments(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "claim":
            try:
                claim_id, sentence = (_read_literal(argument, constants) for argument in node.args)
            except ValueError:
                raise InvalidClaim(
                    f"{path}:{node.lineno}: a claim needs an id and a text"
                ) from None
            yield DataClaim(claim_id, sentence, sentence, path)


def _list_assignments(node: ast.stmt) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [(node.target, node.value)]
    return []


def _read_literal(node: ast.expr, constants: Mapping[str, ast.expr]) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and ast.unparse(node.func) in _TRANSLATION_CALLS:
        (text,) = node.args
        return _read_literal(text, constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        # The values of a marked text: their names stand in the text.
        return _read_literal(node.left, constants)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            f"{{{ast.unparse(part.value)}}}"
            if isinstance(part, ast.FormattedValue)
            else _read_literal(part, constants)
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _read_literal(node.left, constants) + _read_literal(node.right, constants)
    if isinstance(node, ast.Name) and node.id in constants:
        return _read_literal(constants[node.id], {})
    raise ValueError(ast.unparse(node))


def _build_content(_: datetime) -> Mapping[str, Any]:
    results = test_results.load_results()
    return {
        "results": "missing" if results.is_missing else "included",
        "claims": [
            {
                "id": claim.id,
                "sentence": claim.sentence,
                "path": claim.path,
                "tests": dict(results.list_tests("claim", claim.id)),
            }
            for claim in collect_claims()
        ],
    }


SECTION: Final = EvidenceSection(
    key="claims",
    title="Claims",
    says="Each sentence that states a fact about data, and the tests that fail if it is false.",
    basis=EvidenceBasis.TEST,
    content=_build_content,
)
