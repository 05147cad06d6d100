from django.urls import path

from . import client_views, views

urlpatterns = [
    path("operations/", views.show_operations, name="operations"),
    path(
        "operations/alarms/<uuid:alarm_id>/settle/",
        views.settle_alarm,
        name="operations-alarm-settle",
    ),
    path("operations/clients/", client_views.list_clients, name="operations-clients"),
    path("operations/clients/new/", client_views.choose_feature, name="operations-client-choose"),
    path(
        "operations/clients/new/<slug:key>/",
        client_views.register_client,
        name="operations-client-new",
    ),
    path(
        "operations/clients/changes/<uuid:change_id>/",
        client_views.show_or_approve_change,
        name="operations-client-change",
    ),
    path(
        "operations/clients/<uuid:service_client_id>/",
        client_views.show_client,
        name="operations-client",
    ),
    path(
        "operations/clients/<uuid:service_client_id>/keys/",
        client_views.replace_keys,
        name="operations-client-keys",
    ),
    path(
        "operations/clients/<uuid:service_client_id>/redirects/",
        client_views.replace_redirects,
        name="operations-client-redirects",
    ),
    path(
        "operations/clients/<uuid:service_client_id>/retire/",
        client_views.retire_client,
        name="operations-client-retire",
    ),
]
