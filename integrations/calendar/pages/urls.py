from django.urls import path

from . import edit_views, event_views, find_time_views, move_views, new_views, views

urlpatterns = [
    path("calendar/", views.calendar, name="calendar"),
    path("calendar/coming/", views.coming, name="calendar-coming"),
    path("calendar/look/", views.look_of_it, name="calendar-look"),
    path("calendar/find/", find_time_views.find, name="calendar-find"),
    path("calendar/new/", new_views.new, name="calendar-new"),
    path("calendar/events/<str:event_id>/", event_views.event, name="calendar-event"),
    path("calendar/events/<str:event_id>/answer/", event_views.answer, name="calendar-answer"),
    path("calendar/events/<str:event_id>/edit/", edit_views.edit, name="calendar-edit"),
    path("calendar/events/<str:event_id>/delete/", event_views.delete, name="calendar-delete"),
    path("calendar/events/<str:event_id>/move/", move_views.move, name="calendar-move"),
    path(
        "calendar/events/<str:event_id>/description/",
        event_views.description,
        name="calendar-event-description",
    ),
    path("calendar/calendars/<uuid:calendar_id>/shown/", views.show, name="calendar-show"),
]
