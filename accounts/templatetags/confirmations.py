"""The action that a confirmation page is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from accounts import reauthentication

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


@register.simple_tag(takes_context=True)
def get_confirmed_action(context: dict[str, Any]) -> StrOrPromise:
    """Return an empty text if the page after the confirmation names no action."""
    return reauthentication.find_confirmed_action(context["request"])
