"""Every text that people read is marked for translation with gettext."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests import unmarked_texts

ROOT = Path(__file__).resolve().parents[1]
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}


def list_message_modules():
    return sorted(
        path
        for package in ("accounts", "integrations", "limited_use")
        for path in (ROOT / package).rglob("*.py")
        if path.stem == "messages" or path.parent.name == "messages"
    )


def find_unmarked_constants(source):
    """Return the sentences of a module that no gettext function marks."""
    tree = ast.parse(source)
    ignored = set()
    for node in ast.walk(tree):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_marked = isinstance(node, ast.Call) and ast.unparse(node.func) in MARKS
        if is_docstring or is_marked or isinstance(node, ast.Raise):
            ignored.update(id(inner) for inner in ast.walk(node))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value.strip()
        and node.value.strip()[0].isupper()
        and id(node) not in ignored
    ]


class TestTemplates:
    @pytest.mark.parametrize("path", unmarked_texts.list_templates(), ids=lambda path: path.name)
    def test_have_no_unmarked_text(self, path):
        assert list(unmarked_texts.find_unmarked_texts(path.read_text(encoding="utf-8"))) == []

    @pytest.mark.parametrize(
        "source",
        [
            "<p>Removed.</p>",
            '<a href="x" title="Open it">{{ name }}</a>',
            "<p>{% translate 'Good' %} and bad</p>",
            "Hello {{ name }},",
            "{% if x %}Yes{% endif %}",
        ],
    )
    def test_are_searched(self, source):
        assert list(unmarked_texts.find_unmarked_texts(source))

    @pytest.mark.parametrize(
        "source",
        [
            '<p title="{% translate "Open it" %}">{% translate "Removed." %} {{ name }}</p>',
            "{% blocktranslate with a=b %}Hello {{ a }}{% plural %}Hi{% endblocktranslate %}",
            "{# Good #}<code>python -m it</code> · Antares",
        ],
    )
    def test_may_have_marked_texts(self, source):
        assert list(unmarked_texts.find_unmarked_texts(source)) == []


class TestMessageModules:
    @pytest.mark.parametrize(
        "path", list_message_modules(), ids=lambda path: str(path.relative_to(ROOT))
    )
    def test_have_no_unmarked_sentence(self, path):
        assert find_unmarked_constants(path.read_text(encoding="utf-8")) == []

    def test_are_searched(self):
        assert find_unmarked_constants('A = "Not marked."\nB = _("Marked.")') == ["Not marked."]
