"""
Sentences that `tests.unclaimed` finds and that have no claim id, each with the reason.

A new sentence gets an id and a test. It belongs here only if it states no fact about data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

#: Files, or folders, that show people nothing or whose sentences are bound in another way.
OTHER_FILES: Final[Mapping[str, str]] = {
    "limited_use/policy/clauses/": "quotes of documents, each bound to tests by its clause id",
    "limited_use/policy/rules/": "texts of rules: enforced by the policy, tested by clause",
    "integrations/review/registers/": (
        "a register for developers, compared with the code by its own tests"
    ),
    "integrations/review/evidence/": (
        "evidence for reviewers, compared with the code by its own tests"
    ),
    "limited_use/evidence/": "evidence for reviewers, compared with the code by its own tests",
    "integrations/management/": "what a command prints for operators",
    "limited_use/management/": "what a command prints for operators",
    "limited_use/checks.py": "what a check prints for operators",
    "config/": "what operators read",
    "integrations/operations/metrics.py": "the meaning of a figure for operators",
    "limited_use/notifications/message_kinds.py": "the reason of a kind of mail, for reviewers",
    "integrations/operations/alarm_guide.py": "the next step of an operator",
}

#: Reason → file → sentences that state no fact about data.
NO_CLAIM: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "says why a permission is asked for; tests/review/test_scope_table.py compares the lists": {
        "integrations/providers/google/google_scopes.py": [
            "To create, change, move, answer or delete an event when you say so",
        ],
        "integrations/providers/microsoft/microsoft_scopes.py": [
            "To create, change, move, answer or delete an event when you say so",
        ],
    },
    "asks, or names an action": {
        "templates/settings/local_calendars_remove.html": [
            "Remove all of your Antares calendars?",
            "· Remove only this one",
        ],
    },
    "names how long a feature keeps data, from its declaration": {
        "templates/review/policy.html": [
            "until it is removed",
        ],
    },
    "explains an error or a refusal to its caller": {
        "templates/404.html": [
            "There is nothing here",
        ],
        "templates/inbox/attachment_failed.html": [
            "This attachment cannot be had now",
        ],
        "templates/inbox/elsewhere.html": [
            "This message cannot be had now",
        ],
        "limited_use/ledger/ledger_audit.py": [
            "it was never placed there",
        ],
        "limited_use/policy/refusal_text.py": [
            "It is not connected any more.",
            "The account is not connected any more.",
            "Nothing of that name is yours.",
            "Nothing of it is being removed.",
            "Its key is not there any more.",
            "Nothing of that name is shared with you.",
        ],
        "integrations/calendar/pages/write_messages.py": [
            "That calendar is not there any more.",
            "You are not free then, or nobody can tell just now.",
            "Its series does not happen at that time any more.",
            "Nobody invited you to it:",
            "there is nothing to answer.",
        ],
        "integrations/calendar/events/event_validation.py": [
            "There are characters in it that cannot be shown.",
            "The name of number {…} is too long, or cannot be shown.",
        ],
        "integrations/calendar/events/local_edits.py": [
            "Nobody can be invited from a calendar that is kept here:",
        ],
        "integrations/mail/mail_row_types.py": [
            "This message does not open here any more.",
        ],
        "integrations/mail/pages/error_pages.py": [
            "the message was deleted there.",
        ],
        "integrations/mail/remote_message_refs.py": [
            "it was deleted there.",
            "It cannot be read here.",
        ],
        "integrations/web/problem_catalogue.py": [
            "There is nothing here.",
            "Nobody is signed in.",
            "That cannot be done at the moment.",
            "Nothing is connected here.",
            "There is nothing of that name.",
            "Remove one first.",
            "remove some, or begin another one.",
            "This file cannot be read.",
            "This does not open here any more.",
            "Nothing can be opened now.",
            "This item cannot be read.",
        ],
    },
    "names a state that the page reads from the rows it shows": {
        "templates/calendar/calendar.html": [
            "Nothing in these {it.days} days",
            "{c.unreadable} event{c.unreadable} cannot be read.",
        ],
        "templates/calendar/delete.html": [
            "This event is not there any more",
        ],
        "templates/calendar/edit.html": [
            "This event is not there any more",
        ],
        "templates/calendar/event.html": [
            ", kept here",
            "This event is not there any more",
        ],
        "templates/calendar/event_not_shown.html": [
            "This event cannot be read",
            "This event cannot be shown now",
        ],
        "templates/calendar/find.html": [
            "Nobody can tell when there is time for:",
        ],
        "templates/calendar/move.html": [
            "another one that is kept here",
            "This event is not there any more",
        ],
        "templates/console/items.html": [
            "Nothing is open",
        ],
        "templates/inbox/search.html": [
            "Nothing older was found.",
            "Nothing was found.",
        ],
        "templates/inbox/_people.html": [
            "nobody named",
        ],
        "templates/inbox/threads.html": [
            "Nothing here",
        ],
        "templates/review/refusals.html": [
            "Nothing was refused",
        ],
        "templates/settings/integrations.html": [
            "Which addresses these are cannot be shown now.",
            "(its address cannot be shown now)",
            "Nothing is connected",
        ],
        "templates/settings/uses.html": [
            "Nothing of that kind",
            "Nothing yet",
            "Removed on {job.fenced_at} UTC",
        ],
        "integrations/calendar/pages/calendar_presenter.py": [
            "Kept here",
        ],
        "integrations/settings/data_use/activity_log.py": [
            "{…}, removed",
        ],
        "integrations/settings/data_use/feature_status.py": [
            "Uses nothing of yours",
        ],
        "integrations/settings/status_messages.py": [
            "Not up to date.",
            "Being removed",
            "Stored in Antares",
        ],
    },
    "an instruction, a heading, a name or a choice": {
        "templates/503.html": [
            "If you sent a form, look first whether it was done, then send it again.",
        ],
        "templates/settings/feature_withdraw.html": [
            "You remove each on its own page.",
        ],
        "templates/calendar/calendar.html": [
            "Look at the provider for {it.unreadable}.",
        ],
        "templates/calendar/look.html": [
            "events keep their own.",
        ],
        "templates/notices/receipt_ready.txt": [
            "Your signed receipt:",
        ],
        "templates/notices/reconnect_last.txt": [
            "Reconnect the account to keep the data:",
        ],
        "templates/public/_receipt_details.html": [
            "Wrapping key destroyed",
        ],
        "integrations/purge/messages/receipt.py": [
            "Copies of the key store",
            "Key to encrypted copies",
            "Key to encrypted copies of Antares calendars",
        ],
        "integrations/purge/messages/verifier.py": [
            "Destroyed keys",
            "Signed by key",
            "Wrapping key destroyed",
        ],
        "templates/public/data_use.html": [
            "How to disconnect and delete",
            "The page says what will be removed.",
            "When everything is gone, download the receipt.",
            "You can also remove access at the provider at any time:",
        ],
        "templates/public/keys.html": [
            "Check them with all keys that signed them:",
            "Keep a copy of these keys, so that you do not depend on this page.",
            (
                "Keep the newest checkpoint from time to time, and the proof that the ledger "
                "still contains an earlier one."
            ),
        ],
        "templates/public/receipt.html": [
            "Keep the link to yourself, and keep the files.",
        ],
        "templates/review/clause.html": [
            "Without it these permit nothing:",
            "What keeps it makes none:",
        ],
        "templates/review/clauses.html": [
            "Kept by",
        ],
        "templates/review/entry.html": [
            "That this entry stands in the signed ledger, at this place, as a C2SP tlog-proof:",
            "the exact bytes of the entry, its path through the tree, and the signed checkpoint.",
        ],
        "templates/review/evidence.html": [
            "One signed file with everything:",
        ],
        "templates/settings/administrator.html": [
            (
                "In many organisations {offer.label} lets nobody but an administrator agree to "
                "apps like this one."
            ),
        ],
        "templates/settings/calendars.html": [
            "How long a copy may be kept",
        ],
        "templates/settings/calendars_erase.html": [
            "Delete cached calendar data now?",
        ],
        "templates/settings/connect.html": [
            "There you allow all of it or nothing.",
            (
                "Where your organisation decides about apps, {offer.label} sends you to your "
                "administrator first."
            ),
        ],
        "templates/settings/export.html": [
            "Keep it where nobody else does.",
        ],
        "templates/settings/integrations.html": [
            "what nobody may do;",
            "Removed, and receipts",
        ],
        "templates/settings/local_calendar.html": [
            "Remove it",
        ],
        "templates/settings/local_calendar_remove.html": [
            "Remove “",
        ],
        "templates/settings/uses.html": [
            "What nobody may",
        ],
        "limited_use/policy/feature_registry.py": [
            "Calendar, when you write, change, answer or delete an event",
            "Gives you a copy of your mail that is kept here.",
        ],
        "integrations/calendar/pages/calendar_file_views.py": [
            "Left out, because it is not kept here:",
        ],
        "integrations/calendar/pages/local_calendar_views.py": [
            "remove one first.",
        ],
        "integrations/calendar/pages/sharing_views.py": [
            "When I am busy, and nothing else",
        ],
        "integrations/settings/status_messages.py": [
            "We keep trying.",
            "You need to do nothing.",
            "We keep trying to check for news.",
        ],
    },
    "a step of a removal that lies ahead": {
        "integrations/notifications/messages.py": [
            "Check that nothing is left",
            "Delete all of the data",
            "Destroy all keys to the data",
            "Destroy the access tokens",
            "Keep the access at %(provider)s for %(others)s",
            "Keep the access tokens for %(others)s",
        ],
        "templates/settings/_purge.html": [
            "Being removed",
        ],
    },
    "says what a proof does not show": {
        "integrations/purge/messages/verifier.py": [
            "keys that came with a receipt prove nothing.",
            "The check proves what Antares recorded and checked.",
            "Nobody can prove that no copy exists anywhere.",
        ],
        "templates/settings/_purge.html": [
            "A receipt proves what Antares recorded and checked.",
            "Nobody can prove that no copy exists anywhere.",
        ],
        "templates/public/keys.html": [
            "A key that came with a receipt proves nothing.",
            "It proves what Antares recorded and checked, not that no copy exists anywhere.",
        ],
        "templates/public/receipt.html": [
            "A receipt proves what Antares recorded and checked.",
            "Nobody can prove that no copy exists anywhere.",
        ],
    },
    "says why a file is rejected: TestAgreement of test_verifier_page.py": {
        "integrations/purge/messages/verifier.py": [
            "A ledger entry in the receipt is not in the signed ledger.",
            "No ledger entry says that key %(name)s was destroyed.",
            "No ledger entry says that the wrapping key %(name)s was destroyed.",
            "The file is signed by a key that is not among the keys above.",
            "The file is signed, but it is not a receipt of a known version.",
            "Without a key that you trust, nothing is proven.",
        ],
    },
    "describes a field of the API": {
        "integrations/calendar/api/serializers/calendars.py": [
            "What of the file is not kept here, in words.",
            "Series that cannot be followed, and events that do not open.",
        ],
        "integrations/urls/api/openapi_problem.py": [
            "Data from your connected accounts is never used for marketing.",
            "With `unreadable-file`:",
        ],
        "integrations/urls/api/openapi_responses.py": [
            "Cannot be answered now:",
            "Cannot be read, or the provider does not accept the request",
            "No version was sent in `If-Match`",
            "Sent with an answer to a request that was made before.",
            "The file cannot be read;",
            "The key was sent with another request, or the provider does not accept the request",
            "Too large, or cannot be read",
            "Written with this key before, and deleted since",
        ],
        "integrations/calendar/api/serializers/event_writes.py": [
            "Whether guests are sent word of it.",
            "Of the same account, or both kept here.",
        ],
        "integrations/calendar/api/serializers/free_busy.py": [
            "Whoever shares nothing with you is unknown.",
        ],
    },
    "the reason of a removal, from its trigger: TestRun.test_names_its_trigger": {
        "integrations/purge/receipt.py": [
            "The owner had not signed in for a year.",
            "It had been removed before, and came back with a restored backup of the database.",
        ],
        "integrations/purge/messages/receipt.py": [
            "You had not signed in for a year.",
            "It had been removed before, and came back with a restored backup.",
        ],
    },
    "labels an entry of the ledger, which is the fact": {
        "integrations/settings/data_use/activity_labels.py": [
            "Keep the connection working",
            "Keep it for your inbox",
            "Nobody, it stays sealed",
            "Connection removed",
            "Everything it brought in was removed",
            "Key destroyed",
            "Its names in this record destroyed",
        ],
    },
}
