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
    "integrations/review/messages/controls.py": (
        "the controls of CASA, which a page shows with the tests that are bound to each"
    ),
    "integrations/management/": "what a command prints for operators",
    "limited_use/management/": "what a command prints for operators",
    "integrations/urls/api/guides.py": (
        "guides for developers: what an operation or a limit does, tested with it in tests/api"
    ),
    "templates/public/guides/": (
        "guides for developers: what an operation or a limit does, tested with it in tests/api"
    ),
    "accounts/authorization_codes.py": "answers to service clients, tested in tests/accounts",
    "limited_use/checks.py": "what a check prints for operators",
    "config/": "what operators read",
    "integrations/operations/metrics.py": "the meaning of a figure for operators",
    "integrations/urls/api/operation_texts.py": (
        "the API reference: what an operation does, tested with the operation in tests/api"
    ),
    "integrations/urls/api/operation_tags.py": (
        "the API reference: what a resource is, tested with its operations in tests/api"
    ),
    "integrations/urls/api/enumeration_texts.py": (
        "the API reference: what a value of a member means, tested with the operation in tests/api"
    ),
    "limited_use/notifications/message_kinds.py": "the reason of a kind of mail, for reviewers",
    "integrations/operations/alarm_guide.py": "what an alarm is, and the next step of an operator",
    "integrations/operations/pages/messages.py": (
        "labels of figures for operators, compared with the metrics by tests/review"
    ),
    "integrations/support/operator_messages.py": (
        "causes and next steps for support agents, shown by state in"
        " tests/integrations/support/test_console.py"
    ),
}

#: Reason → file → sentences that state no fact about data.
NO_CLAIM: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "a reason that an agent chose, as it is named to the person; tests/integrations": {
        "integrations/notifications/support_reasons.py": [
            "A device is lost or stolen.",
            "Mail or calendars are not up to date.",
        ],
        "integrations/purge/receipt.py": [
            "A device was lost or stolen.",
            "Mail or calendars were not up to date.",
        ],
    },
    "the state of an act or a purge, as its row has it; tests/integrations/test_support_*": {
        "integrations/settings/data_use/messages.py": ["nothing was left to do"],
        "integrations/support/messages.py": [
            "Data is being deleted",
            "The receipt is being signed",
            "There was nothing left to do",
            "Tokens destroyed or kept for another product",
            "nothing is left.",
            "the receipt is signed",
            "tokens are being destroyed",
        ],
    },
    "says why a permission is asked for; tests/review/test_scope_table.py compares the lists": {
        "integrations/providers/google/google_scopes.py": [
            "To create, change, move, answer or delete an event when you say so",
        ],
        "integrations/providers/microsoft/microsoft_scopes.py": [
            "To create, change, move, answer or delete an event when you say so",
        ],
    },
    "says that a form of an operator changed nothing; tests/review/test_client_pages.py": {
        "integrations/operations/pages/client_messages.py": ["Nothing changed:"],
    },
    "says what an operator has to do": {
        "templates/operations/client.html": [
            "Ask its team to delete the data and to acknowledge.",
        ],
    },
    "names a kind of notices, or says when they come; tests/integrations/notices": {
        "integrations/notifications/connection_notices.py": [
            "Data is removed, and its receipt",
            "When Antares removes the data of an account, and when the receipt is ready.",
            "When an account or one of its permissions has ended, and before its data is removed.",
        ],
        "integrations/outbox/notices.py": [
            "When a message could not be sent, or Antares does not know whether it was sent.",
        ],
    },
    "the reason of a kind of notices, for reviewers": {
        "integrations/notifications/connection_notices.py": [
            "The data of a connected account is removed unless its owner reconnects.",
        ],
        "integrations/outbox/notices.py": [
            "The person believes that the message was sent.",
        ],
    },
    "says why a message was not sent, as its row has it; tests/integrations/outbox": {
        "integrations/mail/sending/messages.py": [
            "A file has not arrived completely, or was deleted after a day.",
            "Antares failed while it sent the message.",
            "Antares was restored from a backup, and no longer knows whether it was sent.",
            "The account can no longer send from the address that you chose.",
            "The draft was changed in your mailbox before it was sent.",
            (
                "The provider did not confirm it, and Antares did not find the sent message in"
                " your mailbox."
            ),
        ],
        "integrations/outbox/notices.py": ["A message could not be sent"],
        "templates/notices/send_failed.subject.txt": ["A message could not be sent:"],
    },
    "explains to a developer why a kind of notices may not exist": {
        "integrations/notifications/notice_kinds.py": [
            "{…} is sent to {…} without a choice",
            "{…} says nothing about why it exists",
        ],
    },
    "asks, or names an action": {
        "integrations/settings/notices/messages.py": [
            "I agree that Antares sends the notices that I chose to my mailbox.",
        ],
        "templates/inbox/compose.html": [
            "Your signature is added when the message is sent.",
        ],
        "templates/inbox/compose_unsendable.html": [
            "this page does not store it.",
        ],
        "templates/settings/local_calendars_remove.html": [
            "Remove all of your Antares calendars?",
            "· Remove only this calendar",
        ],
    },
    "explains an error or a refusal to its caller": {
        "integrations/support/console/question_views.py": [
            "Nothing changed.",
        ],
        "integrations/support/owner_pages/messages.py": [
            "Your answer changed nothing.",
        ],
        "integrations/settings/messages/confirmations.py": [
            "Nothing has changed yet.",
        ],
        "templates/console/item_closed.html": [
            (
                "Access ended, the owner stopped sharing or disconnected the account, the calendar"
                " is not up to date, or the message or event does not exist."
            ),
        ],
        "templates/403.html": [
            "You are signed in as {name} ({email}).",
        ],
        "limited_use/ledger/ledger_audit.py": [
            "it was never placed there",
        ],
        "limited_use/policy/refusal_text.py": [
            "Nothing with this id is yours.",
            "Nothing with this id is shared with you.",
            "Its owner has not sent this message, or has taken it back.",
            "Too many messages were sent in the last day.",
            "Too many messages were sent in the last hour.",
        ],
        "integrations/settings/data_use/messages.py": [
            "You had not sent the message, or had taken it back.",
            "You had sent too many messages in the last day.",
            "You had sent too many messages in the last hour.",
        ],
        "integrations/calendar/messages/event_fields.py": [
            "This text contains characters that cannot be shown.",
            "The name of attendee %(number)s is too long, or cannot be shown.",
        ],
        "integrations/mail/messages.py": [
            "its message was deleted.",
            "it was deleted.",
        ],
        "integrations/web/problem_catalogue.py": [
            "You are not signed in.",
            "Remove one first.",
            "Remove some, or create another calendar.",
            "This file cannot be read.",
            "This item cannot be decrypted.",
            "This item cannot be read.",
            "It was deleted, or it was moved.",
            "The message can no longer be taken back.",
            "The file cannot be put into the Drive.",
            "Delete something in the Drive, or buy storage there, and upload the file again.",
        ],
        "integrations/drive/pages/messages.py": [
            "Antares can no longer find the attachment, calendar or mail.",
        ],
    },
    "names a state that the page reads from the rows it shows": {
        "templates/settings/support/overview.html": [
            "Nobody used it",
        ],
        "integrations/mail/sending/messages.py": [
            "If you press Send, the changed text is sent as another message.",
            "You already sent a message from this form.",
            "the message was sent.",
        ],
        "templates/inbox/compose.html": [
            "This message was perhaps sent.",
        ],
        "templates/calendar/event_not_shown.html": [
            "This event cannot be read",
            "This event cannot be shown right now",
        ],
        "templates/settings/integrations.html": [
            "The addresses of your accounts cannot be shown now.",
            "The addresses of your accounts cannot be shown.",
            "(address cannot be shown)",
        ],
        "templates/settings/local_calendars_remove.html": [
            "There is nothing to remove.",
        ],
        "templates/settings/activity.html": [
            "Removed on {job.fenced_at}",
        ],
        "integrations/connections/status_messages.py": [
            "Not up to date",
            "Being removed",
        ],
    },
    "an instruction, a heading, a name or a choice": {
        "integrations/settings/messages/save_outcomes.py": ["Finish or remove some of them first."],
        "templates/drive/_send.html": ["Keep this page open until all files are there."],
        "templates/console/connection.html": [
            "Receipt signed",
            "Key epoch destroyed",
        ],
        "integrations/settings/data_use/access_views.py": [
            "Withdraw your agreement and remove its stored data",
        ],
        "integrations/settings/disconnect_views.py": [
            "Disconnect the whole account, and remove its data from Antares",
            "Disconnect, and remove its data from Antares",
            "Remove a connection",
        ],
        "integrations/review/messages/guide.py": [
            "Data keys destroyed",
            "Key-encrypting keys destroyed",
            "Never allowed",
        ],
        "templates/review/entry.html": [
            "the exact bytes of the entry, its path through the tree, and the signed checkpoint.",
        ],
        "templates/503.html": [
            (
                "If you sent a form, check whether your change was saved before you send the form "
                "again."
            ),
        ],
        "templates/settings/disconnect.html": [
            "To remove Antares at {provider} yourself:",
        ],
        "templates/settings/feature_withdraw.html": [
            "Remove each on its own page.",
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
        "templates/public/_disconnect_steps.html": [
            "The next page lists everything that will be removed.",
            "When everything is removed, download the receipt.",
            "You can also remove Antares' access at the provider, at any time:",
        ],
        "templates/public/children.html": [
            "We disconnect the account, which removes its content.",
        ],
        "templates/public/contact.html": [
            "Antares never asks for them.",
        ],
        "templates/public/cookies.html": [
            "You can delete cookies in your browser at any time.",
        ],
        "templates/public/data_use.html": [
            "How long your data is stored",
            "How to disconnect and delete",
            "Never allowed",
        ],
        "templates/public/disconnect_help.html": [
            "Delete the copy of your calendars",
            "How to disconnect and delete",
            "In Settings, open Manage calendars for the account and choose Delete the copy now.",
            "Remove Antares calendars",
            "Remove each one on its own page in Settings, or all of them at once.",
            "When your data is removed",
        ],
        "templates/public/privacy_notice.html": [
            "How long your data is stored",
            "How to disconnect and delete",
            "Uses that are never allowed",
        ],
        "integrations/urls/public_pages/messages.py": [
            "Keeps you signed in.",
            "Proves that a form was sent from a page of this site.",
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
        "templates/settings/calendars.html": [
            "Edit, import, remove ·",
            "How long a copy is kept",
            "Kept until",
        ],
        "templates/settings/calendars_erase.html": [
            "Delete the copy now?",
        ],
        "templates/settings/details.html": [
            "How much mail Antares stores",
        ],
        "templates/settings/export.html": [
            "Store it in a safe place.",
        ],
        "templates/settings/local_calendar_remove.html": [
            "Remove “",
        ],
        "templates/settings/_feature.html": [
            "until you remove the calendars",
        ],
        "limited_use/policy/feature_registry.py": [
            "Calendar, when you create, change, answer or delete an event",
            "Gives you a file with the mail that Antares stores for you.",
        ],
        "integrations/calendar/messages/settings.py": [
            "Remove one first.",
        ],
        "integrations/connections/status_messages.py": [
            "Antares keeps trying.",
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
            "Ids of series whose rule cannot be read, and of events that cannot be decrypted.",
        ],
        "integrations/connections/api/serializers.py": [
            "Empty if nothing is wrong.",
            "When the provider last sent a push notification.",
        ],
        "integrations/mail/api/sending_serializers.py": [
            "Id of the mail integration that sends.",
        ],
        "integrations/urls/api/openapi_problem.py": [
            "With `unreadable-file`:",
        ],
        "integrations/urls/api/openapi_responses.py": [
            "Cannot be read, or the provider does not accept the request",
            "Created with this key before, and deleted since",
            "No version was sent in `If-Match`",
            "Not signed in, or the token is invalid",
            "Sent if an earlier request with this key was answered already.",
            "The file cannot be read;",
            "Too large, or cannot be read",
        ],
        "templates/public/reference.html": [
            "A platform feature sends an access token:",
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
    "heads the list or a column of features; the sentences below it are claims": {
        "integrations/purge/messages/receipt.py": ["Not when this receipt was signed"],
        "templates/public/_receipt_details.html": ["Not when this receipt was signed"],
    },
    "labels an entry of the ledger, which is the fact": {
        "integrations/settings/data_use/messages.py": [
            "Keep the connection working",
            "Encrypted storage only",
            "Connection removed",
            "All data of the mailbox, calendar or Drive removed",
            "Encryption key destroyed",
            "Key of the removed account's records kept for you",
            "Key of the removed account's records destroyed",
        ],
    },
}
