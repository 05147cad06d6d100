"""Pages of `/{tenant}/…`, as at login.microsoftonline.com."""

from collections.abc import Callable

from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.microsoft import admin_consent, consent, metadata, tokens
from integrations.sandbox.microsoft.html_pages import render_page
from integrations.sandbox.state import SandboxState

Page = Callable[[SandboxState, HttpCall, str], HttpAnswer]


def _show_logout_page(state: SandboxState, call: HttpCall, path: str) -> HttpAnswer:
    """No token ends."""
    del state, call, path
    return render_page("You signed out of your account", "<p>Close this window.</p>")


PAGES: dict[tuple[str, str], Page] = {
    ("GET", "v2.0/.well-known/openid-configuration"): metadata.show_openid_configuration,
    ("GET", "discovery/v2.0/keys"): metadata.show_keys,
    ("GET", "oauth2/v2.0/authorize"): consent.show_consent_page,
    ("POST", "oauth2/v2.0/decision"): consent.handle_decision,
    ("POST", "oauth2/v2.0/token"): tokens.answer_token_request,
    ("GET", "oauth2/v2.0/logout"): _show_logout_page,
    ("GET", "v2.0/adminconsent"): admin_consent.show_admin_consent_page,
    ("POST", "v2.0/adminconsent/decision"): admin_consent.handle_admin_decision,
}


def find_page(method: str, path: str) -> Callable[[SandboxState, HttpCall], HttpAnswer] | None:
    tenant, _, rest = path.removeprefix("/").partition("/")
    handler = PAGES.get((method, rest))
    return (lambda state, call: handler(state, call, tenant)) if handler and tenant else None
