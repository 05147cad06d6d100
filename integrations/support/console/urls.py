from __future__ import annotations

from django.urls import path

from . import item_views

urlpatterns = [
    path("support/items/", item_views.list_items, name="support-items"),
    path("support/items/<uuid:message_id>/", item_views.show_item, name="support-item"),
    path("support/events/<uuid:event_id>/", item_views.show_event, name="support-event"),
]
