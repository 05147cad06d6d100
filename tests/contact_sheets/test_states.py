"""Every page and state is listed, and is shown."""

from __future__ import annotations

import os
import time

import pytest

from tests.api.conftest import keyring
from tests.contact_sheets import rendering
from tests.contact_sheets.stage import set_stage
from tests.contact_sheets.states import STATES
from tests.contact_sheets.template_branches import list_templates
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]


def test_all(keyring):
    t = time.process_time()
    only = os.environ.get("ONLY", "")
    import io
    out = io.StringIO()
    with set_stage() as stage:
        print("stage", time.process_time() - t, file=out)
        t = time.process_time()
        r = rendering.render_states(stage, [s for s in STATES if only in s.name], has_parts=False)
        print("rendered", len(r.pages), time.process_time() - t, file=out)
    for p in r.problems:
        print("PROBLEM", p, file=out)
    names = {n for n in list_templates() if n.endswith(".html")}
    for n in sorted(names - r.templates.names):
        print("TEMPLATE", n, file=out)
    for b in r.templates.list_missing_branches(names):
        print("BRANCH", b.template, b.line, b.words, file=out)
    import pathlib
    pathlib.Path("/tmp/w18/sheets-report.txt").write_text(out.getvalue())
