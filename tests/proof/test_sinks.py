"""Where plaintext leaves: every sink by name, and nothing beside them that opens."""

from __future__ import annotations

import ast

import pytest

from .source import Module, modules

FOLDER = "limited_use/sinks/"
#: Every sink, and to whom what it opens goes.
SINKS = {
    "agenda": "the owner, a feature of theirs, or a registered user whom a share names: calendars",
    "download": "the owner, or a feature of theirs: a file's bytes",
    "export": "the owner: a part of their own copy",
    "notification": "the owner's own mailbox, as far as they chose",
    "page": "the owner: a page",
    "provider": "the own provider",
    "response": "the owner, or a feature of theirs: JSON",
    "support": "a person of support: the one item that its owner opened",
    "vault": "nobody: sealed again under another key",
}
#: What sinks are made of; imported by them alone.
PARTS = {"region": "scrubs exceptions", "rows": "opens rows", "showing": "holds what a page shows"}
# What of the parts anybody may have: types, and what a caller catches.
OPEN_NAMES = {
    "region": {"SinkFailed", "WrongSink"},
    "rows": {"Row", "Permits"},
    "showing": {"Shown", "Shape", "StillHeld"},
}
# The tag by which a page's template shows what its sink opened.
BESIDE = {"limited_use/templatetags/reveal.py"}


def folder():
    return {
        one.path.removeprefix(FOLDER).removesuffix(".py"): one
        for one in modules()
        if one.path.startswith(FOLDER) and not one.path.endswith("__init__.py")
    }


def functions(module):
    """Return the public functions of a module, with the names of their decorators."""
    return {
        node.name: [ast.unparse(one) for one in node.decorator_list]
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def reaches_inside(module):
    """Yield the lines on which a module outside uses what only sinks may."""
    for name, line in module.imports():
        for part, allowed in OPEN_NAMES.items():
            prefix = f"limited_use.sinks.{part}"
            if name == prefix or (
                name.startswith(f"{prefix}.") and name.removeprefix(f"{prefix}.") not in allowed
            ):
                yield f"{module.path}:{line}"


@pytest.mark.invariant(2)
class TestSinks:
    def test_are_those_that_are_listed_here(self):
        assert set(folder()) == {*SINKS, *PARTS}

    @pytest.mark.parametrize("name", SINKS)
    def test_let_nothing_out_with_an_exception(self, name):
        found = functions(folder()[name])

        assert found
        assert [one for one, decorators in found.items() if decorators[:1] != ["region"]] == []

    @pytest.mark.parametrize("name", SINKS)
    def test_look_at_the_permit_before_they_open(self, name):
        # Each refuses a permit that is for something else; what it compares is in its own tests.
        text = ast.unparse(folder()[name].tree)

        assert "WrongSink" in text or "sealed_rows.check(" in text

    def test_open_by_parts_that_nobody_else_imports(self):
        outside = [
            one for one in modules() if not one.path.startswith(FOLDER) and one.path not in BESIDE
        ]

        assert [place for one in outside for place in reaches_inside(one)] == []

    @pytest.mark.parametrize(
        "code",
        [
            "from limited_use.sinks.rows import opened",
            "from limited_use.sinks import rows",
            "import limited_use.sinks.rows as r",
            "from limited_use.sinks.showing import Showing",
            "from limited_use.sinks.showing import Shown, rendered",
            "from limited_use.sinks.region import region",
        ],
    )
    def test_would_notice_who_does(self, code):
        assert list(reaches_inside(Module("integrations/inbox/planted.py", code)))

    def test_would_notice_a_function_that_is_not_scrubbed(self):
        planted = Module(f"{FOLDER}planted.py", "def leak(rows):\n    return rows\n")

        assert functions(planted) == {"leak": []}
