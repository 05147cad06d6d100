"""The page on which a platform feature asks to be switched on."""

from __future__ import annotations

from urllib.parse import urlencode

from accounts.models import ServiceClient
from accounts.oauth.authorization import LinkProblem
from tests.api import cast
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("authorize", "A feature asks to be switched on")
CALLBACK = "https://widget.example/callback"

_BROKEN_LINKS = {
    LinkProblem.CLIENT_MISSING: {"client_id": ""},
    LinkProblem.CLIENT_UNKNOWN: {"client_id": "unknown"},
    LinkProblem.REDIRECT_MISSING: {"redirect_uri": ""},
    LinkProblem.REDIRECT_UNKNOWN: {"redirect_uri": "https://other.example/"},
    LinkProblem.STATE_TOO_LONG: {"state": "x" * 1025},
}


def _build_address(**changed):
    cast.widget()
    ServiceClient.objects.filter(client_id="inbox-widget").update(redirect_uris=[CALLBACK])
    parameters = {
        "response_type": "code",
        "client_id": "inbox-widget",
        "redirect_uri": CALLBACK,
        "scope": "purpose:inbox.display",
        "state": "of-the-widget",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    return f"/oauth/authorize?{urlencode(parameters | changed)}"


@GROUP.state()
def question(stage):
    return stage.alice.get(_build_address())


@GROUP.state()
def question_without_agreement(stage):
    return stage.alice.post(_build_address(), {"decision": "allow"})


@GROUP.state()
def question_once_it_is_on(stage):
    cast.switch_on(stage.mail, cast.widget())
    return stage.alice.get(_build_address())


@GROUP.state()
def question_after_a_change(stage):
    cast.switch_on(stage.mail, cast.widget())
    rows.reword(stage, "inbox-widget")
    return stage.alice.get(_build_address())


@GROUP.states(_BROKEN_LINKS, status=400)
def broken_link(stage, _, changed):
    return stage.alice.get(_build_address(**changed))
