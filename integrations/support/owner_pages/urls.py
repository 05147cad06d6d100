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
    path(
        f"{_QUESTION}messages/<uuid:message_id>/",
        question_views.answer_with_message,
        name="settings-support-answer",
    ),
    path(
        f"{_QUESTION}events/<uuid:event_id>/",
        question_views.answer_with_event,
        name="settings-support-answer-event",
    ),
    path(_QUESTION, question_views.show_question, name="settings-support-question"),
]
