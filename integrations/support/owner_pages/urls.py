from __future__ import annotations

from django.urls import path

from . import question_views, views

_QUESTION = "settings/support/questions/<uuid:question_id>/"

urlpatterns = [
    path("settings/support/", views.show_support, name="settings-support"),
    path(
        "settings/support/items/<uuid:consent_id>/stop/",
        views.stop_sharing,
        name="settings-support-stop",
    ),
    path(_QUESTION, question_views.show_question, name="settings-support-question"),
    path(
        f"{_QUESTION}messages/<uuid:message_id>/",
        question_views.answer_question,
        name="settings-support-answer",
    ),
]
