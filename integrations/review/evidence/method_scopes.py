"""
Which scopes let each called API method through, as the providers document it.

Google's are those of the discovery documents of Gmail, Google Calendar and Google Drive; a test
compares them.
Microsoft's are those of each method's page. Tests of the adapters compare the methods with the
calls that the adapters make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: The prefix of Google's scopes, which the tables leave out.
GOOGLE_PREFIX: Final = "https://www.googleapis.com/auth/"
_GRAPH_PAGES: Final = "https://learn.microsoft.com/en-us/graph/api/"
#: Where the table of each provider comes from.
SOURCES: Final[Mapping[str, str]] = {
    "Google": "https://developers.google.com/discovery/v1/reference/apis",
    "Microsoft": "https://learn.microsoft.com/en-us/graph/permissions-reference",
}


@dataclass(frozen=True, slots=True)
class MethodScopes:
    """
    :param scopes: each of them is enough; Microsoft's from the least privileged
    :param page: the page that documents it
    """

    scopes: tuple[str, ...]
    page: str


def _google(scopes: str) -> MethodScopes:
    return MethodScopes(tuple(scopes.split()), SOURCES["Google"])


def _microsoft(page: str, scopes: str) -> MethodScopes:
    return MethodScopes(tuple(scopes.split()), _GRAPH_PAGES + page)


_FULL_MAIL: Final = "https://mail.google.com/"
_ADDON_MESSAGE: Final = "gmail.addons.current.message.action gmail.addons.current.message.readonly"
_ADDON_HEADERS: Final = f"{_ADDON_MESSAGE} gmail.addons.current.message.metadata"
_READS_MAIL: Final = f"{_FULL_MAIL} gmail.modify gmail.readonly"
_READS_HEADERS: Final = f"{_READS_MAIL} gmail.metadata"
_WRITES_DRAFTS: Final = (
    f"{_FULL_MAIL} gmail.modify gmail.compose gmail.addons.current.action.compose"
)
_LISTS_CALENDARS: Final = (
    "calendar calendar.calendarlist calendar.calendarlist.readonly calendar.readonly"
)
_MOVES_EVENTS: Final = "calendar calendar.events calendar.events.owned"
_WRITES_EVENTS: Final = f"{_MOVES_EVENTS} calendar.app.created"
_READS_EVENTS: Final = (
    f"{_WRITES_EVENTS} calendar.readonly calendar.events.readonly calendar.events.owned.readonly"
    " calendar.events.public.readonly calendar.events.freebusy"
)
_STOPS_CHANNELS: Final = (
    f"{_READS_EVENTS} calendar.calendarlist calendar.calendarlist.readonly calendar.acls"
    " calendar.acls.readonly calendar.settings calendar.settings.readonly"
)
_CREATES_FILES: Final = "drive drive.appdata drive.file"
_READS_FILES: Final = (
    f"{_CREATES_FILES} drive.meet.readonly drive.metadata drive.metadata.readonly"
    " drive.photos.readonly drive.readonly"
)

_MAIL: Final = "Mail.ReadBasic Mail.Read Mail.ReadWrite"
_BODIES: Final = "Mail.Read Mail.ReadWrite"
_WRITES_MAIL: Final = "Mail.ReadWrite"
_SETTINGS: Final = "MailboxSettings.Read MailboxSettings.ReadWrite"
_EVENTS: Final = "Calendars.ReadBasic Calendars.Read Calendars.ReadWrite"
_WRITES: Final = "Calendars.ReadWrite"
# A subscription takes a permission to read its resource.
_SUBSCRIBED: Final = "Mail.Read Calendars.Read"

GOOGLE_METHODS: Final[Mapping[str, MethodScopes]] = {
    "gmail.users.getProfile": _google(f"{_READS_HEADERS} gmail.compose"),
    "gmail.users.labels.list": _google(f"{_READS_HEADERS} gmail.labels"),
    "gmail.users.messages.list": _google(_READS_HEADERS),
    "gmail.users.messages.get": _google(f"{_READS_HEADERS} {_ADDON_HEADERS}"),
    "gmail.users.messages.attachments.get": _google(f"{_READS_MAIL} {_ADDON_MESSAGE}"),
    "gmail.users.threads.get": _google(f"{_READS_HEADERS} {_ADDON_HEADERS}"),
    "gmail.users.history.list": _google(_READS_HEADERS),
    "gmail.users.watch": _google(_READS_HEADERS),
    "gmail.users.stop": _google(_READS_HEADERS),
    "gmail.users.drafts.create": _google(_WRITES_DRAFTS),
    "gmail.users.drafts.delete": _google(_WRITES_DRAFTS),
    "gmail.users.drafts.get": _google(f"{_READS_MAIL} gmail.compose"),
    "gmail.users.drafts.list": _google(f"{_READS_MAIL} gmail.compose"),
    "gmail.users.drafts.send": _google(_WRITES_DRAFTS),
    "gmail.users.settings.sendAs.list": _google(f"{_READS_MAIL} gmail.settings.basic"),
    "calendar.calendarList.list": _google(_LISTS_CALENDARS),
    "calendar.calendarList.watch": _google(_LISTS_CALENDARS),
    "calendar.channels.stop": _google(_STOPS_CHANNELS),
    "calendar.events.list": _google(_READS_EVENTS),
    "calendar.events.watch": _google(_READS_EVENTS),
    "calendar.events.get": _google(_READS_EVENTS),
    "calendar.events.insert": _google(_WRITES_EVENTS),
    "calendar.events.patch": _google(_WRITES_EVENTS),
    "calendar.events.delete": _google(_WRITES_EVENTS),
    "calendar.events.move": _google(_MOVES_EVENTS),
    "drive.files.create": _google(_CREATES_FILES),
    "drive.files.generateIds": _google(_CREATES_FILES),
    "drive.files.get": _google(_READS_FILES),
    "drive.files.list": _google(_READS_FILES),
    "drive.files.update": _google(f"{_CREATES_FILES} drive.metadata drive.scripts"),
}

MICROSOFT_METHODS: Final[Mapping[str, MethodScopes]] = {
    "GET /me/mailFolders/delta": _microsoft("mailfolder-delta", _MAIL),
    "GET /me/mailFolders/{id}": _microsoft("mailfolder-get", _MAIL),
    "GET /me/mailFolders/{id}/messages/delta": _microsoft("message-delta", _MAIL),
    "GET /me/messages": _microsoft("user-list-messages", _MAIL),
    "GET /me/messages/{id}": _microsoft("message-get", _MAIL),
    # The whole message, body and attachments.
    "GET /me/messages/{id}/$value": _microsoft("message-get", _BODIES),
    "GET /me/messages/{id}/attachments": _microsoft("message-list-attachments", _BODIES),
    "GET /me/messages/{id}/attachments/{id}/$value": _microsoft("attachment-get", _BODIES),
    # Each part takes its own permission; see https://learn.microsoft.com/en-us/graph/json-batching.
    "POST /$batch": _microsoft("../json-batching", _BODIES),
    "GET /me/mailFolders/{id}/messages": _microsoft("mailfolder-list-messages", _MAIL),
    "POST /me/messages": _microsoft("user-post-messages", _WRITES_MAIL),
    "PATCH /me/messages/{id}": _microsoft("message-update", _WRITES_MAIL),
    "POST /me/messages/{id}/createReply": _microsoft("message-createreply", _WRITES_MAIL),
    "POST /me/messages/{id}/attachments": _microsoft("message-post-attachments", _WRITES_MAIL),
    "POST /me/messages/{id}/attachments/createUploadSession": _microsoft(
        "attachment-createuploadsession", _WRITES_MAIL
    ),
    "POST /me/messages/{id}/permanentDelete": _microsoft("message-permanentdelete", _WRITES_MAIL),
    "POST /me/messages/{id}/send": _microsoft("message-send", "Mail.Send"),
    "GET /me/outlook/masterCategories": _microsoft("outlookuser-list-mastercategories", _SETTINGS),
    "GET /me/mailboxSettings": _microsoft("user-get-mailboxsettings", _SETTINGS),
    "GET /me/calendar": _microsoft("calendar-get", _EVENTS),
    "GET /me/calendars": _microsoft("user-list-calendars", _EVENTS),
    "GET /me/calendars/{id}/calendarView/delta": _microsoft("event-delta", _EVENTS),
    "GET /me/calendars/{id}/events": _microsoft("calendar-list-events", _EVENTS),
    "GET /me/calendars/{id}/events/{id}": _microsoft("event-get", _EVENTS),
    "GET /me/events/{id}": _microsoft("event-get", _EVENTS),
    "GET /me/events/{id}/instances": _microsoft("event-list-instances", _EVENTS),
    "POST /me/calendars/{id}/events": _microsoft("calendar-post-events", _WRITES),
    "PATCH /me/calendars/{id}/events/{id}": _microsoft("event-update", _WRITES),
    "DELETE /me/calendars/{id}/events/{id}": _microsoft("event-delete", _WRITES),
    "POST /me/calendars/{id}/events/{id}/accept": _microsoft("event-accept", _WRITES),
    "POST /me/calendars/{id}/events/{id}/decline": _microsoft("event-decline", _WRITES),
    "POST /me/calendars/{id}/events/{id}/tentativelyAccept": _microsoft(
        "event-tentativelyaccept", _WRITES
    ),
    "GET /subscriptions": _microsoft("subscription-list", _SUBSCRIBED),
    "POST /subscriptions": _microsoft("subscription-post-subscriptions", _SUBSCRIBED),
    "PATCH /subscriptions/{id}": _microsoft("subscription-update", _SUBSCRIBED),
    "DELETE /subscriptions/{id}": _microsoft("subscription-delete", _SUBSCRIBED),
}

METHODS: Final[Mapping[str, Mapping[str, MethodScopes]]] = {
    "Google": GOOGLE_METHODS,
    "Microsoft": MICROSOFT_METHODS,
}

#: By API of Google: the number of methods that each of its scopes lets through.
GOOGLE_SCOPE_SIZES: Final[Mapping[str, Mapping[str, int]]] = {
    "gmail": {
        "https://mail.google.com/": 53,
        "gmail.modify": 50,
        "gmail.settings.basic": 37,
        "gmail.readonly": 32,
        "gmail.settings.sharing": 26,
        "gmail.metadata": 10,
        "gmail.compose": 8,
        "gmail.labels": 6,
        "gmail.addons.current.action.compose": 5,
        "gmail.addons.current.message.action": 3,
        "gmail.addons.current.message.readonly": 3,
        "gmail.addons.current.message.metadata": 2,
        "gmail.insert": 2,
        "gmail.send": 1,
    },
    "calendar": {
        "calendar": 38,
        "calendar.app.created": 21,
        "calendar.readonly": 15,
        "calendar.events.owned": 13,
        "calendar.events": 12,
        "calendar.calendarlist": 9,
        "calendar.acls": 8,
        "calendar.calendars": 7,
        "calendar.events.freebusy": 7,
        "calendar.events.owned.readonly": 6,
        "calendar.events.public.readonly": 6,
        "calendar.calendarlist.readonly": 5,
        "calendar.events.readonly": 5,
        "calendar.acls.readonly": 4,
        "calendar.settings": 4,
        "calendar.settings.readonly": 4,
        "calendar.calendars.readonly": 1,
        "calendar.freebusy": 1,
    },
    "drive": {
        "drive": 63,
        "drive.file": 49,
        "drive.readonly": 29,
        "drive.metadata": 26,
        "drive.appdata": 20,
        "drive.meet.readonly": 18,
        "drive.metadata.readonly": 18,
        "drive.photos.readonly": 13,
        "drive.apps.readonly": 2,
        "drive.scripts": 1,
    },
}

#: Permissions of Microsoft Graph for one resource, from the least privileged.
MICROSOFT_FAMILIES: Final[tuple[tuple[str, ...], ...]] = (
    ("Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"),
    ("Mail.Send",),
    ("Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"),
    ("MailboxSettings.Read", "MailboxSettings.ReadWrite"),
)

#: Scopes that let calls through and show or reach less: what a person would miss.
LIMITS: Final[Mapping[str, Promise]] = {
    "gmail.metadata": _("shows headers and labels, but no text and no attachments; refuses search"),
    "gmail.addons.current.message.action": _("works only in a Gmail add-on, on the open message"),
    "gmail.addons.current.message.readonly": _("works only in a Gmail add-on, on the open message"),
    "gmail.addons.current.message.metadata": _("works only in a Gmail add-on, on the open message"),
    "gmail.addons.current.action.compose": _("works only in a Gmail add-on, on the open message"),
    "calendar.events.freebusy": _("shows busy times, but no titles, places, guests or notes"),
    "calendar.events.owned": _("reaches calendars that the person owns, but none shared with them"),
    "calendar.events.owned.readonly": _(
        "reaches calendars that the person owns, but none shared with them"
    ),
    "calendar.events.public.readonly": _("reaches public calendars only"),
    "calendar.app.created": _("reaches calendars that Antares itself created only"),
    "drive.appdata": _("reaches only a hidden folder, whose files the person cannot open"),
    "Mail.ReadBasic": _("shows senders and subjects, but no text and no attachments"),
    "Calendars.ReadBasic": _("shows times and titles, but no notes and no address of a meeting"),
}
