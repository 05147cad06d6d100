"""Everything of Graph that the sandbox plays, and which scopes each thing needs."""

from integrations.sandbox.microsoft.calendar import delta as calendar_delta
from integrations.sandbox.microsoft.calendar import reading as calendar_reading
from integrations.sandbox.microsoft.calendar import schedules
from integrations.sandbox.microsoft.calendar import writing as calendar_writing
from integrations.sandbox.microsoft.graph import profile, subscriptions
from integrations.sandbox.microsoft.graph.routing import Play, Route
from integrations.sandbox.microsoft.mail import (
    attachments,
    delta,
    folders,
    reading,
    sending,
    writing,
)

READ = "mail.readbasic mail.read mail.readwrite"
CONTENT = "mail.read mail.readwrite"
WRITE = "mail.readwrite"
SEND = "mail.send"
MESSAGE = "me/messages/{message}"
FOLDER = "me/mailFolders/{folder}"
SEES = "calendars.readbasic calendars.read calendars.readwrite"
READS = "calendars.read calendars.readwrite"
PLANS = "calendars.readwrite"
EVENT = "me/events/{event}"
CALENDAR = "me/calendars/{calendar}"
SUBSCRIPTION = "subscriptions/{subscription}"


def _route(name: str, method: str, template: str, scopes: str, play: Play) -> Route:
    return Route(name, method, tuple(template.split("/")), frozenset(scopes.split()), play)


ROUTES = [
    _route("me", "GET", "me", "user.read", profile.me),
    _route("mailboxSettings", "GET", "me/mailboxSettings",
           "mailboxsettings.read mailboxsettings.readwrite", profile.settings),
    _route("masterCategories", "GET", "me/outlook/masterCategories",
           "mailboxsettings.read mailboxsettings.readwrite", profile.categories),
    _route("translate", "POST", "me/translateExchangeIds", READ, profile.translate),
    _route("folders.list", "GET", "me/mailFolders", READ, folders.list_),
    _route("folders.create", "POST", "me/mailFolders", WRITE, folders.make),
    _route("folders.delta", "GET", "me/mailFolders/delta", READ, folders.delta),
    _route("folders.get", "GET", FOLDER, READ, folders.get),
    _route("folders.rename", "PATCH", FOLDER, WRITE, folders.rename),
    _route("folders.move", "POST", f"{FOLDER}/move", WRITE, folders.move),
    _route("folders.delete", "DELETE", FOLDER, WRITE, folders.delete),
    _route("folders.permanentDelete", "POST", f"{FOLDER}/permanentDelete", WRITE,
           folders.delete_for_good),
    _route("folders.children", "GET", f"{FOLDER}/childFolders", READ, folders.list_children),
    _route("folders.create", "POST", f"{FOLDER}/childFolders", WRITE, folders.make),
    _route("messages.list", "GET", "me/messages", READ, reading.list_),
    _route("messages.list", "GET", f"{FOLDER}/messages", READ, reading.list_folder),
    _route("messages.delta", "GET", f"{FOLDER}/messages/delta", READ, delta.messages),
    _route("messages.get", "GET", MESSAGE, READ, reading.get),
    _route("messages.get", "GET", f"{FOLDER}/messages/{{message}}", READ, reading.get),
    _route("messages.mime", "GET", f"{MESSAGE}/$value", CONTENT, reading.mime),
    _route("messages.create", "POST", "me/messages", WRITE, writing.create),
    _route("messages.create", "POST", f"{FOLDER}/messages", WRITE, writing.create),
    _route("messages.patch", "PATCH", MESSAGE, WRITE, writing.patch),
    _route("messages.delete", "DELETE", MESSAGE, WRITE, writing.delete),
    _route("messages.permanentDelete", "POST", f"{MESSAGE}/permanentDelete", WRITE,
           writing.delete_for_good),
    _route("messages.move", "POST", f"{MESSAGE}/move", WRITE, writing.move),
    _route("messages.createReply", "POST", f"{MESSAGE}/createReply", WRITE, writing.create_reply),
    _route("messages.createReplyAll", "POST", f"{MESSAGE}/createReplyAll", WRITE,
           writing.create_reply_all),
    _route("messages.createForward", "POST", f"{MESSAGE}/createForward", WRITE,
           writing.create_forward),
    _route("messages.send", "POST", f"{MESSAGE}/send", SEND, sending.send_draft),
    _route("messages.reply", "POST", f"{MESSAGE}/reply", SEND, sending.reply),
    _route("messages.replyAll", "POST", f"{MESSAGE}/replyAll", SEND, sending.reply_all),
    _route("messages.forward", "POST", f"{MESSAGE}/forward", SEND, sending.forward),
    _route("sendMail", "POST", "me/sendMail", SEND, sending.send_mail),
    _route("attachments.list", "GET", f"{MESSAGE}/attachments", CONTENT, attachments.list_),
    _route("attachments.add", "POST", f"{MESSAGE}/attachments", WRITE, attachments.add),
    _route("attachments.session", "POST", f"{MESSAGE}/attachments/createUploadSession", WRITE,
           attachments.create_session),
    _route("attachments.get", "GET", f"{MESSAGE}/attachments/{{attachment}}", CONTENT,
           attachments.get),
    _route("attachments.content", "GET", f"{MESSAGE}/attachments/{{attachment}}/$value", CONTENT,
           attachments.content),
    _route("attachments.delete", "DELETE", f"{MESSAGE}/attachments/{{attachment}}", WRITE,
           attachments.remove),
    _route("calendars.list", "GET", "me/calendars", SEES, calendar_reading.calendars),
    _route("calendars.get", "GET", CALENDAR, SEES, calendar_reading.calendar),
    _route("calendars.get", "GET", "me/calendar", SEES, calendar_reading.calendar),
    _route("getSchedule", "POST", "me/calendar/getSchedule", SEES, schedules.schedule),
    *(
        route
        for event in (EVENT, f"{CALENDAR}/events/{{event}}")
        for route in (
            _route("events.get", "GET", event, READS, calendar_reading.get),
            _route("events.instances", "GET", f"{event}/instances", READS,
                   calendar_reading.instances),
            _route("events.patch", "PATCH", event, PLANS, calendar_writing.patch),
            _route("events.delete", "DELETE", event, PLANS, calendar_writing.delete),
            _route("events.cancel", "POST", f"{event}/cancel", PLANS, calendar_writing.cancel),
            _route("events.accept", "POST", f"{event}/accept", PLANS, calendar_writing.accept),
            _route("events.decline", "POST", f"{event}/decline", PLANS, calendar_writing.decline),
            _route("events.tentativelyAccept", "POST", f"{event}/tentativelyAccept", PLANS,
                   calendar_writing.tentatively),
        )
    ),
    *(
        route
        for place in ("me", "me/calendar", CALENDAR)
        for route in (
            _route("events.list", "GET", f"{place}/events", READS, calendar_reading.events),
            _route("events.create", "POST", f"{place}/events", PLANS, calendar_writing.create),
            _route("calendarView", "GET", f"{place}/calendarView", READS, calendar_reading.view),
            _route("calendarView.delta", "GET", f"{place}/calendarView/delta", READS,
                   calendar_delta.view),
        )
    ),
    _route("subscriptions.create", "POST", "subscriptions", "", subscriptions.create),
    _route("subscriptions.list", "GET", "subscriptions", "", subscriptions.list_),
    _route("subscriptions.get", "GET", SUBSCRIPTION, "", subscriptions.get),
    _route("subscriptions.renew", "PATCH", SUBSCRIPTION, "", subscriptions.renew),
    _route("subscriptions.delete", "DELETE", SUBSCRIPTION, "", subscriptions.delete),
    _route("subscriptions.reauthorize", "POST", f"{SUBSCRIPTION}/reauthorize", "",
           subscriptions.reauthorize),
]  # fmt: skip
