"""
Filters that show moments and days in the reader's zone and format (`accounts.display_times`).

They are built in: templates need no ``{% load %}``. `moment`, `relative` and `day` return a
``<time>`` element with the exact time as its title; `moment_text` and `day_text` return plain text
for mails and attributes. A value is a `datetime`, a `date`, or the ISO 8601 text of a `datetime`;
an empty text for anything else.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django import template
from django.template.loader import render_to_string

from accounts import display_times

register = template.Library()


@register.filter
def moment(value: object) -> str:
    """Return day and time: `29 Nov 2026, 10:00`."""
    at = _parse_moment(value)
    return _make_element(at, display_times.format_moment(at)) if at else ""


@register.filter
def relative(value: object) -> str:
    """Return `5 minutes ago`; the exact time is the title."""
    at = _parse_moment(value)
    return _make_element(at, display_times.format_relative(at)) if at else ""


@register.filter
def day(value: object) -> str:
    at = _parse_moment(value)
    if at is not None:
        return _make_element(at, display_times.format_day(at))
    if isinstance(value, date):
        return _render_element(value.isoformat(), display_times.format_day(value), title="")
    return ""


@register.filter
def moment_text(value: object) -> str:
    at = _parse_moment(value)
    return display_times.format_moment(at) if at else ""


@register.filter
def day_text(value: object) -> str:
    at = _parse_moment(value)
    if at is None and isinstance(value, date):
        return display_times.format_day(value)
    return display_times.format_day(at) if at else ""


def _make_element(at: datetime, text: str) -> str:
    machine_time = at.astimezone(UTC).isoformat(timespec="seconds")
    return _render_element(machine_time, text, title=display_times.format_exact(at))


def _render_element(machine_time: str, text: str, *, title: str) -> str:
    context = {"machine_time": machine_time, "title": title, "text": text}
    return render_to_string("accounts/time.html", context)


def _parse_moment(value: object) -> datetime | None:
    """Return None for anything but a moment with an offset from UTC."""
    if isinstance(value, datetime):
        at = value
    elif isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
    else:
        return None
    return at if at.tzinfo is not None else None
