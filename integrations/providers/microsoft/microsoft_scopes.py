"""
Sources: https://learn.microsoft.com/en-us/graph/permissions-reference,
https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

from typing import Final

from integrations.providers.provider_definition import ProviderCapability, ProviderScope

IDENTITY: Final = (
    ProviderScope("openid", "To know which account you connected"),
    # Adds the claim `oid`.
    ProviderScope("profile", "To recognise that account again, also after its address has changed"),
    ProviderScope("email", "To show you which account is connected"),
    # Adds a refresh token.
    ProviderScope("offline_access", "To stay connected while you are away, until you disconnect"),
)

# A subscription requires a permission to read its resource.
_SUBSCRIPTIONS: Final = frozenset(
    {
        "GET /subscriptions",
        "POST /subscriptions",
        "PATCH /subscriptions/{id}",
        "DELETE /subscriptions/{id}",
    }
)

MAIL_READ: Final = ProviderCapability(
    key="mail.read",
    permissions=(
        ProviderScope(
            "Mail.Read",
            "To read your mail",
            _SUBSCRIPTIONS
            | {
                "GET /me/mailFolders/delta",
                "GET /me/mailFolders/{id}",
                "GET /me/mailFolders/{id}/messages/delta",
                "GET /me/messages",
                "GET /me/messages/{id}",
                "GET /me/messages/{id}/$value",
                "GET /me/messages/{id}/attachments",
                "GET /me/messages/{id}/attachments/{id}/$value",
                # Several of these in one request.
                "POST /$batch",
            },
        ),
        # Messages name their categories; only the settings list the user's own.
        ProviderScope(
            "MailboxSettings.Read",
            "To show your Outlook categories as labels",
            frozenset({"GET /me/outlook/masterCategories"}),
        ),
    ),
)

MAIL_SEND: Final = ProviderCapability(
    key="mail.send",
    permissions=(
        ProviderScope(
            "Mail.ReadWrite",
            "To write the draft of a mail that you send, and to check the outcome",
            frozenset(
                {
                    "GET /me/mailFolders/{id}/messages",
                    "GET /me/messages/{id}",
                    "POST /me/messages",
                    "PATCH /me/messages/{id}",
                    "POST /me/messages/{id}/createReply",
                    "POST /me/messages/{id}/attachments",
                    "POST /me/messages/{id}/attachments/createUploadSession",
                    "POST /me/messages/{id}/permanentDelete",
                }
            ),
        ),
        ProviderScope(
            "Mail.Send",
            "To send a mail when you say so",
            frozenset({"POST /me/messages/{id}/send"}),
        ),
    ),
)

CALENDAR_READ: Final = ProviderCapability(
    key="calendar.read",
    permissions=(
        ProviderScope(
            "Calendars.Read",
            "To read your calendars and their events",
            _SUBSCRIPTIONS
            | {
                "GET /me/calendar",
                "GET /me/calendars",
                "GET /me/calendars/{id}/calendarView/delta",
                "GET /me/events/{id}",
            },
        ),
        # Graph gives calendars no time zone: the mailbox's applies.
        ProviderScope(
            "MailboxSettings.Read",
            "To show your calendars in the time zone of your mailbox",
            frozenset({"GET /me/mailboxSettings"}),
        ),
    ),
)

CALENDAR_WRITE: Final = ProviderCapability(
    key="calendar.write",
    permissions=(
        ProviderScope(
            "Calendars.ReadWrite",
            "To create, change, move, answer or delete an event when you say so",
            frozenset(
                {
                    "GET /me/calendars/{id}/events",
                    "GET /me/calendars/{id}/events/{id}",
                    "GET /me/events/{id}",
                    "GET /me/events/{id}/instances",
                    "POST /me/calendars/{id}/events",
                    "PATCH /me/calendars/{id}/events/{id}",
                    "DELETE /me/calendars/{id}/events/{id}",
                    "POST /me/calendars/{id}/events/{id}/accept",
                    "POST /me/calendars/{id}/events/{id}/decline",
                    "POST /me/calendars/{id}/events/{id}/tentativelyAccept",
                }
            ),
        ),
    ),
)
