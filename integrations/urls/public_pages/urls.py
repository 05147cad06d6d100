from django.urls import path

from . import ledger, receipt_links, views

urlpatterns = [
    path("", views.home, name="home"),
    path("robots.txt", views.robots, name="robots"),
    path("data-use/", views.data_use, name="data-use"),
    path("keys/", views.keys, name="keys"),
    path("connect/administrator/thanks/", views.thanks, name="administrator-thanks"),
    path("ledger/checkpoint", ledger.checkpoint, name="ledger-checkpoint"),
    path("ledger/consistency", ledger.consistency, name="ledger-consistency"),
    path("receipts/<slug:token>/", receipt_links.receipt, name="receipt-link"),
    path(
        "receipts/<slug:token>/receipt.json", receipt_links.first_part, name="receipt-link-part-1"
    ),
    path(
        "receipts/<slug:token>/receipt-part-2.json",
        receipt_links.second_part,
        name="receipt-link-part-2",
    ),
    path("problems/<slug:code>/", views.problem, name="problem"),
]
