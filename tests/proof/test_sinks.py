"""Where plaintext leaves: every sink by name, and the checks that each of them makes."""

from __future__ import annotations

import ast

import pytest

from tests.proof.source import ROOT, Module

FOLDER = "limited_use/sinks/"
#: Every sink, and to whom what it opens goes.
SINKS = {
    "comparison_sink": "nobody: one yes or no",
    "calendar_sink": "the owner, their feature, or a registered user whom a share names",
    "download_sink": "the owner, or a feature of theirs: a file's bytes",
    "drive_sink": "the owner's Drive: a file that they ordered, for that account alone",
    "export_sink": "the owner: a part of their own copy",
    "notification_sink": "the owner's own mailbox, as far as they chose",
    "page_sink": "the owner: a page",
    "provider_sink": "the own provider",
    "json_sink": "the owner, or a feature of theirs: JSON",
    "support_sink": "a person of support: the one item that its owner opened",
    "rekey_sink": "nobody: sealed again under another key",
}
#: What sinks are made of; imported by them alone.
PARTS = {
    "traceback_guard": "scrubs exceptions",
    "sealed_rows": "opens rows",
    "template_values": "holds opened values for a template",
}


def folder():
    return {
        path.stem: Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for path in (ROOT / FOLDER).glob("*.py")
        if path.stem != "__init__"
    }


def functions(module):
    """Return the public functions of a module, with the names of their decorators."""
    return {
        node.name: [ast.unparse(one) for one in node.decorator_list]
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


@pytest.mark.invariant(2)
class TestSinks:
    def test_are_those_that_are_listed_here(self):
        assert set(folder()) == {*SINKS, *PARTS}

    @pytest.mark.parametrize("name", SINKS)
    def test_let_nothing_out_with_an_exception(self, name):
        found = functions(folder()[name])

        assert found
        assert [
            one for one, decorators in found.items() if decorators[:1] != ["guard_plaintext"]
        ] == []

    @pytest.mark.parametrize("name", SINKS)
    def test_look_at_the_permit_before_they_open(self, name):
        # Each refuses a permit that is for something else; what it compares is in its own tests.
        text = ast.unparse(folder()[name].tree)

        assert "WrongSink" in text or "sealed_rows.check_permits(" in text

    def test_would_notice_a_function_that_is_not_scrubbed(self):
        planted = Module(f"{FOLDER}planted.py", "def leak(rows):\n    return rows\n")

        assert functions(planted) == {"leak": []}
