"""Filters for mail pages. The template escapes their output."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from accounts import display_times

register = template.Library()
_TONES = 8
_UNKNOWN_SENDER = _("Unknown sender")


def _parse_time(value: object) -> datetime | None:
    """Return None for anything but a moment with an offset from UTC."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


@register.filter
def who(address: Mapping[str, str] | str | None) -> str:
    """Return a correspondent's name, or else the address."""
    if not isinstance(address, Mapping):
        return str(_UNKNOWN_SENDER)
    return address.get("name") or address.get("email") or str(_UNKNOWN_SENDER)


@register.filter
def address(person: Mapping[str, str] | str | None) -> str:
    """Return an empty text if `who` shows the address."""
    if not isinstance(person, Mapping) or not person.get("name"):
        return ""
    return person.get("email") or ""


@register.filter
def names_another_address(person: Mapping[str, Any] | str | None) -> bool:
    """Return whether a correspondent's name contains a different address."""
    return isinstance(person, Mapping) and bool(person.get("names_another_address"))


@register.filter
def initials(address: Mapping[str, str] | str | None) -> str:
    """Return up to two letters."""
    words = who(address).replace(".", " ").split()
    letters = [word[0] for word in words if word[0].isalnum()]
    return "".join(letters[:2]).upper() or "?"


@register.filter
def tone(address: Mapping[str, str] | str | None) -> str:
    """Return the CSS class of an avatar's colour, constant per address."""
    email = address.get("email", "") if isinstance(address, Mapping) else ""
    return f"tone-{zlib.crc32(email.lower().encode()) % _TONES}"


@register.filter
def short_time(value: object, now: datetime) -> str:
    """Return the time of today's moments and the day of others, for a list."""
    at = _parse_time(value)
    return display_times.format_short_time(at, now=now) if at else ""


@register.filter
def exact_time(value: object) -> str:
    """Return the moment with weekday, seconds and zone, for a title."""
    at = _parse_time(value)
    return display_times.format_exact(at) if at else ""


@register.filter
def duration(seconds: int) -> str:
    """Use the largest fitting unit."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{round(seconds / length)} {unit}"
    return f"{seconds} s"
