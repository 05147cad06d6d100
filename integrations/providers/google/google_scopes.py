"""
The permissions that Antares requests at Google, with API methods as named in the discovery
documents.
"""

from __future__ import annotations

from typing import Final

from integrations.providers.provider_definition import ProviderCapability, ProviderScope

_AUTH: Final = "https://www.googleapis.com/auth/"

IDENTITY: Final = (
    ProviderScope("openid", "To know which account you connected"),
    ProviderScope("email", "To show you which account is connected"),
)

MAIL_READ: Final = ProviderCapability(
    key="mail.read",
    permissions=(
        ProviderScope(
            _AUTH + "gmail.readonly",
            "To read your mail",
            frozenset(
                {
                    "gmail.users.getProfile",
                    "gmail.users.labels.list",
                    "gmail.users.messages.list",
                    "gmail.users.messages.get",
                    "gmail.users.messages.attachments.get",
                    "gmail.users.threads.get",
                    "gmail.users.history.list",
                    "gmail.users.watch",
                    "gmail.users.stop",
                }
            ),
        ),
    ),
)

MAIL_SEND: Final = ProviderCapability(
    key="mail.send",
    permissions=(
        ProviderScope(
            _AUTH + "gmail.compose",
            "To send a mail when you say so",
            frozenset(
                {
                    "gmail.users.drafts.create",
                    "gmail.users.drafts.delete",
                    "gmail.users.drafts.get",
                    "gmail.users.drafts.list",
                    "gmail.users.drafts.send",
                }
            ),
        ),
        ProviderScope(
            _AUTH + "gmail.readonly",
            "To check the outcome of sending, and to read your addresses and signatures",
            frozenset(
                {
                    "gmail.users.getProfile",
                    "gmail.users.history.list",
                    "gmail.users.messages.get",
                    "gmail.users.messages.list",
                    "gmail.users.settings.sendAs.list",
                }
            ),
        ),
    ),
)

CALENDAR_READ: Final = ProviderCapability(
    key="calendar.read",
    permissions=(
        ProviderScope(
            _AUTH + "calendar.calendarlist.readonly",
            "To read the list of your calendars",
            frozenset(
                {
                    "calendar.calendarList.list",
                    "calendar.calendarList.watch",
                    "calendar.channels.stop",
                }
            ),
        ),
        ProviderScope(
            _AUTH + "calendar.events.readonly",
            "To read the events in your calendars",
            frozenset({"calendar.events.list", "calendar.events.watch", "calendar.channels.stop"}),
        ),
    ),
)

CALENDAR_WRITE: Final = ProviderCapability(
    key="calendar.write",
    permissions=(
        ProviderScope(
            _AUTH + "calendar.events",
            "To create, change, move, answer or delete an event when you say so",
            frozenset(
                {
                    "calendar.events.get",
                    "calendar.events.list",
                    "calendar.events.insert",
                    "calendar.events.patch",
                    "calendar.events.delete",
                    "calendar.events.move",
                }
            ),
        ),
    ),
)

DRIVE_FILE: Final = _AUTH + "drive.file"

DRIVE_UPLOAD: Final = ProviderCapability(
    key="drive.upload",
    permissions=(
        ProviderScope(
            DRIVE_FILE,
            "To put a file into your Drive when you say so, and to check that it arrived",
            frozenset(
                {
                    "drive.files.create",
                    "drive.files.generateIds",
                    "drive.files.get",
                    "drive.files.list",
                    "drive.files.update",
                }
            ),
        ),
    ),
)
