"""The routes of the demo's pages, at either site."""

from __future__ import annotations

from django.urls import path

from config.embedded.demo_site import views

DEMO_ROUTES = [
    path("demo/", views.show_demo, name="demo"),
    path("demo/changes/", views.show_changes, name="demo-changes"),
    path("demo/sign-in/", views.sign_in_as, name="demo-sign-in"),
]
