"""The pages of support."""

from __future__ import annotations

from django.urls import path

from . import item_views

urlpatterns = [
    path("support/items/", item_views.items, name="support-items"),
    path("support/items/<uuid:message_id>/", item_views.item, name="support-item"),
]
