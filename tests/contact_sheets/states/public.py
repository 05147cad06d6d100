"""Pages that need no sign-in."""

from __future__ import annotations

from integrations.web.problem_catalogue import EXPLAINED
from tests.contact_sheets.state import Group

GROUP = Group("public", "Public pages")
PATHS = {
    "home": "/",
    "data-use": "/data-use/",
    "privacy": "/privacy/",
    "disconnect-help": "/disconnect-and-delete/",
    "cookies": "/cookies/",
    "session-replay": "/session-replay/",
    "children": "/children/",
    "accessibility": "/accessibility/",
    "contact": "/contact/",
    "keys": "/keys/",
    "api-reference": "/api/",
    "administrator-thanks": "/connect/administrator/thanks/",
}


@GROUP.states(PATHS)
def page(stage, _, path):
    return stage.visitor.get(path)


@GROUP.states(EXPLAINED)
def problem(stage, code, _):
    return stage.visitor.get(f"/problems/{code}/")
