"""Requested scopes: which features need each, and why none narrower is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.connections.requested_permissions import RequestedScope, list_all_permissions
from limited_use.policy.feature_registry import FEATURES, Feature

from . import narrower_scopes
from .method_scopes import GOOGLE_PREFIX
from .narrower_scopes import NarrowerScope

_GOOGLE: Final = GOOGLE_PREFIX
#: By scope of identity, which lets no API method through: what is missing without it.
IDENTITY_REASONS: Final[Mapping[str, Promise]] = {
    "openid": _(
        "Without it, no signed statement names the connected account, and another person's account"
        " could be slipped into the consent."
    ),
    "email": _(
        "Without it, people with several accounts could not see which one is connected, and a"
        " reconnect could not name the account. It is the narrowest scope with the address."
    ),
    "profile": _(
        "Without it, the signed statement has no object id. The other id of a person differs from"
        " app to app and an address may change, so a renamed account could not be recognised."
    ),
    "offline_access": _(
        "Without it, Microsoft issues no refresh token. Access would end with the first access"
        " token, after about an hour, until the person signs in again."
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
        _GOOGLE + "gmail.compose": "restricted",
        _GOOGLE + "calendar.calendarlist.readonly": "not sensitive",
        _GOOGLE + "calendar.events.readonly": "sensitive",
        _GOOGLE + "calendar.events": "sensitive",
        _GOOGLE + "drive.file": "not sensitive",
    },
    "Microsoft": {
        "openid": _SELF,
        "profile": _SELF,
        "email": _SELF,
        "offline_access": _SELF,
        "Mail.Read": _ADMINISTRATOR,
        "Mail.ReadWrite": _ADMINISTRATOR,
        "Mail.Send": _SELF,
        "MailboxSettings.Read": _ADMINISTRATOR,
        "Calendars.Read": _ADMINISTRATOR,
        "Calendars.ReadWrite": _ADMINISTRATOR,
    },
}


def describe_scopes(_at: datetime) -> Mapping[str, Any]:
    return {"scopes": [_describe_permission(permission) for permission in list_all_permissions()]}


def get_class(permission: RequestedScope) -> str:
    return CLASSES.get(permission.provider, {}).get(permission.scope, "unknown")


def list_features(permission: RequestedScope) -> list[Feature]:
    """Return the features that need the scope; none for a scope of identity."""
    needed = set(permission.capabilities)
    return [
        feature
        for feature in FEATURES.values()
        if feature.capabilities & needed and not feature.platform_client
    ]


def explain_narrower(permission: RequestedScope, narrower: Sequence[NarrowerScope]) -> str:
    """Return in a sentence why no narrower scope is enough, as far as it is computed."""
    if not permission.methods:
        return str(IDENTITY_REASONS.get(permission.scope, ""))
    if not narrower:
        return f"{permission.provider} documents no narrower scope for these methods."
    return " ".join(f"{other.scope} {_explain_one(other)}." for other in narrower)


def _explain_one(narrower: NarrowerScope) -> str:
    lacking = f"lacks {', '.join(narrower.lacking)}" if narrower.lacking else ""
    return " and ".join(filter(None, (str(narrower.limit), lacking)))


def _describe_permission(permission: RequestedScope) -> dict[str, Any]:
    narrower = narrower_scopes.list_narrower_scopes(
        permission.provider, permission.scope, permission.methods
    )
    return {
        "provider": permission.provider,
        "scope": permission.scope,
        "class": get_class(permission),
        "products": list(permission.products),
        "capabilities": list(permission.capabilities),
        "features": [
            {
                "key": feature.key,
                "title": str(feature.title),
                "where": str(feature.where),
                "says": str(feature.says),
            }
            for feature in list_features(permission)
        ],
        "says": str(permission.reason),
        "methods": list(permission.methods),
        "why_not_narrower": explain_narrower(permission, narrower),
        "narrower": [
            {
                "scope": other.scope,
                "lacks": list(other.lacking),
                "limit": str(other.limit),
            }
            for other in narrower
        ],
    }
