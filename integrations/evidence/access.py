"""What is asked of providers: each permission, the features that need it, and why no less would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from integrations import scopes as asked_scopes
from integrations.endpoints import is_registered
from integrations.providers import PROVIDERS
from integrations.providers.provider import Provider
from limited_use.features import FEATURES

_GOOGLE: Final = "https://www.googleapis.com/auth/"
# Per permission: what of the features would not work with the next narrower one.
NARROWER: Final[Mapping[str, str]] = {
    "openid": (
        "Without it no signed statement says which account was connected, so that another person's"
        " account could be slipped into the consent."
    ),
    "email": (
        "Without it people with several accounts could not see which of them they connected, nor be"
        " led to the same one on a reconnect. It is the narrowest that has the address."
    ),
    "profile": (
        "Without it the signed statement has no object id, and the other id of a person is a"
        " different one in each app: a renamed account could not be told from another."
    ),
    "offline_access": (
        "Without it there is no refresh token, and the connection would be over within the hour."
    ),
    "User.Read": (
        "It is the narrowest by which Graph says which account a token is of; it has no other"
        " person's data."
    ),
    "Mail.Read": (
        "Mail.ReadBasic has no bodies and no attachments: an inbox would show senders and subjects"
        " of mail that nobody can read here. Mail.ReadWrite can do more than read, and nothing here"
        " changes a mailbox."
    ),
    "MailboxSettings.Read": (
        "A message has the names of its categories; which of them are the person's own, to be shown"
        " as labels, only the settings say. There is no narrower permission for them."
    ),
    _GOOGLE + "gmail.readonly": (
        "gmail.metadata has no bodies and no attachments and refuses search: an inbox would show"
        " senders and subjects of mail that nobody can read here. gmail.labels and gmail.send have"
        " no mail at all. gmail.modify can do more than read, and nothing here changes a mailbox."
    ),
}
_CLASSES: Final[Mapping[str, str]] = {
    "openid": "not sensitive",
    "email": "not sensitive",
    _GOOGLE + "gmail.readonly": "restricted",
    # Microsoft has no such classes. What it says is whose consent is enough by its default policy.
    "profile": "the person's own consent",
    "offline_access": "the person's own consent",
    "User.Read": "the person's own consent",
    "Mail.Read": "an administrator's consent, by default",
    "MailboxSettings.Read": "an administrator's consent, by default",
}


def scopes(_: datetime) -> Mapping[str, Any]:
    """Return the table that a reviewer asks for first: of where something can be connected."""
    asked = [one for one in PROVIDERS.values() if one.products and is_registered(one.key)]
    return {"scopes": [row for provider in asked for row in table(provider)]}


def table(provider: Provider) -> Iterator[dict[str, Any]]:
    """Yield a row for each permission that is asked of `provider`."""
    asked = asked_scopes.asked(provider, "mail") if provider.open_mail else frozenset()
    for scope in sorted(asked):
        needing = [one for one in provider.capabilities.values() if scope in one.scopes]
        names = {one.key for one in needing}
        yield {
            "provider": provider.label,
            "scope": scope,
            "class": _CLASSES.get(scope, "unknown"),
            "capabilities": sorted(names),
            "features": [
                {"key": one.key, "title": one.title, "where": one.where, "says": one.says}
                for one in FEATURES.values()
                if one.capabilities & names and not one.platform_client
            ],
            "says": "; ".join(one.says for one in needing) or "Tells which account was connected",
            "methods": sorted({method for one in needing for method in one.methods}),
            "why_not_narrower": NARROWER.get(scope, ""),
        }
