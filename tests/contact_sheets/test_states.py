"""Every page and state is on a contact sheet, and can be shown."""

from __future__ import annotations

import pytest

from tests.api.conftest import keyring
from tests.contact_sheets import completeness, rendering
from tests.contact_sheets.stage import set_stage
from tests.contact_sheets.states import STATES
from tests.walls import requests_act_as_web

__all__ = ["keyring", "requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]


def test_every_page_template_and_member_is_in_a_state(keyring):
    """See CONTRIBUTING.md: add a state, or the reason why nobody sees it."""
    with set_stage() as stage:
        rendered = rendering.render_states(stage, STATES, has_parts=False)

    problems = completeness.list_problems(rendered, STATES)
    assert not problems, "\n" + "\n".join(problems)
