"""No module of ours breaks a rule, each exception is needed, and a new offence would be noticed."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.proof.exceptions import RULES
from tests.proof.rules import PROVIDER_BRANCH_IN_TEMPLATE
from tests.proof.source import Module, modules, templates

# The numbers of the design, and the ids of controls, that a rule stands for.
INVARIANTS = {
    "builds a permit": 2,
    "takes a permit that is not recorded": 3,
    "decrypts a record": 2,
    "uses the parts of sinks": 2,
    "imports a source of plaintext": 2,
    "unwraps a key": 2,
    "reads a stored key": 2,
    "says whose an adapter is": 2,
    "finds modules or models by name": 2,
    "gives tasks more than ids": 4,
    "logs text": 4,
    "reaches the network": 4,
    "sends mail of the platform": 4,
}
CONTROLS = {
    "compiles text into code": "5.1.3",
    "makes templates of strings": "5.1.4",
    "reaches the network": "5.1.5",
    "composes SQL": "5.1.8",
}
# Migrations run once, as the owner of the tables, with no data key.
NOT_OF_MIGRATIONS = {"composes SQL", "finds modules or models by name"}


def bound(name):
    marks = [pytest.mark.invariant(INVARIANTS[name])] if name in INVARIANTS else []
    marks += [pytest.mark.control(CONTROLS[name])] if name in CONTROLS else []
    return pytest.param(name, marks=marks)


@cache
def find_offences():
    """Return the path and line of all code that a rule is about, by rule; exceptions included."""
    found = {name: [] for name in RULES}
    for module in modules():
        for name, rule in RULES.items():
            if "/migrations/" in module.path and name in NOT_OF_MIGRATIONS:
                continue
            found[name] += [(module.path, line) for line in rule.finds(module)]
    return found


# One test each: a worker that reads the project once checks every rule.
@pytest.mark.invariant(2, 3, 4)
@pytest.mark.control("5.1.3", "5.1.4", "5.1.5", "5.1.8")
class TestTheProject:
    def test_breaks_no_rule(self):
        found = [
            f"{name}: {path}:{line}"
            for name, offences in find_offences().items()
            for path, line in offences
            if not path.startswith((*RULES[name].allowed, *RULES[name].free))
        ]

        assert found == [], "\n".join(["add an exception to tests/proof/exceptions.py?", *found])

    def test_needs_every_exception(self):
        found = [
            f"{name}: {place}"
            for name, offences in find_offences().items()
            for place in RULES[name].allowed
            if not any(path.startswith(place) for path, _ in offences)
        ]

        assert found == []


class TestRules:
    @pytest.mark.parametrize("name", [bound(name) for name in RULES])
    def test_notice_a_module_that(self, name):
        rule = RULES[name]

        for code in rule.planted:
            assert list(rule.finds(Module("integrations/mail/planted.py", code))), code

    @pytest.mark.parametrize("name", RULES)
    def test_have_a_reason_for_each_exception(self, name):
        assert all(reason for reason in RULES[name].allowed.values())

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("limited_use/vault/planted.py", "from . import opening"),
            ("limited_use/planted.py", "from .vault.opening import batch"),
            ("limited_use/ledger/__init__.py", "from ..vault import opening"),
        ],
    )
    @pytest.mark.invariant(2)
    def test_follow_relative_imports(self, path, code):
        assert list(RULES["imports a source of plaintext"].finds(Module(path, code)))


@pytest.mark.invariant(12)
@pytest.mark.control("5.1.7")
class TestTemplates:
    UNSAFE = re.compile(r"\|\s*safe(seq)?\b|autoescape\s+off|<script(?![^>]*(\bsrc=|json))")

    def test_declare_nothing_safe_and_hold_no_scripts(self):
        # Mails are plain text, and nothing of a provider stands in them.
        pages = [(path, text) for path, text in templates() if path.endswith(".html")]

        assert [path for path, text in pages if self.UNSAFE.search(text)] == []

    def test_ask_nowhere_which_provider_it_is(self):
        found = [path for path, text in templates() if PROVIDER_BRANCH_IN_TEMPLATE.search(text)]

        assert found == []

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
