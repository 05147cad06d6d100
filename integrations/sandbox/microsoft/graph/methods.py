"""Graph's routes and their scopes."""

from integrations.sandbox.microsoft.calendar import event_queries as calendar_reading
from integrations.sandbox.microsoft.calendar import event_writes as calendar_writing
from integrations.sandbox.microsoft.calendar import schedules
from integrations.sandbox.microsoft.calendar import view_delta as calendar_delta
from integrations.sandbox.microsoft.graph import profile, subscriptions
from integrations.sandbox.microsoft.graph.routing import GraphRoute, Handler
from integrations.sandbox.microsoft.mail import (
    attachments,
    folders,
    message_delta,
    message_queries,
    message_writes,
    sending,
)

READ_SCOPES = "mail.readbasic mail.read mail.readwrite"
CONTENT_SCOPES = "mail.read mail.readwrite"
WRITE_SCOPES = "mail.readwrite"
SEND_SCOPES = "mail.send"
MESSAGE = "me/messages/{message}"
FOLDER = "me/mailFolders/{folder}"
CALENDAR_BASIC_SCOPES = "calendars.readbasic calendars.read calendars.readwrite"
CALENDAR_READ_SCOPES = "calendars.read calendars.readwrite"
CALENDAR_WRITE_SCOPES = "calendars.readwrite"
EVENT = "me/events/{event}"
CALENDAR = "me/calendars/{calendar}"
SUBSCRIPTION = "subscriptions/{subscription}"


def _make_route(name: str, method: str, template: str, scopes: str, handler: Handler) -> GraphRoute:
    return GraphRoute(name, method, tuple(template.split("/")), frozenset(scopes.split()), handler)


ROUTES = [
    _make_route("me", "GET", "me", "user.read", profile.get_profile),
    _make_route("mailboxSettings", "GET", "me/mailboxSettings",
           "mailboxsettings.read mailboxsettings.readwrite", profile.get_settings),
    _make_route("masterCategories", "GET", "me/outlook/masterCategories",
           "mailboxsettings.read mailboxsettings.readwrite", profile.list_categories),
    _make_route("translate", "POST", "me/translateExchangeIds", READ_SCOPES, profile.translate_ids),
    _make_route("folders.list", "GET", "me/mailFolders", READ_SCOPES, folders.list_folders),
    _make_route("folders.create", "POST", "me/mailFolders", WRITE_SCOPES, folders.create_folder),
    _make_route("folders.delta", "GET", "me/mailFolders/delta", READ_SCOPES,
                folders.list_folder_changes),
    _make_route("folders.get", "GET", FOLDER, READ_SCOPES, folders.get_folder),
    _make_route("folders.rename", "PATCH", FOLDER, WRITE_SCOPES, folders.rename_folder),
    _make_route("folders.move", "POST", f"{FOLDER}/move", WRITE_SCOPES, folders.move_folder),
    _make_route("folders.delete", "DELETE", FOLDER, WRITE_SCOPES, folders.delete_folder),
    _make_route("folders.permanentDelete", "POST", f"{FOLDER}/permanentDelete", WRITE_SCOPES,
           folders.delete_for_good),
    _make_route("folders.children", "GET", f"{FOLDER}/childFolders", READ_SCOPES,
                folders.list_children),
    _make_route("folders.create", "POST", f"{FOLDER}/childFolders", WRITE_SCOPES,
                folders.create_folder),
    _make_route("messages.list", "GET", "me/messages", READ_SCOPES, message_queries.list_messages),
    _make_route("messages.list", "GET", f"{FOLDER}/messages", READ_SCOPES,
                message_queries.list_folder_messages),
    _make_route("messages.delta", "GET", f"{FOLDER}/messages/delta", READ_SCOPES,
                message_delta.list_changes),
    _make_route("messages.get", "GET", MESSAGE, READ_SCOPES, message_queries.get_message),
    _make_route("messages.get", "GET", f"{FOLDER}/messages/{{message}}", READ_SCOPES,
                message_queries.get_message),
    _make_route("messages.mime", "GET", f"{MESSAGE}/$value", CONTENT_SCOPES,
                message_queries.get_mime),
    _make_route("messages.create", "POST", "me/messages", WRITE_SCOPES,
                message_writes.create_message),
    _make_route("messages.create", "POST", f"{FOLDER}/messages", WRITE_SCOPES,
                message_writes.create_message),
    _make_route("messages.patch", "PATCH", MESSAGE, WRITE_SCOPES, message_writes.patch_message),
    _make_route("messages.delete", "DELETE", MESSAGE, WRITE_SCOPES, message_writes.delete_message),
    _make_route("messages.permanentDelete", "POST", f"{MESSAGE}/permanentDelete", WRITE_SCOPES,
           message_writes.delete_message_for_good),
    _make_route("messages.move", "POST", f"{MESSAGE}/move", WRITE_SCOPES,
                message_writes.move_message),
    _make_route("messages.createReply", "POST", f"{MESSAGE}/createReply", WRITE_SCOPES,
                message_writes.create_reply),
    _make_route("messages.createReplyAll", "POST", f"{MESSAGE}/createReplyAll", WRITE_SCOPES,
           message_writes.create_reply_all),
    _make_route("messages.createForward", "POST", f"{MESSAGE}/createForward", WRITE_SCOPES,
           message_writes.create_forward),
    _make_route("messages.send", "POST", f"{MESSAGE}/send", SEND_SCOPES, sending.send_draft),
    _make_route("messages.reply", "POST", f"{MESSAGE}/reply", SEND_SCOPES, sending.send_reply),
    _make_route("messages.replyAll", "POST", f"{MESSAGE}/replyAll", SEND_SCOPES,
                sending.send_reply_to_all),
    _make_route("messages.forward", "POST", f"{MESSAGE}/forward", SEND_SCOPES,
                sending.send_forward),
    _make_route("sendMail", "POST", "me/sendMail", SEND_SCOPES, sending.send_mail),
    _make_route("attachments.list", "GET", f"{MESSAGE}/attachments", CONTENT_SCOPES,
                attachments.list_attachments),
    _make_route("attachments.add", "POST", f"{MESSAGE}/attachments", WRITE_SCOPES,
                attachments.add_attachment),
    _make_route("attachments.session", "POST", f"{MESSAGE}/attachments/createUploadSession",
                WRITE_SCOPES,
           attachments.create_session),
    _make_route("attachments.get", "GET", f"{MESSAGE}/attachments/{{attachment}}", CONTENT_SCOPES,
           attachments.get_attachment),
    _make_route("attachments.content", "GET", f"{MESSAGE}/attachments/{{attachment}}/$value",
                CONTENT_SCOPES,
           attachments.get_content),
    _make_route("attachments.delete", "DELETE", f"{MESSAGE}/attachments/{{attachment}}",
                WRITE_SCOPES,
           attachments.remove_attachment),
    _make_route("calendars.list", "GET", "me/calendars", CALENDAR_BASIC_SCOPES,
                calendar_reading.list_calendars),
    _make_route("calendars.get", "GET", CALENDAR, CALENDAR_BASIC_SCOPES,
                calendar_reading.get_calendar),
    _make_route("calendars.get", "GET", "me/calendar", CALENDAR_BASIC_SCOPES,
                calendar_reading.get_calendar),
    _make_route("getSchedule", "POST", "me/calendar/getSchedule", CALENDAR_BASIC_SCOPES,
                schedules.get_schedule),
    *(
        route
        for event in (EVENT, f"{CALENDAR}/events/{{event}}")
        for route in (
            _make_route("events.get", "GET", event, CALENDAR_READ_SCOPES,
                        calendar_reading.get_event),
            _make_route("events.instances", "GET", f"{event}/instances", CALENDAR_READ_SCOPES,
                   calendar_reading.list_instances),
            _make_route("events.patch", "PATCH", event, CALENDAR_WRITE_SCOPES,
                        calendar_writing.patch_event),
            _make_route("events.delete", "DELETE", event, CALENDAR_WRITE_SCOPES,
                        calendar_writing.delete_event),
            _make_route("events.cancel", "POST", f"{event}/cancel", CALENDAR_WRITE_SCOPES,
                        calendar_writing.cancel_event),
            _make_route("events.accept", "POST", f"{event}/accept", CALENDAR_WRITE_SCOPES,
                        calendar_writing.accept_event),
            _make_route("events.decline", "POST", f"{event}/decline", CALENDAR_WRITE_SCOPES,
                        calendar_writing.decline_event),
            _make_route("events.tentativelyAccept", "POST", f"{event}/tentativelyAccept",
                        CALENDAR_WRITE_SCOPES,
                   calendar_writing.accept_tentatively),
        )
    ),
    *(
        route
        for place in ("me", "me/calendar", CALENDAR)
        for route in (
            _make_route("events.list", "GET", f"{place}/events", CALENDAR_READ_SCOPES,
                        calendar_reading.list_events),
            _make_route("events.create", "POST", f"{place}/events", CALENDAR_WRITE_SCOPES,
                        calendar_writing.create_event),
            _make_route("calendarView", "GET", f"{place}/calendarView", CALENDAR_READ_SCOPES,
                        calendar_reading.list_view),
            _make_route("calendarView.delta", "GET", f"{place}/calendarView/delta",
                        CALENDAR_READ_SCOPES,
                   calendar_delta.list_view_changes),
        )
    ),
    _make_route("subscriptions.create", "POST", "subscriptions", "",
                subscriptions.create_subscription),
    _make_route("subscriptions.list", "GET", "subscriptions", "", subscriptions.list_subscriptions),
    _make_route("subscriptions.get", "GET", SUBSCRIPTION, "", subscriptions.get_subscription),
    _make_route("subscriptions.renew", "PATCH", SUBSCRIPTION, "", subscriptions.renew_subscription),
    _make_route("subscriptions.delete", "DELETE", SUBSCRIPTION, "",
                subscriptions.delete_subscription),
    _make_route("subscriptions.reauthorize", "POST", f"{SUBSCRIPTION}/reauthorize", "",
           subscriptions.reauthorize_subscription),
]  # fmt: skip
