"""Graph's delegated permissions: comparison and descriptions."""

from collections.abc import Iterable

GRAPH = "https://graph.microsoft.com/"
SIGN_IN = frozenset({"openid", "profile", "email", "offline_access"})
DESCRIPTIONS = {
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
# Only administrators by default:
# learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
ADMIN_PREFIXES = ("mail.read", "calendars.", "mailboxsettings.", "files.read.all", "sites.")


def to_bare_scope(scope: str) -> str:
    return scope.lower().removeprefix(GRAPH)


def to_bare_scopes(scopes: Iterable[str]) -> frozenset[str]:
    return frozenset(to_bare_scope(scope) for scope in scopes)


def is_known_scope(scope: str) -> bool:
    return to_bare_scope(scope) in DESCRIPTIONS


def is_foreign_scope(scope: str) -> bool:
    """A token is for one resource only."""
    return "://" in scope and not scope.lower().startswith(GRAPH)


def needs_administrator(scope: str) -> bool:
    return to_bare_scope(scope).startswith(ADMIN_PREFIXES)


def format_scopes(scopes: Iterable[str]) -> str:
    """Never with `offline_access`."""
    return " ".join(scope for scope in scopes if to_bare_scope(scope) != "offline_access")


def describe_scope(scope: str) -> str:
    return DESCRIPTIONS.get(to_bare_scope(scope), scope)
