"""Which page is at which path of the authority: `/{tenant}/…`, as at login.microsoftonline.com."""

from collections.abc import Callable

from integrations.sandbox.messages import Answer, Call
from integrations.sandbox.microsoft import adminconsent, consent, metadata, tokens
from integrations.sandbox.microsoft.pages import page
from integrations.sandbox.world import World

Page = Callable[[World, Call, str], Answer]


def _logout(world: World, call: Call, path: str) -> Answer:
    """The browser's own session ends; no token does."""
    del world, call, path
    return page("You signed out of your account", "<p>Close this window.</p>")


PAGES: dict[tuple[str, str], Page] = {
    ("GET", "v2.0/.well-known/openid-configuration"): metadata.openid_configuration,
    ("GET", "discovery/v2.0/keys"): metadata.keys,
    ("GET", "oauth2/v2.0/authorize"): consent.authorize,
    ("POST", "oauth2/v2.0/decision"): consent.decide,
    ("POST", "oauth2/v2.0/token"): tokens.token,
    ("GET", "oauth2/v2.0/logout"): _logout,
    ("GET", "v2.0/adminconsent"): adminconsent.ask,
    ("POST", "v2.0/adminconsent/decision"): adminconsent.decide,
}


def find(method: str, path: str) -> Callable[[World, Call], Answer] | None:
    tenant, _, rest = path.removeprefix("/").partition("/")
    found = PAGES.get((method, rest))
    return (lambda world, call: found(world, call, tenant)) if found and tenant else None
