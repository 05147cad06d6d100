from __future__ import annotations

from django.urls import path

from . import act_views, bulk_views, find_views, item_views, person_views, question_views

urlpatterns = [
    path("support/", find_views.show_console, name="support-console"),
    path("support/people/<uuid:lookup_id>/", person_views.show_person, name="support-person"),
    path(
        "support/people/<uuid:lookup_id>/connections/<uuid:connection_id>/",
        person_views.show_connection,
        name="support-connection",
    ),
    path("support/items/", item_views.list_items, name="support-items"),
    path("support/people/<uuid:lookup_id>/ask/", question_views.ask, name="support-ask"),
    path(
        "support/questions/<uuid:question_id>/",
        question_views.show_question,
        name="support-question",
    ),
    path("support/items/<uuid:message_id>/", item_views.show_item, name="support-item"),
    path("support/events/<uuid:event_id>/", item_views.show_event, name="support-event"),
    path("support/people/<uuid:lookup_id>/act/", act_views.order_act, name="support-act-new"),
    path("support/acts/<uuid:act_id>/", act_views.show_act, name="support-act"),
    path("support/bulk/", bulk_views.list_bulks, name="support-bulks"),
    path("support/bulk/new/", bulk_views.propose, name="support-bulk-new"),
    path("support/bulk/<uuid:bulk_id>/", bulk_views.show_bulk, name="support-bulk"),
    path("support/bulk/<uuid:bulk_id>/approve/", bulk_views.approve, name="support-bulk-approve"),
    path("support/bulk/<uuid:bulk_id>/reject/", bulk_views.reject, name="support-bulk-reject"),
    path("support/bulk/<uuid:bulk_id>/stop/", bulk_views.stop, name="support-bulk-stop"),
    path(
        "support/bulk/<uuid:bulk_id>/receipts.csv",
        bulk_views.download_receipts,
        {"form": "csv"},
        name="support-bulk-csv",
    ),
    path(
        "support/bulk/<uuid:bulk_id>/receipts.json",
        bulk_views.download_receipts,
        {"form": "json"},
        name="support-bulk-json",
    ),
]
