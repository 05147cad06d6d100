"""The operator's next step for each kind of alarm. A test fails for an unlisted kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: By kind. An unlisted kind comes from another version of the service.
NEXT_STEPS: Final[Mapping[str, str]] = {
    "client.assertions_rejected": (
        "Count the causes in the log lines assertion.rejected of the client: its team corrects its"
        " clock, key or audience; if it sent none of them, somebody tries its name."
    ),
    "client.many_users": (
        "Ask the team of the client why it reads for so many people; retire it if they do not know."
    ),
    "connect.failed": "Find connect.failed in the log by the attempt; report the error.",
    "egress.refused": (
        "Find the task in the log line egress.refused; name the host in the settings if it belongs"
        " to the service."
    ),
    "forbidden_use.permitted": (
        "Stop the release: the guard permitted a use that the policy forbids. Find the entries of"
        " the run on the page Refusals, and report them."
    ),
    "key.damaged": (
        "Compare the row of the key with a copy of the database; its data stays closed until then."
    ),
    "key_epoch.left_behind": (
        "Look for key.damaged of the same line: its epoch ends when all its keys are wrapped anew."
    ),
    "keyring.unavailable": "See that the key store answers and that its credentials are valid.",
    "keyring.unfit": (
        "Read the lines keyring: of a process that starts, and give it the keyring that fits the"
        " database."
    ),
    "opens.unusual": (
        "Find in the ledger what the actor opened in that hour, and ask whether it was them."
    ),
    "parsers.busy": (
        "See how busy the machine is: for a quarter of an hour no process was free to read mail"
        " (integrations/parsers/README.md). Add processors or workers."
    ),
    "provider.consent_screen_in_testing": (
        "Publish the consent screen in the provider's console: until then every grant ends after"
        " seven days."
    ),
    "provider.invalid_client": (
        "See in the provider's console that client id, secret and addresses are still registered."
    ),
    "provider.issuer_missing": (
        "Nobody can connect this provider: its callback has no iss (RFC 9207). See that the proxy"
        " passes the query on; if the provider stopped to send iss, set GOOGLE_ISSUER_REQUIRED or"
        " MICROSOFT_ISSUER_REQUIRED to off."
    ),
    "provider.push_silent": (
        "See that the provider reaches WEBHOOK_URL, and that the topic and its subscription exist."
    ),
    "provider.unexpected": (
        "Find the provider's answer by its status in the log; report it if it comes again."
    ),
    "provider.webhook_rejected": (
        "See that WEBHOOK_URL is reachable for the provider over https and answers within ten"
        " seconds, and find watch.failed in the log. Mail and calendars are polled until then. The"
        " alarm settles itself when the provider accepts the address."
    ),
    "purge.overdue": (
        "See that a purge worker runs and that the provider answers; manage.py overdue_purges lists"
        " what is late."
    ),
    "purge.residue": "Report it: rows of something that was purged are left; name the table.",
    "record.damaged": (
        "Compare the row with a copy of the database; the value does not open until then."
    ),
    "refusals.burst": (
        "Ask the team of the feature why it asks for data that it may not use; see Refusals."
    ),
    "sync.crashing": (
        "Find sync.crashed in the log by the connection; report the error. Its owner sees that"
        " something is wrong."
    ),
    "sync.damaged": "Report it: what a sync keeps of its progress does not open.",
    "sync.not_storable": (
        "Find sync.not_storable in the log and report the error: a message was read and could not"
        " be stored. Its owner sees that it was set aside."
    ),
    "vault.stray_bytes": "Report it: sealed bytes have no key; name the table.",
    "vault.stray_key": "Report it: a data key belongs to nobody; name the line.",
    "workers.missing": (
        "Start a process that performs this duty: config/README.md has the command for each."
    ),
}
UNKNOWN: Final = "Find alarm.raised with this kind in the log."


def get_alarm_next_step(kind: str) -> str:
    return NEXT_STEPS.get(kind, UNKNOWN)
