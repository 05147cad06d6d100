from django.urls import path

from integrations.urls import landing_views

from . import ledger_pages, receipt_links, views

urlpatterns = [
    path("", views.show_home, name="home"),
    path("start/", landing_views.show_landing, name="landing"),
    path("robots.txt", views.show_robots, name="robots"),
    path("data-use/", views.show_data_use, name="data-use"),
    path("keys/", views.show_keys, name="keys"),
    path("connect/administrator/thanks/", views.show_thanks, name="administrator-thanks"),
    path("ledger/checkpoint", ledger_pages.show_checkpoint, name="ledger-checkpoint"),
    path("ledger/consistency", ledger_pages.show_consistency_proof, name="ledger-consistency"),
    path("receipts/<slug:token>/", receipt_links.show_receipt, name="receipt-link"),
    path(
        "receipts/<slug:token>/receipt.json",
        receipt_links.download_first_part,
        name="receipt-link-part-1",
    ),
    path(
        "receipts/<slug:token>/receipt-part-2.json",
        receipt_links.download_second_part,
        name="receipt-link-part-2",
    ),
    path("problems/<slug:code>/", views.show_problem, name="problem"),
]
