"""Pages that need no sign-in."""

from __future__ import annotations

from integrations import mail
from integrations.parsers.parser_pool import ParsersBusy
from integrations.urls.api.guides import GUIDES
from integrations.web.problem_catalogue import EXPLAINED
from limited_use.ledger import signing_keys
from limited_use.vault.keyring.keyring_port import SigningKey
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
    "verify": "/verify.html",
    "api-reference": "/api/",
    "api-reference-plain": "/api/plain/",
    "api-guides": "/api/guides/",
    **{f"api-guide-{guide.slug}": f"/api/guides/{guide.slug}/" for guide in GUIDES},
    "administrator-thanks": "/connect/administrator/thanks/",
}


@GROUP.states(PATHS)
def page(stage, _, path):
    return stage.visitor.get(path)


@GROUP.states(EXPLAINED)
def problem(stage, code, _):
    return stage.visitor.get(f"/problems/{code}/")


@GROUP.state()
def home_signed_in(stage):
    return stage.alice.get("/")


@GROUP.state()
def keys_after_rotation(stage):
    for role in SigningKey:
        signing_keys.record_current_key(role, at=stage.at)
        signing_keys.rotate_signing_key(role, at=stage.at)
    return stage.visitor.get("/keys/")


@GROUP.state(status=503)
def problem_that_passes(stage):
    """A page that tries again by itself."""
    stage.patch.setattr(mail, "get_thread_page", _find_no_parser)
    return stage.alice.get("/inbox/")


def _find_no_parser(*_, **__):
    raise ParsersBusy
