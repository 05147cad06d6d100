"""Names of Graph's delegated permissions, how they are compared, and what the page says of them."""

from collections.abc import Iterable

GRAPH = "https://graph.microsoft.com/"
SIGN_IN = frozenset({"openid", "profile", "email", "offline_access"})
WORDS = {
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your email address",
    "offline_access": "Maintain access to data you have given it access to",
    "user.read": "Sign you in and read your profile",
    "mail.read": "Read your mail",
    "mail.readbasic": "Read your mail, except for bodies",
    "mail.readwrite": "Read and write access to your mail",
    "mail.send": "Send mail as you",
    "calendars.read": "Read your calendars",
    "calendars.readbasic": "Read basic details of your calendars",
    "calendars.readwrite": "Have full access to your calendars",
    "mailboxsettings.read": "Read your mailbox settings",
    "mailboxsettings.readwrite": "Read and write your mailbox settings",
    "files.readwrite": "Have full access to your files",
    "files.readwrite.appfolder": "Have full access to the application's folder",
    "user.revokesessions.all": "Revoke all sign-in sessions of you",
}
# What Microsoft's default policy lets nobody but an administrator agree to:
# learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
ADMINISTRATORS = ("mail.read", "calendars.", "mailboxsettings.", "files.read.all", "sites.")


def bare(scope: str) -> str:
    """Without Graph's address, in lower case: what two names are compared by."""
    return scope.lower().removeprefix(GRAPH)


def bares(scopes: Iterable[str]) -> frozenset[str]:
    return frozenset(bare(scope) for scope in scopes)


def known(scope: str) -> bool:
    return bare(scope) in WORDS


def is_foreign(scope: str) -> bool:
    """Of another resource: a token is for one only."""
    return "://" in scope and not scope.lower().startswith(GRAPH)


def wants_administrator(scope: str) -> bool:
    return bare(scope).startswith(ADMINISTRATORS)


def shown(scopes: Iterable[str]) -> str:
    """The `scope` of a token answer: `offline_access` never stands in it."""
    return " ".join(scope for scope in scopes if bare(scope) != "offline_access")


def words(scope: str) -> str:
    return WORDS.get(bare(scope), scope)
