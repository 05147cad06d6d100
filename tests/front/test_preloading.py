"""A web process has loaded what it needs before its first request, and its collector leaves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from config.embedded.embedded_service import ROOT

# `config.asgi` is what granian loads. `gc.get_objects` has what is not frozen.
PROGRAM = """
import gc, json
import config.asgi
left = len(gc.get_objects())
from django.template import engines
from django.urls import get_resolver
[loader] = engines["django"].engine.template_loaders
print(json.dumps({
    "left": left,
    "is_collecting": gc.isenabled(),
    "thresholds": gc.get_threshold(),
    "templates": list(loader.get_template_cache),
    "names": get_resolver()._populated,
}))
"""


@pytest.fixture(scope="module")
def loaded():
    """Return what a web process has when it begins to serve."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        # Its heart would write an alarm into the database of these tests.
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "postgresql://localhost:1/none",
        },
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)


class TestPreloadedWebProcess:
    def test_leaves_nothing_that_was_loaded_to_the_collector(self, loaded):
        # Views and templates are tens of thousands.
        assert loaded["left"] < 500

    def test_collects_what_requests_leave_in_short_turns(self, loaded):
        assert loaded["is_collecting"]
        new_objects, *_ = loaded["thresholds"]
        # Half a millisecond; a worker's 20,000 take longer than a request.
        assert new_objects <= 2_000

    def test_has_compiled_the_addresses(self, loaded):
        assert loaded["names"]

    def test_has_compiled_its_templates(self, loaded):
        ours = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("*/templates/**/*.html")]

        missing = [
            path
            for path in ours
            if not any(str(path).endswith(name) for name in loaded["templates"])
        ]
        assert len(ours) > 50
        assert missing == []
