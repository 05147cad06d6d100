"""
`{% site_urls as site %}`: paths of the pages that the head and the foot of every page link to.

They are looked up once per process and URLconf: a look-up of each for every page takes longer than
rendering the links.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, get_urlconf, reverse

register = template.Library()

#: Routes by their names in templates. A site has some of them.
ROUTES: Final[Mapping[str, str]] = {
    "inbox": "inbox",
    "calendar": "calendar",
    "files": "drive-files",
    "settings": "settings-integrations",
    "notices": "settings-notices",
    "switch_organisation": "switch_organisation",
    "profile": "profile",
    "second_factors": "mfa_index",
    "password": "account_change_password",
    "sign_in": "account_login",
    "sign_out": "account_logout",
    "data_use": "data-use",
    "privacy_notice": "privacy-notice",
    "disconnect_help": "disconnect-help",
    "cookies": "cookies",
    "session_replay": "session-replay",
    "children": "children",
    "accessibility": "accessibility",
    "contact": "contact",
    "keys": "keys",
    "api_reference": "api-reference",
    "api_guides": "api-guides",
}


@register.simple_tag
def site_urls() -> Mapping[str, str]:
    """Return the path of each of `ROUTES`, empty if the site does not have it."""
    return _find_urls(get_urlconf() or settings.ROOT_URLCONF)


@cache
def _find_urls(urlconf: str) -> Mapping[str, str]:
    return {name: _find_url(route, urlconf) for name, route in ROUTES.items()}


def _find_url(route: str, urlconf: str) -> str:
    try:
        return reverse(route, urlconf=urlconf)
    except NoReverseMatch:
        return ""
