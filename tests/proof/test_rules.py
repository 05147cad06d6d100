"""What no module of ours does, and that we would notice."""

from __future__ import annotations

import re

import pytest

from .exceptions import RULES
from .source import Module, modules, templates

CONTROLS = {
    "makes code of data": "5.1.3",
    "makes templates of strings": "5.1.4",
    "reaches the network": "5.1.5",
    "declares text safe": "5.1.7",
    "composes SQL": "5.1.8",
    "starts processes or calls C": "5.1.9",
    "starts a shell": "5.1.9",
    "uses predictable randomness or a broken hash": "1.3.3",
}
INVARIANTS = {
    "builds a permit": 2,
    "imports opening": 2,
    "takes keys out of their wrapping": 2,
    "says whose an adapter is": 2,
    "finds modules or models by name": 2,
    "shows models by their fields": 2,
    "gives tasks more than ids": 4,
    "logs text": 4,
    "reaches the network": 4,
    "sends mail of the platform": 4,
    "declares text safe": 12,
}


def bound(name):
    marks = [pytest.mark.control(CONTROLS[name])] if name in CONTROLS else []
    marks += [pytest.mark.invariant(INVARIANTS[name])] if name in INVARIANTS else []
    return pytest.param(name, marks=marks)


def broken(rule, module):
    return [f"{module.path}:{line}" for line in rule.finds(module)]


@pytest.mark.scenario("M4")
def test_no_connected_account_is_reached_by_the_protocols_of_mail():
    spoken = {"smtplib", "imaplib", "poplib", "aiosmtplib", "imapclient"}
    found = [
        one.path for one in modules() for name, _ in one.imports() if name.split(".")[0] in spoken
    ]

    assert found == []


@pytest.mark.parametrize("name", [bound(name) for name in RULES])
class TestNoModule:
    def test_does_it_without_standing_among_the_exceptions(self, name):
        rule = RULES[name]

        found = [
            place
            for module in modules()
            if not module.path.startswith(tuple(rule.allowed))
            for place in broken(rule, module)
        ]

        assert found == [], f"{name}; where that is right, `tests/proof/exceptions.py` says why"

    def test_stands_among_the_exceptions_without_need(self, name):
        rule = RULES[name]

        for place, why in rule.allowed.items():
            used = [broken(rule, one) for one in modules() if one.path.startswith(place)]
            assert any(used), place
            assert why

    def test_could_do_it_unnoticed(self, name):
        rule = RULES[name]

        for code in rule.planted:
            assert broken(rule, Module("integrations/inbox/planted.py", code)), code


@pytest.mark.invariant(2)
class TestImports:
    def test_are_followed_through_relative_ones(self):
        rule = RULES["imports opening"]

        inside = Module("limited_use/vault/planted.py", "from . import opening")
        beside = Module("limited_use/planted.py", "from .vault.opening import batch")
        package = Module("limited_use/ledger/__init__.py", "from ..vault import opening")

        assert all(broken(rule, module) for module in (inside, beside, package))


@pytest.mark.invariant(12)
@pytest.mark.control("5.1.7")
class TestTemplates:
    UNSAFE = re.compile(r"\|\s*safe(seq)?\b|autoescape\s+off|<script(?![^>]*(\bsrc=|json))")

    def test_declare_nothing_safe_and_hold_no_scripts(self):
        # Mails are plain text, and nothing of a provider stands in them.
        pages = [(path, text) for path, text in templates() if path.endswith(".html")]

        assert [path for path, text in pages if self.UNSAFE.search(text)] == []

    @pytest.mark.parametrize(
        "text",
        [
            "{{ subject|safe }}",
            "{{ parts | safeseq }}",
            "{% autoescape off %}",
            "<script>x()</script>",
        ],
    )
    def test_would_be_noticed(self, text):
        assert self.UNSAFE.search(text)
