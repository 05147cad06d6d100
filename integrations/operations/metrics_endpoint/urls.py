from django.urls import path

from . import views

urlpatterns = [path("metrics", views.show_metrics, name="metrics")]
