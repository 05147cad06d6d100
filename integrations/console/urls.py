"""The pages of support."""

from __future__ import annotations

from django.urls import path

from . import items

urlpatterns = [
    path("support/items/", items.items, name="support-items"),
    path("support/items/<uuid:message_id>/", items.item, name="support-item"),
]
