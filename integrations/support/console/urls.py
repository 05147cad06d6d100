from __future__ import annotations

from django.urls import path

from . import bulk_views, item_views

urlpatterns = [
    path("support/items/", item_views.list_items, name="support-items"),
    path("support/items/<uuid:message_id>/", item_views.show_item, name="support-item"),
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
