"""
Where plaintext comes from: shapes, annotations and functions that the register begins with. Pure.

What is missing here is not found further on. So a new shape of an adapter's answer, or a new way
for somebody to type or choose what will be sealed, has its line here.
"""

from __future__ import annotations

from typing import Final

from .flow import Origin, Watched

OPENED, ANSWERED, TYPED, GRANTED = Origin
_BASE, _MIME = "integrations.providers.base.", "integrations.mime.message."
_CALENDARS: Final = "integrations.providers.calendars."
_FILES: Final = "integrations.icalendars.components."
_DRAFTS: Final = "integrations.calendars.writing.drafts."
_TYPES: Final = {
    **{_BASE + name: ANSWERED for name in ("RemoteMessage", "RemoteThread", "MailboxProfile")},
    **{_MIME + name: ANSWERED for name in ("ParsedMessage", "Address", "AttachmentPart")},
    "integrations.mime.parts.Part": ANSWERED,
    "integrations.sync.mailbox.Fetched": ANSWERED,
    **{_CALENDARS + name: ANSWERED for name in ("RemoteEvent", "RemoteCalendar", "EventPage")},
    "integrations.attachments.Download": ANSWERED,
    "integrations.providers.pushes.Notice": ANSWERED,
    "integrations.providers.transport.Answer": ANSWERED,
    "integrations.providers.transport.Stream": ANSWERED,
    **{_DRAFTS + name: TYPED for name in ("Draft", "Edit", "Guest")},
    "integrations.calendars.local.About": TYPED,
    **{_FILES + name: TYPED for name in ("Component", "Property")},
    "integrations.icalendars.events.One": TYPED,
    "integrations.connections.callback.Callback": GRANTED,
    "integrations.providers.identity.Identity": GRANTED,
    "integrations.providers.token_answers.TokenSet": GRANTED,
}
_OPENED: Final = {"Opened": OPENED, "sink.Opened": OPENED, "Mapping[str, bytes]": OPENED}
_SOURCES: Final = {
    "limited_use.vault.records.open": OPENED,
    "limited_use.vault.compression.expand": OPENED,
    "limited_use.vault.directory.derive": GRANTED,
    "integrations.sync.run.Run.label_names": ANSWERED,
    "integrations.oauth_state._text": GRANTED,
    "integrations.api.event_writes._checked": TYPED,
    **{
        f"integrations.providers.{name}.calls.prepared": GRANTED for name in ("google", "microsoft")
    },
}
_ENTERED: Final = {
    # The file that an owner's copy is packed into.
    "integrations.archives.Archive.add": OPENED,
    # The sanitiser's library calls it with each attribute.
    "integrations.mime.html._Attributes.__call__": ANSWERED,
    "integrations.mime.raw.parse": ANSWERED,
    "integrations.providers.google.push.notice": ANSWERED,
    "integrations.calendar_pages.forms.EventForm.draft": TYPED,
    # A chosen file.
    "integrations.calendars.importing.take": TYPED,
}
# What a sink returns has left: it is the answer, and whoever passes it on does no more.
_SENT: Final = frozenset(
    f"limited_use.sinks.{name}"
    for name in (
        "response.json_page",
        "response.json_object",
        "page.render",
        "page.document",
        "support.item",
        "export.part",
        "agenda.calendar_json",
        "agenda.calendar_kept",
        "agenda.calendar_page",
        "agenda.calendar_file",
        "agenda.calendar_document",
        "notification.text",
        "download.attachment",
        "download.passing",
    )
)
# When somebody wants to look says nothing of what is there.
_ASKED: Final = frozenset({"integrations.almanac.expansion.window"})
# In clear in our tables as well; see the register of columns.
_IN_CLEAR: Final = (
    "received_at size is_unread is_starred has_attachments position is_inline message_count"
    " expires_at refresh_expires_at granted_scopes status is_success estimate more"
)
_CLEAR: Final = frozenset(_IN_CLEAR.split())
_NAMES: Final = "message_id thread_id cursor refs next_page ref deleted upserted"
_IDS: Final = frozenset(_NAMES.split())

WORDS: Final = Watched(
    types=_TYPES,
    written=_OPENED,
    calls=_SOURCES,
    named={"token": GRANTED},
    entered=_ENTERED,
    clear=_CLEAR | _IDS,
    closed=_SENT | _ASKED | {"limited_use.sinks.provider.text", "limited_use.sinks.provider.texts"},
)
IDS: Final = Watched(
    types={
        **_TYPES,
        **{
            _BASE + name: ANSWERED
            for name in ("MessageRef", "ListPage", "ChangePage", "Relabelled")
        },
    },
    written=_OPENED,
    calls=_SOURCES,
    named={"token": GRANTED},
    entered=_ENTERED,
    clear=_CLEAR,
    closed=_SENT | _ASKED,
)
