from django.urls import path

from . import (
    edit_views,
    event_views,
    find_time_views,
    move_views,
    new_views,
    support_access_views,
    views,
)

urlpatterns = [
    path("calendar/", views.show_calendar, name="calendar"),
    path("calendar/coming/", views.show_pending_calendars, name="calendar-coming"),
    path("calendar/look/", views.edit_preferences, name="calendar-look"),
    path("calendar/find/", find_time_views.find_time, name="calendar-find"),
    path("calendar/new/", new_views.new_event, name="calendar-new"),
    path("calendar/events/<str:event_id>/", event_views.show_event, name="calendar-event"),
    path(
        "calendar/events/<str:event_id>/answer/",
        event_views.answer_invitation,
        name="calendar-answer",
    ),
    path("calendar/events/<str:event_id>/edit/", edit_views.edit_event, name="calendar-edit"),
    path(
        "calendar/events/<str:event_id>/delete/", event_views.delete_event, name="calendar-delete"
    ),
    path("calendar/events/<str:event_id>/move/", move_views.move_event, name="calendar-move"),
    path(
        "calendar/events/<str:event_id>/description/",
        event_views.show_description,
        name="calendar-event-description",
    ),
    path(
        "calendar/events/<uuid:event_id>/support/",
        support_access_views.open_event_to_support,
        name="calendar-support",
    ),
    path(
        "calendar/events/<uuid:event_id>/support/close/",
        support_access_views.withdraw_support_access,
        name="calendar-support-close",
    ),
    path(
        "calendar/calendars/<uuid:calendar_id>/shown/", views.toggle_calendar, name="calendar-show"
    ),
]
