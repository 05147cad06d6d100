"""
Plaintext regions: the modules that may handle plaintext of provider data, each with its reason.

`SOURCES` are the modules that produce plaintext: they open it, fetch it, parse it or describe its
shape. `REGIONS` are the modules and packages that may import a source. A rule of `tests/proof`
fails for any other importer of a source, and for a region that no longer exists or imports none.

The rule reads imports. It does not see a module that only receives plaintext as an argument, such
as a helper of a region. The canary run (`make canary`) shows where plaintext went in a run. Plain
data: the evidence prints this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SOURCES: Final[Mapping[str, str]] = {
    "limited_use.vault.opening": "Decrypts sealed values under a permit.",
    "limited_use.sinks": "Open sealed values and render or send them in the same function.",
    "integrations.providers.base": "Mail as an adapter returns it.",
    "integrations.providers.arriving": "A file on its way from a provider.",
    "integrations.event_shapes": "An event's times and content.",
    "integrations.providers.calendars": "Calendars and events as an adapter returns them.",
    "integrations.providers.pushes": "Notifications of a provider, and secrets of subscriptions.",
    "integrations.providers.google": "The adapters of Google.",
    "integrations.providers.microsoft": "The adapters of Microsoft.",
    "integrations.providers.oauth": "Requests authorization codes and tokens from a provider.",
    "integrations.providers.identity": "Reads whose account an id_token names.",
    "integrations.providers.token_answers": "Reads the answers of a token endpoint.",
    "integrations.tokens": "Access tokens for adapters.",
    "integrations.mime": "Parses and sanitises mail.",
    "integrations.parsers": "Has isolated processes read what strangers wrote.",
    "integrations.icalendars": "Parses and writes calendar files.",
    "integrations.event_records": "Converts an event to and from the record that is sealed.",
    "integrations.calendars.events.drafts": "Events as their owner typed them.",
}

# Names in these sources that are types without content, or errors.
HARMLESS: Final = frozenset(
    {
        "limited_use.sinks.rows.Permits",
        "limited_use.sinks.rows.Row",
        "integrations.providers.oauth.Endpoints",
        "integrations.icalendars.problems.Problem",
        "integrations.icalendars.problems.Unreadable",
        "integrations.parsers.counts",
        "integrations.parsers.pool.Busy",
        "integrations.parsers.pool.CannotRun",
        "integrations.parsers.process.COMMAND",
    }
)

REGIONS: Final[Mapping[str, str]] = {
    # Answers and notifications of providers.
    "integrations.providers": "Lists the adapters, and defines the provider's dataclass.",
    "integrations.parser_process": "Parses in a process without keys, database and network.",
    "integrations.sync": "Fetches mail and calendars, and seals them.",
    "integrations.watches": "Opens push registrations with a token and their own secrets.",
    "integrations.webhooks.google": "Verifies Google's notifications, which name a mailbox.",
    "integrations.webhooks.microsoft": "Verifies Microsoft's notifications.",
    "integrations.permits": "Asks the guard whether a notification may be matched to a mailbox.",
    # Grants.
    "integrations.connections.callback": "Exchanges a code for tokens, and keeps or revokes them.",
    "integrations.connections.starting": "Opens the address of the account to reconnect.",
    "integrations.connections.storing": "Seals the tokens of a new connection.",
    "integrations.credentials": "Seals the tokens of a grant.",
    "integrations.refreshing": "Opens a refresh token and sends it to its provider.",
    "integrations.purge.revocation": "Opens tokens to revoke them at their provider.",
    "integrations.splitting": "Re-encrypts the tokens of old connections inside the vault's sink.",
    "integrations.tasks.grants": "Has a grant refreshed; receives no token.",
    # Mail, for its owner and for support.
    "integrations.inbox.reading": "Passes rows and a shape to the sink of JSON answers.",
    "integrations.inbox.shapes": "Shapes that sinks make of opened messages.",
    "integrations.inbox.shown_text": "The text of a message, safe to show; made again and sealed.",
    "integrations.inbox_pages.elsewhere": "Pages with a message that is not stored.",
    "integrations.inbox_pages.thread_rows": "Makes the rows of the inbox page.",
    "integrations.inbox_pages.support": "The owner's page before they show a message to support.",
    "integrations.inbox_pages.views": "Pages with the owner's mail.",
    "integrations.calling": "Opens an adapter while a person waits.",
    "integrations.searching": "Shows messages that the provider's search found.",
    "integrations.elsewhere": "Shows a message of the provider that is not stored.",
    "integrations.places": "Seals where a message is at its provider.",
    "integrations.attachments": "Finds a file of a message, and shows the message's text.",
    "integrations.file_stream": "Passes a file from the provider to its owner.",
    "integrations.pictures": "Passes inline images from the provider to the owner.",
    "integrations.exports": "Writes the owner's copy of their mailbox.",
    "integrations.support_items": "Shows one message to support that its owner opened.",
    "integrations.console.items": "Support's page with that message.",
    # Calendars.
    "integrations.almanac": "Calculates with the times and recurrence of events.",
    "integrations.calendars.agenda": "Passes rows and a shape to the sink of calendars.",
    "integrations.calendars.busy": "Busy times of people who share a calendar.",
    "integrations.calendars.catalogue": "Names of calendars.",
    "integrations.calendars.expanding": "Expands opened events into occurrences.",
    "integrations.calendars.exporting": "Writes a calendar as a file for its owner.",
    "integrations.calendars.importing": "Reads a file that the owner chose, and seals its events.",
    "integrations.calendars.kept": "Events of local calendars, until they are sealed.",
    "integrations.calendars.shapes": "Shapes that sinks make of opened events.",
    "integrations.calendars.shown_descriptions": "Safe descriptions, made again and sealed.",
    "integrations.calendars.single": "Passes one event to the sink of calendars.",
    "integrations.calendars.versions": "Digests of an event's fields, to detect changes.",
    "integrations.calendars.events": "Writes the owner's events at the provider, and seals them.",
    "integrations.calendar_pages.drawing": "The calendar page.",
    "integrations.calendar_pages.edit_views": "Takes an edited event from its form.",
    "integrations.calendar_pages.event_views": "The page of one event.",
    "integrations.calendar_pages.filling": "Fills the form of an event.",
    "integrations.calendar_pages.find_views": "The page that finds a time for several people.",
    "integrations.calendar_pages.finding": "The parts of that page.",
    "integrations.calendar_pages.forms": "The form of an event.",
    "integrations.calendar_pages.move_views": "The page that moves an event.",
    "integrations.calendar_pages.new_views": "The page of a new event.",
    "integrations.calendar_pages.phrases": "Describes when an event is, and its reminders.",
    "integrations.calendar_pages.repeating": "Converts the form's choices to a recurrence.",
    "integrations.calendar_pages.shown_days": "Makes the days and entries of the calendar page.",
    "integrations.calendar_pages.telling": "The details of one event.",
    "integrations.calendar_pages.views": "Passes calendars to the sink of pages.",
    "integrations.settings_pages.calendar_files": "Sends and takes a calendar's file.",
    "integrations.settings_pages.calendars": "Names of calendars in settings.",
    "integrations.settings_pages.named_calendars": "Names of calendars on pages that end them.",
    "integrations.settings_pages.local_page": "The name of a local calendar.",
    "integrations.settings_pages.sharing": "The name of a calendar that is shared.",
    "integrations.api.calendar_files": "Sends and takes a calendar's file.",
    "integrations.api.events": "Takes an event from a request.",
    "integrations.demo_calendars": "The first events of the demo, until they are sealed.",
    # Connected accounts, and templates of sinks.
    "integrations.api.connections": "The address of the connected account.",
    "integrations.settings_pages.uses.withdrawal": "The address of an account that would end.",
    "integrations.settings_pages.views": "The address of the connected account.",
    "limited_use.templatetags.reveal": "Prints opened values in a template of a sink.",
}
