from __future__ import annotations

from django.urls import path

from . import act_views, item_views, question_views

urlpatterns = [
    path("support/items/", item_views.list_items, name="support-items"),
    path("support/people/<uuid:lookup_id>/ask/", question_views.ask, name="support-ask"),
    path(
        "support/questions/<uuid:question_id>/",
        question_views.show_question,
        name="support-question",
    ),
    path("support/items/<uuid:message_id>/", item_views.show_item, name="support-item"),
    path("support/people/<uuid:lookup_id>/act/", act_views.order_act, name="support-act-new"),
    path("support/acts/<uuid:act_id>/", act_views.show_act, name="support-act"),
]
