"""
The title and the operator's next step for each kind of alarm.

A test fails for an unlisted kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: What happened, by kind.
TITLES: Final[Mapping[str, StrOrPromise]] = {
    "client.assertions_rejected": _("Many sign-ins in a service client's name are rejected"),
    "client.change_forged": _("Somebody wrote a change of a service client past the staff site"),
    "client.changed": _("Operators changed a service client"),
    "client.many_users": _("A service client reads for unusually many people"),
    "client.removals_overdue": _("A feature has not confirmed that it deleted its copies"),
    "client.unusual_volume": _("A service client makes unusually many requests"),
    "connect.failed": _("A connect ended with an error"),
    "egress.refused": _("A connection to an undeclared host was refused"),
    "forbidden_use.permitted": _("The guard permitted a forbidden use"),
    "key.damaged": _("A data key cannot be unwrapped"),
    "key_epoch.left_behind": _("An old key-encryption key cannot end"),
    "keyring.unavailable": _("The key store does not answer"),
    "keyring.unfit": _("The keyring does not match the database"),
    "ledger.entry_set_aside": _("A login wrote a row into the ledger that is not an entry"),
    "opens.unusual": _("A person or a feature opens unusually much"),
    "outbox.crashing": _("Sending a message crashes again and again"),
    "parsers.busy": _("Parser processes are busy"),
    "provider.consent_screen_in_testing": _("The consent screen is in testing"),
    "provider.invalid_client": _("The provider rejects our client"),
    "provider.issuer_missing": _("A callback of the provider has no issuer"),
    "provider.push_silent": _("The provider sends no notifications"),
    "provider.unexpected": _("The provider answers unexpectedly"),
    "provider.webhook_rejected": _("The provider rejects the webhook address"),
    "purge.overdue": _("A removal is overdue"),
    "purge.residue": _("Rows are left after a removal"),
    "record.damaged": _("A stored value cannot be decrypted"),
    "refusals.burst": _("A feature is refused unusually often"),
    "sending.limit_reached": _("A limit of sending is reached"),
    "support.act_failed": _("An order of a support agent failed"),
    "support.bulk_approved": _("A bulk revocation began"),
    "support.bulk_crashed": _("A bulk revocation crashed"),
    "support.bulk_failed": _("A connection of a bulk revocation was not disconnected"),
    "support.order_unsigned": _("An order of staff was not made by the staff site"),
    "support.unusual": _("A support agent looks up or disconnects unusually many people"),
    "sync.crashing": _("A sync crashes again and again"),
    "sync.damaged": _("The progress of a sync cannot be decrypted"),
    "sync.not_storable": _("A message cannot be stored"),
    "vault.stray_bytes": _("Encrypted values have no key"),
    "vault.stray_key": _("A data key has no owner"),
    "workers.missing": _("A process is missing"),
}
#: By kind. An unlisted kind comes from another version of the service.
NEXT_STEPS: Final[Mapping[str, StrOrPromise]] = {
    "client.assertions_rejected": _(
        "Count the causes in the client's log lines assertion.rejected. Its team corrects clock,"
        " key or audience. If the team sent no assertions, someone else is using the client's"
        " name."
    ),
    "client.change_forged": _(
        "A database login of the staff site is in foreign hands: replace its password, and read the"
        " log of the database. The change was not applied."
    ),
    "client.changed": _(
        "Open the client at /operations/clients/ on the staff site, and ask the operators of its"
        " last step. Retire the client if they do not know of it."
    ),
    "client.many_users": _(
        "Ask the client's team why it reads for so many people. Retire the client if they do not"
        " know."
    ),
    "client.removals_overdue": _(
        "Ask the client's team why it does not acknowledge its removals at /v1/removals. Its tokens"
        " are refused until it does."
    ),
    "client.unusual_volume": _(
        "Ask the client's team why it makes 50 times its usual requests. They are refused until the"
        " hour ends. Settle the alarm to allow them for the rest of this hour. If the team does not"
        " know, retire the client or replace its keys, and settle the alarm when the hour is over."
    ),
    "connect.failed": _("Find connect.failed with this attempt in the log, and report the error."),
    "egress.refused": _(
        "Find the task in the log line egress.refused. Add the host to the settings if it"
        " belongs to the service."
    ),
    "forbidden_use.permitted": _(
        "Stop the release: the guard permitted a use that the policy forbids. Find the entries of"
        " the run on the page Refusals, and report them."
    ),
    "key.damaged": _(
        "Compare the row of the key with a backup of the database. Its data cannot be decrypted"
        " until then."
    ),
    "key_epoch.left_behind": _(
        "Look for key.damaged with the same key line: the epoch ends when all its keys are"
        " rewrapped."
    ),
    "ledger.entry_set_aside": _(
        "The row is not in the tree. Find out who used the login that the alarm names, and give the"
        " login a new password."
    ),
    "keyring.unavailable": _(
        "Check that the key store answers and that its credentials are valid."
    ),
    "keyring.unfit": _(
        "Read the lines keyring: of a starting process, and configure the keyring that matches"
        " the database."
    ),
    "opens.unusual": _(
        "Find in the ledger which items the actor opened in this hour, and ask the person."
    ),
    "outbox.crashing": _(
        "Find outbox.crashed with this connection in the log, and report the error. The owner of"
        " the message sees that it failed, or that its outcome is unknown."
    ),
    "parsers.busy": _(
        "Check the load of the machine: for 15 minutes, no parser process was free"
        " (integrations/parsers/README.md). Add processors or workers."
    ),
    "provider.consent_screen_in_testing": _(
        "Publish the consent screen in the provider's console: until then every grant ends after"
        " seven days."
    ),
    "provider.invalid_client": _(
        "Check in the provider's console that client id, secret and addresses are still registered."
    ),
    "provider.issuer_missing": _(
        "Each alarm is about a person, who can leave out iss (RFC 9207) themselves. If several"
        " people have one, nobody can connect this provider. Check that the proxy passes the query"
        " string on. If the provider stopped sending iss, set"
        " GOOGLE_ISSUER_REQUIRED or MICROSOFT_ISSUER_REQUIRED to off."
    ),
    "provider.push_silent": _(
        "Check that the provider reaches WEBHOOK_URL, and that the topic and its subscription"
        " exist."
    ),
    "provider.unexpected": _(
        "Find the provider's response by its status in the log. Report it if it recurs."
    ),
    "provider.webhook_rejected": _(
        "Check that the provider can reach WEBHOOK_URL over https and gets a response within ten"
        " seconds, and find watch.failed in the log. Mail and calendars are polled until then."
        " The alarm is settled automatically when the provider accepts the address."
    ),
    "purge.overdue": _(
        "Check that a purge worker runs and that the provider answers. manage.py overdue_purges"
        " lists overdue purges."
    ),
    "purge.residue": _("Report the table: rows are left after a purge."),
    "record.damaged": _(
        "Compare the row with a backup of the database. The value cannot be decrypted until then."
    ),
    "refusals.burst": _(
        "Ask the feature's team why it requests data that it may not use. See Refusals."
    ),
    "sending.limit_reached": _(
        "Ask the person, or the feature's team, whether they sent this much: a session may be"
        " stolen. See Refusals for the rule."
    ),
    "support.act_failed": _(
        "Find support.act_crashed with this act in the log, and report the error. The agent sees on"
        " the page of the act that it failed, and can order it again."
    ),
    "support.bulk_approved": _(
        "Two members of staff ordered a bulk revocation. Open /support/bulk/ on the staff site,"
        " compare it with its ticket, and stop it if you did not expect it."
    ),
    "support.bulk_crashed": _(
        "Find bulk_revocation.crashed with this bulk revocation in the log, and report the error."
        " It is tried again every two minutes until staff stop it."
    ),
    "support.bulk_failed": _(
        "Find bulk_revocation.act_failed with this act in the log, and report the error. The"
        " account is still connected."
    ),
    "support.order_unsigned": _(
        "Somebody wrote an order into the database with a login of the service. Nothing of it was"
        " carried out. Replace the passwords of the database logins, and look for who used them."
    ),
    "support.unusual": _(
        "Ask the support agent why they looked up, or disconnected, this many people. Their acts"
        " and look-ups name tickets. End the agent's role if they cannot say."
    ),
    "sync.crashing": _(
        "Find sync.crashed with this connection in the log, and report the error. Its owner sees"
        " that the sync fails."
    ),
    "sync.damaged": _("Report it: the stored progress of a sync cannot be decrypted."),
    "sync.not_storable": _(
        "Find sync.not_storable in the log, and report the error: a message was read and could"
        " not be stored. Its owner sees that it was skipped."
    ),
    "vault.stray_bytes": _("Report the table: sealed values have no key."),
    "vault.stray_key": _("Report the key line: a data key has no owner."),
    "workers.missing": _(
        "Start a process with this duty. config/README.md has the command for each."
    ),
}
#: Kinds that operators see first: data may be lost, read or kept against a promise.
SEVERE: Final = frozenset(
    {
        "client.change_forged",
        "client.changed",
        "client.unusual_volume",
        "egress.refused",
        "forbidden_use.permitted",
        "key.damaged",
        "keyring.unavailable",
        "keyring.unfit",
        "ledger.entry_set_aside",
        "purge.overdue",
        "purge.residue",
        "record.damaged",
        "support.bulk_approved",
        "support.order_unsigned",
        "support.unusual",
        "vault.stray_bytes",
        "vault.stray_key",
        "workers.missing",
    }
)
#: Kinds that operators see last, since any person or address can raise them. Nothing is left to do
#: when they were not raised again for this long, so they are settled automatically.
QUIET_PERIODS: Final[Mapping[str, timedelta]] = {
    "client.assertions_rejected": timedelta(days=2),
    "provider.issuer_missing": timedelta(days=1),
    "refusals.burst": timedelta(days=2),
    "sending.limit_reached": timedelta(days=7),
}
UNKNOWN: Final = _("Find alarm.raised with this kind in the log.")


def get_alarm_rank(kind: str) -> int:
    """Return 0 for the kinds that operators see first, 2 for those that they see last."""
    return 0 if kind in SEVERE else 2 if kind in QUIET_PERIODS else 1


def get_alarm_title(kind: str) -> str:
    """Return the kind itself for an unlisted one."""
    return str(TITLES.get(kind, kind))


def get_alarm_next_step(kind: str) -> str:
    return str(NEXT_STEPS.get(kind, UNKNOWN))
