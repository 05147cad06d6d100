"""The resources of the API, in the order of the reference."""

from __future__ import annotations

from typing import Final

#: Groups of resources, each with their descriptions.
TAG_GROUPS: Final[dict[str, dict[str, str]]] = {
    "Mail": {
        "Messages": "Mail of all connected mailboxes of the person.",
        "Threads": "Conversations in all connected mailboxes. Each conversation is in one mailbox.",
        "Attachments": "Files of messages. Antares fetches them from the provider on request.",
        "Outbox": "Messages that the person sends, and their states. Features never send.",
        "Proposals": "Drafts that platform features propose. The person sends or discards them.",
    },
    "Calendar": {
        "Calendars": "Connected calendars, Antares calendars, and calendars shared by colleagues.",
        "Events": "Events, series and occurrences in all calendars of the person.",
        "Free/busy": "Busy times without details, and times for meetings.",
        "Sharing": "Calendars that the person shares with colleagues, and the reverse.",
    },
    "Drive": {
        "Files": "Files that Antares puts into the person's Drive. Antares reads no other files.",
    },
    "Account": {
        "Connections": "The accounts that the person connected, and how current their data is.",
    },
    "Client": {
        "Delegations": "The people who switched the feature of the client on.",
        "Removals": "What the feature has to delete, and to confirm.",
    },
}
