"""Requested scopes: which features need each, and why none narrower is enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from integrations.connections.requested_permissions import RequestedScope, list_all_permissions
from limited_use.policy.feature_registry import FEATURES

_GOOGLE: Final = "https://www.googleapis.com/auth/"
#: By scope: what fails with the next narrower one, or without it.
NARROWER: Final[Mapping[str, str]] = {
    "openid": (
        "Without it there is no signed statement of which account was connected, and somebody could"
        " slip another person's account into the consent."
    ),
    "email": (
        "Without it people with several accounts could not see which of them is connected, and a"
        " reconnect could not name the account. It is the narrowest that has the address."
    ),
    "profile": (
        "Without it the signed statement has no object id. The other id of a person differs from"
        " app to app, and an address may change: a renamed account could not be recognised."
    ),
    "offline_access": (
        "Without it Microsoft gives no refresh token. Access would end with the first access token,"
        " after about an hour, and nothing would come in until the person signs in again."
    ),
    "Mail.Read": (
        "Mail.ReadBasic has no bodies and no attachments: an inbox would show senders and subjects"
        " of mail that nobody can read here. Mail.ReadWrite can do more than read, and nothing here"
        " changes a mailbox."
    ),
    "MailboxSettings.Read": (
        "With mail it reads the list of the person's own categories, which are shown as labels."
        " With calendars it reads the mailbox's time zone, because Graph gives a calendar none."
        " Graph has no narrower permission for either; MailboxSettings.ReadWrite could change them."
    ),
    "Calendars.Read": (
        "Calendars.ReadBasic has no bodies: an event would be shown without its notes and without"
        " the address of its online meeting. Calendars.Read.Shared also reads calendars that others"
        " delegated. Graph takes a subscription with a permission to read alone."
    ),
    "Calendars.ReadWrite": (
        "It is the narrowest with which Graph creates, changes and deletes events and answers"
        " invitations. Calendars.ReadWrite.Shared also writes to calendars that others delegated."
    ),
    _GOOGLE + "gmail.readonly": (
        "gmail.metadata has no bodies and no attachments and refuses search: an inbox would show"
        " senders and subjects of mail that nobody can read here. gmail.labels and gmail.send have"
        " no mail at all. gmail.modify can do more than read, and nothing here changes a mailbox."
    ),
    _GOOGLE + "calendar.calendarlist.readonly": (
        "It is the narrowest that lists a person's calendars; without the list nothing says which"
        " there are. calendar.calendarlist could add and remove them, calendar.readonly also reads"
        " sharing rules and settings."
    ),
    _GOOGLE + "calendar.events.readonly": (
        "calendar.events.freebusy shows no titles, places or guests, calendar.events.owned.readonly"
        " no calendar that somebody shared with the person, calendar.events.public.readonly public"
        " calendars only. calendar.events could write as well: a person may refuse that and still"
        " see their calendars."
    ),
    _GOOGLE + "calendar.events": (
        "calendar.events.owned writes to no calendar that somebody shared with the person, and"
        " calendar.app.created to none that the person made. calendar could also share and delete"
        " whole calendars."
    ),
}
_SELF: Final = "the person's own consent"
_ADMINISTRATOR: Final = "an administrator's consent by default"
#: By provider and scope: Google's class. Microsoft has none; its default policy says if the person
#: or an administrator must consent.
CLASSES: Final[Mapping[str, Mapping[str, str]]] = {
    "Google": {
        "openid": "not sensitive",
        "email": "not sensitive",
        _GOOGLE + "gmail.readonly": "restricted",
        _GOOGLE + "calendar.calendarlist.readonly": "not sensitive",
        _GOOGLE + "calendar.events.readonly": "sensitive",
        _GOOGLE + "calendar.events": "sensitive",
    },
    "Microsoft": {
        "openid": _SELF,
        "profile": _SELF,
        "email": _SELF,
        "offline_access": _SELF,
        "Mail.Read": _ADMINISTRATOR,
        "MailboxSettings.Read": _ADMINISTRATOR,
        "Calendars.Read": _ADMINISTRATOR,
        "Calendars.ReadWrite": _ADMINISTRATOR,
    },
}


def describe_scopes(_: datetime) -> Mapping[str, Any]:
    return {"scopes": [_describe_permission(permission) for permission in list_all_permissions()]}


def _describe_permission(permission: RequestedScope) -> dict[str, Any]:
    return {
        "provider": permission.provider,
        "scope": permission.scope,
        "class": CLASSES.get(permission.provider, {}).get(permission.scope, "unknown"),
        "products": list(permission.products),
        "capabilities": list(permission.capabilities),
        "features": _list_features(permission),
        "says": permission.reason,
        "methods": list(permission.methods),
        "why_not_narrower": NARROWER.get(permission.scope, ""),
    }


def _list_features(permission: RequestedScope) -> list[dict[str, str]]:
    needed = set(permission.capabilities)
    return [
        {
            "key": feature.key,
            "title": feature.title,
            "where": feature.where,
            "says": feature.says,
        }
        for feature in FEATURES.values()
        if feature.capabilities & needed and not feature.platform_client
    ]
