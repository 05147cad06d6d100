"""
Every text that the provider can deliver, and what this run does about it.

Those of mail and calendars come from Google's own description of the methods that we call; those
of OAuth and OpenID from the lists in their specifications. One that is neither seeded nor
explained is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from googleapiclient.discovery_cache import get_static_doc

from integrations.providers import PROVIDERS
from tests.canaries import drive_fields

# RFC 6749 §5.1, §5.2, and Google's additions; OpenID Connect Core §5.1; RFC 6749 §4.1.2.
TOKEN_ANSWER: Final = (
    "access_token", "refresh_token", "id_token", "scope", "token_type", "error",
    "error_description", "error_uri", "error_subtype",
)  # fmt: skip
CLAIMS: Final = (
    "iss", "azp", "aud", "sub", "nonce", "at_hash", "hd", "name", "given_name", "family_name",
    "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email",
    "gender", "birthdate", "zoneinfo", "locale", "phone_number", "address",
)  # fmt: skip
CALLBACK: Final = ("code", "state", "iss", "scope", "error", "error_description", "authuser", "hd")
ERROR_BODY: Final = (
    "message", "status", "errors.message", "errors.reason", "errors.domain", "errors.location",
    "errors.locationType", "details.@type", "details.reason", "details.domain", "text", "header",
)  # fmt: skip

_NUMBER: Final = "a number, written as text"
_KNOWN: Final = "one of the provider's own words; what is none of them is seeded as another label"
_WITNESSED: Final = "the provider's id; the ones that we sent back are searched for as they were"
_SECRET: Final = "a secret, searched for as it was given out"
_OURS: Final = "ours: it was in our request"
_TIME: Final = "a moment or a day, which is no word"
#: Of the addresses that a person sends from: see `sending`.
SEND_AS: Final = {
    "displayName": "sendername",
    "replyToAddress": "senderreplyto",
    "sendAsEmail": "senderaddress",
    "signature": "sendersignature",
    "verificationStatus": "senderstatus",
}
SMTP_MSA: Final = {
    "host": "senderhost",
    "password": "senderpassword",
    "securityMode": "sendersecurity",
    "username": "senderuser",
}
_UNREAD: Final = "of this answer only the resource's id is read, and that is searched for as it was"

# As `appointment` writes them.
_OF_EVENTS: Final[Mapping[str, str]] = {
    "colorId": "colorid", "creator.displayName": "creatorname", "creator.email": "creator",
    "creator.id": "creatorid", "description": "description", "etag": "etag",
    "eventLabelId": "labelid", "eventType": "type", "extendedProperties.private.*": "privatevalue",
    "extendedProperties.shared.*": "sharedvalue", "gadget.display": "gadgetdisplay",
    "gadget.iconLink": "gadgeticon", "gadget.link": "gadgetlink", "gadget.preferences.*":
    "gadgetvalue", "gadget.title": "gadgettitle", "gadget.type": "gadgettype", "hangoutLink":
    "hangout", "htmlLink": "htmllink", "iCalUID": "uid", "id": "id", "kind": "kind", "location":
    "location", "organizer.displayName": "organizername", "organizer.email": "organizer",
    "organizer.id": "organizerid", "recurrence": "recurrence", "source.title": "sourcetitle",
    "source.url": "sourceurl", "summary": "summary", "transparency": "transparency", "visibility":
    "visibility",
}  # fmt: skip
_OF_LISTS: Final[Mapping[str, str]] = {
    "backgroundColor": "background", "colorId": "colorid", "dataOwner": "owner", "description":
    "description", "etag": "etag", "foregroundColor": "foreground", "kind": "kind", "location":
    "location", "summary": "summary", "summaryOverride": "override", "timeZone": "zone",
}  # fmt: skip
_WITHIN: Final[Mapping[str, str]] = {
    "CalendarNotification.method": "calnotifymethod", "CalendarNotification.type": "calnotifytype",
    "ConferenceData.conferenceId": "evconferenceid", "ConferenceData.notes": "evconferencenotes",
    "ConferenceData.signature": "evsignature", "ConferenceParametersAddOnParameters.parameters.*":
    "evaddonvalue", "ConferenceProperties.allowedConferenceSolutionTypes": "calsolution",
    "ConferenceRequestStatus.statusCode": "evconferencestatus", "ConferenceSolution.iconUri":
    "evsolutionicon", "ConferenceSolution.name": "evsolutionname", "ConferenceSolutionKey.type":
    "evsolutiontype", "CreateConferenceRequest.requestId": "evrequestid", "EntryPoint.accessCode":
    "evaccesscode", "EntryPoint.entryPointFeatures": "eventryfeature", "EntryPoint.entryPointType":
    "eventrytype", "EntryPoint.label": "eventrylabel", "EntryPoint.meetingCode": "evmeetingcode",
    "EntryPoint.passcode": "evpasscode", "EntryPoint.password": "eventrypassword",
    "EntryPoint.pin": "eventrypin", "EntryPoint.regionCode": "evregion", "EntryPoint.uri":
    "eventryuri", "EventAttachment.fileId": "evfileid", "EventAttachment.fileUrl": "evfileurl",
    "EventAttachment.iconLink": "evfileicon", "EventAttachment.mimeType": "evfiletype",
    "EventAttachment.title": "evfiletitle", "EventAttendee.asyncOperation": "evasync",
    "EventAttendee.comment": "evcomment", "EventAttendee.displayName": "evattendeename",
    "EventAttendee.email": "evattendee", "EventAttendee.id": "evattendeeid",
    "EventAttendee.responseStatus": "evresponse", "EventBirthdayProperties.contact": "evcontact",
    "EventBirthdayProperties.customTypeName": "evbirthdayname", "EventBirthdayProperties.type":
    "evbirthdaytype", "EventDateTime.timeZone": "evzone", "EventFocusTimeProperties.chatStatus":
    "evchatstatus", "EventFocusTimeProperties.autoDeclineMode": "evfocusmode",
    "EventFocusTimeProperties.declineMessage": "evfocusmessage",
    "EventOutOfOfficeProperties.autoDeclineMode": "evoutmode",
    "EventOutOfOfficeProperties.declineMessage": "evoutmessage",
    "EventReminder.method": "evremindermethod",
    "EventWorkingLocationProperties.customLocation.label": "evworkinglabel",
    "EventWorkingLocationProperties.officeLocation.buildingId": "evbuilding",
    "EventWorkingLocationProperties.officeLocation.deskId": "evdesk",
    "EventWorkingLocationProperties.officeLocation.floorId": "evfloor",
    "EventWorkingLocationProperties.officeLocation.floorSectionId": "evsection",
    "EventWorkingLocationProperties.officeLocation.label": "evoffice",
    "EventWorkingLocationProperties.type": "evworkingtype",
}  # fmt: skip

#: By field: the word under which its canary was planted. A leading * is any field of that name.
SEEDED: Final[Mapping[str, str]] = {
    "ClassificationLabelFieldValue.fieldId": "classificationfield",
    "ClassificationLabelFieldValue.selection": "classificationselection",
    "ClassificationLabelValue.labelId": "classificationlabel",
    "Message.snippet": "text",
    "Message.labelIds": "labelid",
    "MessagePart.filename": "filename",
    "MessagePart.mimeType": "mimetype",
    "MessagePartHeader.name": "headername",
    "MessagePartHeader.value": "headervalue",
    "MessagePartBody.data": "html",
    "Label.name": "label",
    "LabelColor.backgroundColor": "backgroundcolor",
    "LabelColor.textColor": "textcolor",
    "Profile.emailAddress": "email",
    "Thread.snippet": "text",
    "HistoryLabelAdded.labelIds": "labelid",
    "HistoryLabelRemoved.labelIds": "labelid",
    **{f"Event.{name}": f"ev{word}" for name, word in _OF_EVENTS.items()},
    **{f"CalendarListEntry.{name}": f"cal{word}" for name, word in _OF_LISTS.items()},
    **{
        f"Events.{name}": f"events{name.lower()}"
        for name in ("etag", "kind", "summary", "timeZone", "description", "accessRole")
    },
    **{f"CalendarList.{name}": f"list{name}" for name in ("etag", "kind")},
    **_WITHIN,
    **{f"SendAs.{name}": word for name, word in SEND_AS.items()},
    **{f"SmtpMsa.{name}": word for name, word in SMTP_MSA.items()},
    **{f"claim.{one}": f"claim{one.replace('_', '')}" for one in CLAIMS[7:] if one != "email"},
    "claim.email": "email",
    "claim.hd": "claimhd",
    "token.error": "tokenerror",
    "token.error_description": "tokenerrordescription",
    "token.error_uri": "tokenerroruri",
    "token.error_subtype": "tokenerrorsubtype",
    **{
        f"error.{one}": f"error{one.replace('.', '').replace('@', '').lower()}"
        for one in ERROR_BODY
    },
    **{
        f"callback.{one}": f"callback{one.replace('_', '')}"
        for one in ("error", "error_description", "authuser", "hd")
    },
}

#: Not seeded, and why.
EXPLAINED: Final[Mapping[str, str]] = {
    "History.id": _NUMBER,
    "ListHistoryResponse.historyId": _NUMBER,
    "Message.historyId": _NUMBER,
    "WatchResponse.expiration": _NUMBER,
    "WatchResponse.historyId": _NUMBER,
    "Message.internalDate": _NUMBER,
    "Profile.historyId": _NUMBER,
    "Thread.historyId": _NUMBER,
    "Message.id": _WITNESSED,
    "Message.threadId": _WITNESSED,
    "Thread.id": _WITNESSED,
    "MessagePartBody.attachmentId": _WITNESSED,
    "ListMessagesResponse.nextPageToken": _WITNESSED,
    "ListHistoryResponse.nextPageToken": _WITNESSED,
    "Draft.id": _WITNESSED,
    "ListDraftsResponse.nextPageToken": "not read: the drafts of one mail are on one page",
    "MessagePart.partId": "a position within the message, such as 0.1",
    "Message.raw": "another form of the same message, which none of our calls asks for",
    "Label.id": _KNOWN,
    "Label.type": _KNOWN,
    "Label.labelListVisibility": _KNOWN,
    "Label.messageListVisibility": _KNOWN,
    **dict.fromkeys(
        (
            "Event.created",
            "Event.updated",
            "EventDateTime.date",
            "EventDateTime.dateTime",
            "Events.updated",
        ),
        _TIME,
    ),
    "Event.recurringEventId": _WITNESSED,
    "Event.status": "another than those that there are would be no event",
    "CalendarListEntry.id": _WITNESSED,
    "CalendarListEntry.accessRole": _KNOWN,
    **dict.fromkeys(
        (
            "Events.nextPageToken",
            "Events.nextSyncToken",
            "CalendarList.nextPageToken",
            "CalendarList.nextSyncToken",
        ),
        _WITNESSED,
    ),
    **dict.fromkeys(("Channel.id", "Channel.token", "Channel.address", "Channel.type"), _OURS),
    "Channel.expiration": _NUMBER,
    "Channel.resourceId": _SECRET,
    **dict.fromkeys(("Channel.kind", "Channel.resourceUri", "Channel.params.*"), _UNREAD),
    "token.access_token": _SECRET,
    "token.refresh_token": _SECRET,
    "token.id_token": _SECRET,
    "token.scope": "what is granted is kept in clear, and was asked for by us",
    "token.token_type": "anything but bearer ends the answer's use",
    "claim.iss": "ours, from the settings; another is refused",
    "claim.azp": _OURS,
    "claim.aud": _OURS,
    "claim.nonce": _OURS,
    "claim.at_hash": "a hash of the access token",
    "claim.sub": "searched for as it is: 21 digits",
    "callback.code": _SECRET,
    "callback.state": _OURS,
    "callback.iss": "ours, from the settings; another is refused",
    "callback.scope": _OURS,
}


def _of_drive() -> Iterator[str]:
    """Yield the text fields of Drive's answers: the schemas of two APIs may have one name."""
    for name in _answers("drive", "v3"):
        yield f"Drive.{name}"


def deliverable() -> list[str]:
    """Return every text field of every answer that we ask for."""
    found = dict.fromkeys([*_answers("gmail", "v1"), *_answers("calendar", "v3"), *_of_drive()])
    for kind, names in (
        ("token", TOKEN_ANSWER), ("claim", CLAIMS), ("callback", CALLBACK), ("error", ERROR_BODY),
    ):  # fmt: skip
        found |= dict.fromkeys(f"{kind}.{name}" for name in names)
    return sorted(found)


def seeded() -> dict[str, str]:
    """Return by field the word under which its canary was planted."""
    of_drive = {
        name: drive_fields.word(name.partition(".")[2])
        for name in _of_drive()
        if name not in drive_fields.EXPLAINED
    }
    return {**SEEDED, **of_drive}


def unaccounted() -> list[str]:
    """Return the fields about which nothing is said, and what is said of fields that are none."""
    explained = {**EXPLAINED, **drive_fields.EXPLAINED}
    known, said = set(deliverable()), seeded().keys() | explained.keys()
    twice = seeded().keys() & explained.keys()
    return sorted((known ^ said) | twice)


def _answers(api: str, version: str) -> Iterator[str]:
    document = json.loads(get_static_doc(api, version))
    called = set().union(*(one.methods for one in PROVIDERS["google"].capabilities.values()))
    answers = {
        method["response"]["$ref"]
        for method in _methods(document)
        if method["id"] in called and "response" in method
    }
    seen: set[str] = set()
    waiting = sorted(answers)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield from _texts(name, document["schemas"][name], waiting)


def _texts(name: str, shape: Mapping[str, Any], waiting: list[str]) -> Iterator[str]:
    """Return the text fields of one shape, as those within it; what it refers to has to wait."""
    inside = dict(shape.get("properties", {}))
    if "additionalProperties" in shape:
        inside["*"] = shape["additionalProperties"]
    for field, one in inside.items():
        inner = one.get("items", one)
        if "$ref" in inner:
            waiting.append(inner["$ref"])
        elif inner.get("type") == "string":
            yield f"{name}.{field}"
        elif inner.get("type") == "object":
            yield from _texts(f"{name}.{field}", inner, waiting)


def _methods(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from node.get("methods", {}).values()
    for inner in node.get("resources", {}).values():
        yield from _methods(inner)
