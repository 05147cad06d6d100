"""Every state in a browser: accessible, no wider than the screen, no error, no foreign request."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.api.conftest import keyring
from tests.contact_sheets import photographs, rendering, sheets
from tests.contact_sheets.options import FOLDER, ONLY
from tests.contact_sheets.stage import set_stage
from tests.contact_sheets.states import STATES
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.usefixtures("requests_act_as_web"),
    pytest.mark.thorough("the contact sheets of every page and state"),
]


def test_every_state_is_accessible_and_fits_its_screen(keyring, tmp_path):
    folder = Path(os.environ.get(FOLDER, tmp_path))
    names = os.environ.get(ONLY, "")
    shutil.rmtree(folder / "states", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with set_stage() as stage:
        states = [state for state in STATES if names in state.name]
        rendered = rendering.render_states(stage, states, has_parts=True)

    problems = rendered.problems + photographs.take_photographs(rendered.pages, folder)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(sheets.write_sheets, rendered.pages, folder, problems).result()

    assert problems == []
