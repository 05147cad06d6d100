from __future__ import annotations

from django.urls import path

from . import support_item_views

urlpatterns = [
    path("support/items/", support_item_views.list_items, name="support-items"),
    path("support/items/<uuid:message_id>/", support_item_views.show_item, name="support-item"),
    path("support/events/<uuid:event_id>/", support_item_views.show_event, name="support-event"),
]
