"""The operator's next step for each kind of alarm. A test fails for an unlisted kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: By kind. An unlisted kind comes from another version of the service.
NEXT_STEPS: Final[Mapping[str, str]] = {
    "client.assertions_rejected": (
        "Count the causes in the client's log lines assertion.rejected. Its team corrects clock,"
        " key or audience. If the team sent no assertions, someone else is using the client's"
        " name."
    ),
    "client.many_users": (
        "Ask the client's team why it reads for so many people. Retire the client if they do not"
        " know."
    ),
    "connect.failed": "Find connect.failed with this attempt in the log, and report the error.",
    "egress.refused": (
        "Find the task in the log line egress.refused. Add the host to the settings if it"
        " belongs to the service."
    ),
    "forbidden_use.permitted": (
        "Stop the release: the guard permitted a use that the policy forbids. Find the entries of"
        " the run on the page Refusals, and report them."
    ),
    "key.damaged": (
        "Compare the row of the key with a backup of the database. Its data cannot be decrypted"
        " until then."
    ),
    "key_epoch.left_behind": (
        "Look for key.damaged with the same key line: the epoch ends when all its keys are"
        " rewrapped."
    ),
    "keyring.unavailable": "Check that the key store answers and that its credentials are valid.",
    "keyring.unfit": (
        "Read the lines keyring: of a starting process, and configure the keyring that matches"
        " the database."
    ),
    "opens.unusual": (
        "Find in the ledger which items the actor opened in this hour, and ask the person."
    ),
    "outbox.crashing": (
        "Find outbox.crashed with this connection in the log, and report the error. The owner of"
        " the message sees that it failed, or that its outcome is unknown."
    ),
    "parsers.busy": (
        "Check the load of the machine: for 15 minutes, no parser process was free"
        " (integrations/parsers/README.md). Add processors or workers."
    ),
    "provider.consent_screen_in_testing": (
        "Publish the consent screen in the provider's console: until then every grant ends after"
        " seven days."
    ),
    "provider.invalid_client": (
        "Check in the provider's console that client id, secret and addresses are still registered."
    ),
    "provider.issuer_missing": (
        "Nobody can connect this provider: its callback has no iss (RFC 9207). Check that the"
        " proxy passes the query string on. If the provider stopped sending iss, set"
        " GOOGLE_ISSUER_REQUIRED or MICROSOFT_ISSUER_REQUIRED to off."
    ),
    "provider.push_silent": (
        "Check that the provider reaches WEBHOOK_URL, and that the topic and its subscription"
        " exist."
    ),
    "provider.unexpected": (
        "Find the provider's response by its status in the log. Report it if it recurs."
    ),
    "provider.webhook_rejected": (
        "Check that the provider can reach WEBHOOK_URL over https and gets a response within ten"
        " seconds, and find watch.failed in the log. Mail and calendars are polled until then."
        " The alarm is settled automatically when the provider accepts the address."
    ),
    "purge.overdue": (
        "Check that a purge worker runs and that the provider answers. manage.py overdue_purges"
        " lists overdue purges."
    ),
    "purge.residue": "Report the table: rows are left after a purge.",
    "record.damaged": (
        "Compare the row with a backup of the database. The value cannot be decrypted until then."
    ),
    "refusals.burst": (
        "Ask the feature's team why it requests data that it may not use. See Refusals."
    ),
    "sending.limit_reached": (
        "Ask the person, or the feature's team, whether they sent this much: a session may be"
        " stolen. See Refusals for the rule."
    ),
    "support.bulk_approved": (
        "Two members of staff ordered a bulk revocation. Open /support/bulk/ on the staff site,"
        " compare it with its ticket, and stop it if you did not expect it."
    ),
    "support.bulk_failed": (
        "Find bulk_revocation.act_failed with this act in the log, and report the error. The"
        " account is still connected."
    ),
    "sync.crashing": (
        "Find sync.crashed with this connection in the log, and report the error. Its owner sees"
        " that the sync fails."
    ),
    "sync.damaged": "Report it: the stored progress of a sync cannot be decrypted.",
    "sync.not_storable": (
        "Find sync.not_storable in the log, and report the error: a message was read and could"
        " not be stored. Its owner sees that it was skipped."
    ),
    "vault.stray_bytes": "Report the table: sealed values have no key.",
    "vault.stray_key": "Report the key line: a data key has no owner.",
    "workers.missing": (
        "Start a process with this duty. config/README.md has the command for each."
    ),
}
UNKNOWN: Final = "Find alarm.raised with this kind in the log."


def get_alarm_next_step(kind: str) -> str:
    return NEXT_STEPS.get(kind, UNKNOWN)
