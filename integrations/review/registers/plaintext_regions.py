"""
The modules that may handle plaintext of provider data, with their reasons.

`SOURCES` open, fetch or parse plaintext, or describe its shape. Only `REGIONS` may import a
source: a rule of `tests/proof` fails for other importers, and for a region that does not exist or
imports no source. The rule misses a module that receives plaintext as an argument only; the
canary run (`make canary`) shows where plaintext went.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SOURCES: Final[Mapping[str, str]] = {
    "limited_use.vault.opening": "Decrypts sealed values under a permit.",
    "limited_use.sinks": "Open sealed values and render or send them in the same function.",
    "integrations.providers.mail": "Mail as an adapter returns it.",
    "integrations.providers.file_download": "A file on its way from a provider.",
    "integrations.formats.event_content": "An event's times and content.",
    "integrations.providers.calendars": "Calendars and events as an adapter returns them.",
    "integrations.providers.push": "Notifications of a provider, and secrets of subscriptions.",
    "integrations.providers.google": "The adapters of Google.",
    "integrations.providers.microsoft": "The adapters of Microsoft.",
    "integrations.providers.oauth_client": "Requests codes and tokens from a provider.",
    "integrations.providers.id_tokens": "Reads whose account an id_token names.",
    "integrations.providers.token_responses": "Reads the answers of a token endpoint.",
    "integrations.grants.access_tokens": "Access tokens for adapters.",
    "integrations.formats.mime": "Parses and sanitises mail.",
    "integrations.parsers": "Has isolated processes read what strangers wrote.",
    "integrations.formats.icalendar": "Parses and writes calendar files.",
    "integrations.calendar.event_codec": "Converts an event to and from the record that is sealed.",
    "integrations.calendar.events.event_drafts": "Events as their owner typed them.",
}

# Names in these sources without plaintext: types and errors.
HARMLESS: Final = frozenset(
    {
        "limited_use.sinks.sealed_rows.Permits",
        "limited_use.sinks.sealed_rows.SealedRow",
        "integrations.providers.oauth_client.OAuthEndpoints",
        "integrations.formats.icalendar.file_problems.FileProblem",
        "integrations.formats.icalendar.file_problems.UnreadableCalendarFile",
        "integrations.parsers.refusal_counts",
        "integrations.parsers.parser_pool.ParsersBusy",
        "integrations.parsers.parser_pool.ParsersUnavailable",
        "integrations.parsers.parser_process.COMMAND",
    }
)

REGIONS: Final[Mapping[str, str]] = {
    # A reviewer's run of forbidden uses.
    "limited_use.evidence.forbidden_use_run": (
        "Seals canary data of its own, and opens it again under a permitted use, as the control."
    ),
    # Answers and notifications of providers.
    "integrations.providers": "Lists the adapters, and defines the provider's dataclass.",
    "integrations.sync": "Asks the products to fetch and seal, with an access token.",
    "integrations.mail.sync": "Fetches mail, and seals it.",
    "integrations.calendar.sync": "Fetches calendars, and seals them.",
    "integrations.push": "Opens push registrations with secrets, and verifies notifications.",
    "integrations.access.permits": (
        "Asks the guard whether a notification may be matched to a mailbox."
    ),
    # Grants.
    "integrations.connections.callback": "Exchanges a code for tokens, and keeps or revokes them.",
    "integrations.connections.authorize": "Opens the address of the account to reconnect.",
    "integrations.connections.save_grant": "Seals the tokens of a new connection.",
    "integrations.grants.provider_credentials": "Seals the tokens of a grant.",
    "integrations.grants.unsaved_grants": "Keeps a token until it is stored, or revokes it.",
    "integrations.grants.token_refresh": "Opens a refresh token and sends it to its provider.",
    "integrations.purge.grant_revocation": "Opens tokens to revoke them at their provider.",
    "integrations.grants.credential_rekey": (
        "Re-encrypts the tokens of old connections inside the vault's sink."
    ),
    "integrations.tasks.grants": "Has a grant refreshed; receives no token.",
    # Mail, for its owner and for support.
    "integrations.mail.inbox_service": "Passes rows and a shape to the sink of JSON answers.",
    "integrations.mail.api.sending_views": "Takes a message of its owner from a request.",
    "integrations.mail.api.proposal_views": (
        "Takes a proposed draft from a feature's request, and shows proposals to their owner."
    ),
    "integrations.mail.mail_row_types": "Shapes that sinks make of opened messages.",
    "integrations.mail.message_text": "The text of a message, safe to show; made again and sealed.",
    "integrations.mail.sending": (
        "What owners write: checked and sealed, opened for its provider, shown to its owner."
    ),
    "integrations.mail.pages.compose_page": "Shows the form of a message to its owner.",
    "integrations.mail.pages.compose_presenter": "Shapes the form inside the sink of pages.",
    "integrations.mail.pages.outbox_presenter": "Shapes rows of the outbox inside the sink.",
    "integrations.mail.pages.outbox_views": "Pages with the messages of the owner's outbox.",
    "integrations.settings.sending_section": "Shows the owner's signature in the settings.",
    "integrations.mail.pages.remote_search_views": "Pages with a message that is not stored.",
    "integrations.mail.pages.thread_rows": "Makes the rows of the inbox page.",
    "integrations.mail.pages.support_access_views": (
        "The owner's page before they show a message to support."
    ),
    "integrations.mail.pages.views": "Pages with the owner's mail.",
    "integrations.grants.provider_calls": "Opens an adapter while a person waits.",
    "integrations.mail.provider_search": "Shows messages that the provider's search found.",
    "integrations.mail.remote_messages": "Shows a message of the provider that is not stored.",
    "integrations.mail.remote_message_refs": "Seals where a message is at its provider.",
    "integrations.mail.attachments": "Finds a file of a message, and shows the message's text.",
    "integrations.grants.bounded_downloads": "Bounds the size of a file on its way.",
    "integrations.grants.worker_downloads": "Opens a mailbox's file for a worker.",
    "integrations.mail.attachment_source": "Passes an attachment on to the owner's Drive.",
    "integrations.mail.export_source": "Passes the owner's copy of a mailbox on to their Drive.",
    "integrations.mail.file_stream": "Passes a file from the provider to its owner.",
    "integrations.mail.inline_images": "Passes inline images from the provider to the owner.",
    "integrations.mail.mailbox_export": "Writes the owner's copy of their mailbox.",
    "integrations.mail.support_access": "Shows one message to support that its owner opened.",
    "integrations.support.console.item_views": "Support's pages with that message, or an event.",
    "integrations.support.owner_pages.message_choice": (
        "The owner's pages before they show support a message that it asked for."
    ),
    "integrations.support.owner_pages.event_choice": (
        "The owner's pages before they show support an event that it asked for."
    ),
    # Mail that its owner sends.
    "integrations.outbox": "Seals messages and files, and passes them to the owner's provider.",
    # Calendars.
    "integrations.formats.recurrence": "Calculates with the times and recurrence of events.",
    "integrations.calendar.agenda": "Passes rows and a shape to the sink of calendars.",
    "integrations.calendar.free_busy_query": "Busy times of people who share a calendar.",
    "integrations.calendar.calendar_list": "Names of calendars.",
    "integrations.calendar.occurrences": "Expands opened events into occurrences.",
    "integrations.calendar.ics_export": "Writes a calendar as a file for its owner.",
    "integrations.calendar.calendar_source": "Passes a calendar's file on to the owner's Drive.",
    "integrations.calendar.ics_import": "Reads a file that the owner chose, and seals its events.",
    "integrations.calendar.local_event_types": "Events of local calendars, until they are sealed.",
    "integrations.calendar.event_json": "Shapes that sinks make of opened events.",
    "integrations.calendar.event_descriptions": "Safe descriptions, made again and sealed.",
    "integrations.calendar.event_lookup": "Passes one event to the sink of calendars.",
    "integrations.calendar.etags": "Digests of an event's fields, to detect changes.",
    "integrations.calendar.events": "Writes the owner's events at the provider, and seals them.",
    "integrations.calendar.pages.calendar_presenter": "The calendar page.",
    "integrations.calendar.pages.edit_views": "Takes an edited event from its form.",
    "integrations.calendar.pages.event_views": "The page of one event.",
    "integrations.calendar.pages.edit_event_initial": "Fills the form of an event.",
    "integrations.calendar.pages.find_time_views": "The page that finds a time for several people.",
    "integrations.calendar.pages.find_time_form": "The parts of that page.",
    "integrations.calendar.pages.event_form": "The form of an event.",
    "integrations.calendar.pages.move_views": "The page that moves an event.",
    "integrations.calendar.pages.new_views": "The page of a new event.",
    "integrations.calendar.pages.recurrence_text": "Describes how an event repeats.",
    "integrations.calendar.pages.time_text": "Describes when an event is, and its reminders.",
    "integrations.calendar.pages.recurrence_form": "Converts the form's choices to a recurrence.",
    "integrations.calendar.pages.day_presenter": "Makes the days and entries of the calendar page.",
    "integrations.calendar.pages.event_presenter": "The details of one event.",
    "integrations.calendar.pages.attendee_presenter": "The guests of one event.",
    "integrations.calendar.pages.support_event_presenter": "One event, for support.",
    "integrations.calendar.pages.event_choice_presenter": "Events that the owner can choose from.",
    "integrations.calendar.pages.support_access_views": (
        "The owner's page before they show an event to support."
    ),
    "integrations.calendar.pages.views": "Passes calendars to the sink of pages.",
    "integrations.calendar.pages.calendar_file_views": "Sends and takes a calendar's file.",
    "integrations.calendar.pages.cache_settings_views": "Names of calendars in settings.",
    "integrations.calendar.pages.named_calendars": "Names of calendars on pages that end them.",
    "integrations.calendar.pages.local_calendar_page": "The name of a local calendar.",
    "integrations.calendar.pages.sharing_views": "The name of a calendar that is shared.",
    "integrations.calendar.api.calendar_file_views": "Sends and takes a calendar's file.",
    "integrations.calendar.api.event_views": "Takes an event from a request.",
    "integrations.operations.demo_calendars": (
        "The first events of the demo, until they are sealed."
    ),
    # Files in a Drive.
    "integrations.drive.file_list": "Passes rows and a shape to the sink of JSON answers.",
    "integrations.drive.file_transfer": (
        "Opens a file's name, its ids and its upload session for the provider, and seals them."
    ),
    "integrations.drive.folders": "Opens the ids of folders for the provider, and seals them.",
    "integrations.drive.removal": "Opens the id of a file that the provider moves to its trash.",
    "integrations.drive.upload_worker": "Passes other sources on, and ends upload sessions.",
    "integrations.drive.list_export": "Writes the list of the owner's uploads as a file.",
    "integrations.drive.api.views": "Takes names and bytes of files from requests.",
    "integrations.drive.pages.file_presenter": "Shapes rows of the list inside the sink of pages.",
    "integrations.drive.pages.standing_consent_views": (
        "Pages with the name of a standing consent's folder."
    ),
    "integrations.drive.pages.trash_views": "The page before a file goes to the Drive's trash.",
    "integrations.drive.pages.views": "Pages with the owner's files.",
    # Connected accounts, and templates of sinks.
    "integrations.connections.api.views": "The address of the connected account.",
    "integrations.settings.data_use.withdrawal": "The address of an account that would end.",
    "integrations.settings.drive_saves": "Names the type of a calendar's file.",
    "integrations.settings.drive_save_views": (
        "The page before a file goes to another account: its name, and both addresses."
    ),
    "integrations.settings.views": "The address of the connected account.",
    "integrations.web.account_rows": "The address of the account that a page is about.",
    "limited_use.templatetags.reveal": "Prints opened values in a template of a sink.",
}
