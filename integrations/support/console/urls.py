from __future__ import annotations

from django.urls import path

from . import act_views, item_views

urlpatterns = [
    path("support/items/", item_views.list_items, name="support-items"),
    path("support/items/<uuid:message_id>/", item_views.show_item, name="support-item"),
    path("support/people/<uuid:lookup_id>/act/", act_views.order_act, name="support-act-new"),
    path("support/acts/<uuid:act_id>/", act_views.show_act, name="support-act"),
]
