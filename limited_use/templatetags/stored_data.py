"""`{{ feature|stored_data }}`: what a feature stores. See `limited_use.policy.stored_data`."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from limited_use.policy.feature_registry import Feature
from limited_use.policy.stored_data import describe_stored_data

register = template.Library()


@register.filter
def stored_data(feature: Feature) -> str:
    return describe_stored_data(feature, gettext)
