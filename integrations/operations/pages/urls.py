from django.urls import path

from . import views

urlpatterns = [
    path("operations/", views.show_operations, name="operations"),
    path(
        "operations/alarms/<uuid:alarm_id>/settle/",
        views.settle_alarm,
        name="operations-alarm-settle",
    ),
]
