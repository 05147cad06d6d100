"""
The content of a purge's receipt: checked removals and remaining data.

The signature covers its sentences, so they are English in every language of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Q

from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.models import (
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    SupportAct,
    SupportReason,
)
from integrations.providers import PROVIDERS
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.ledger import pseudonyms
from limited_use.policy.claims import claim
from limited_use.receipts import key_store_disclosure, receipts

from . import (
    feature_copies_statement,
    inventory,
    key_destruction_receipt,
    ledger_key_release,
    provider_statements,
    saved_file_statement,
    sent_mail_statement,
)

SCHEMA: Final = "antares-purge/1"
REVOKED: Final = "TOK-REVOKE"
# Promises and clauses that a finished purge meets.
CLAUSES: Final = (
    "CASA-DEL",
    "MS-DEL",
    "TOK-DELETE",
    REVOKED,
    "WDEL",
)

PRODUCT_CLAUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "mail": ("AN-14", "AN-15"),
    "calendar": ("AN-2", "AN-9"),
    "drive": ("AN-2", "AN-7"),
}

# The originals at the provider; for a Drive, see `saved_file_statement`.
_STAYS_AT_PROVIDER: Final[Mapping[str, str]] = {
    "mail": claim(
        "receipt.mail-stays", "Your mail at the provider: Antares changed nothing of it."
    ),
    "calendar": claim(
        "receipt.calendars-stay",
        "Your calendars at the provider, with the events that you saved with Antares.",
    ),
}

TRIGGER_REASONS: Final[Mapping[PurgeTrigger, str]] = {
    PurgeTrigger.OWNER: "The owner disconnected it.",
    PurgeTrigger.SUPPORT: "Support disconnected it.",
    PurgeTrigger.GRANT_ENDED: (
        "The access at the provider had ended, and the owner did not reconnect in time."
    ),
    PurgeTrigger.PERMISSION_WITHDRAWN: (
        "The permission was withdrawn at the provider and not granted again in time."
    ),
    PurgeTrigger.CONSENT_WITHDRAWN: (
        "The owner withdrew the agreement to the feature that needed the data."
    ),
    PurgeTrigger.LEFT_ORGANISATION: "The owner left the organisation.",
    PurgeTrigger.ORGANISATION_CLOSED: "The organisation was closed.",
    PurgeTrigger.DEACTIVATED: "The owner's account was deactivated.",
    PurgeTrigger.INACTIVE: "The owner had not signed in for a year.",
    PurgeTrigger.RESTORED: (
        "It had been removed before, and came back with a restored backup of the database."
    ),
}


_SUPPORT_REASONS: Final[Mapping[SupportReason, str]] = {
    SupportReason.OWNER_ASKED: "The owner asked for help.",
    SupportReason.SYNC_PROBLEM: "Mail or calendars were not up to date.",
    SupportReason.DEVICE_LOST: "A device was lost or stolen.",
    SupportReason.ACCOUNT_AT_RISK: "Somebody else may have had access to the account.",
    SupportReason.LEFT_ORGANISATION: "The owner left the organisation.",
    SupportReason.INCIDENT: "There was a security incident.",
    SupportReason.OTHER: "Another reason.",
}


def build_purge_receipt_body(job: PurgeJob) -> dict[str, Any]:
    act = _find_support_act(job)
    uploads = saved_file_statement.build_uploads_part(job)
    features = feature_copies_statement.build_features_part(job)
    return {
        "schema": SCHEMA,
        "trigger": str(job.trigger),
        "why": _explain_trigger(job, act),
        **({"support_reason": str(act.reason)} if act else {}),
        "product": job.integration.product,
        "provider": job.integration.connection.provider,
        "clauses": _list_clauses(job),
        "requested_at": receipts.format_receipt_time(job.fenced_at),
        # One commit fenced the integration and destroyed its key.
        "unreadable_at": receipts.format_receipt_time(job.fenced_at),
        "started_at": receipts.format_receipt_time(job.fenced_at),
        "emptied_at": receipts.format_receipt_time(job.emptied_at),
        "verified_at": receipts.format_receipt_time(job.verified_at),
        "deleted_rows": _count_deleted(job),
        "stores": {
            name: {"before": job.counts_before.get(name, 0), "left": left}
            for name, left in sorted(job.counts_left.items())
        },
        "sending": sent_mail_statement.build_sending_part(job),
        **({"uploads": uploads} if uploads else {}),
        "provider_watches": provider_statements.build_watches_part(job),
        "provider_revocation": provider_statements.build_revocation_part(job),
        "keys_destroyed": _list_destroyed_keys(job),
        "features": features,
        "remains": {
            **_build_remains(job),
            **({"feature_copies": feature_copies_statement.DESCRIPTION} if features else {}),
        },
    }


def _find_support_act(job: PurgeJob) -> SupportAct | None:
    if job.support_act_id is None:
        return None
    return SupportAct.objects.filter(id=job.support_act_id).first()


def _explain_trigger(job: PurgeJob, act: SupportAct | None) -> str:
    reason = TRIGGER_REASONS[PurgeTrigger(job.trigger)]
    if act is None:
        return reason
    return f"{reason} Reason given by the agent: {_SUPPORT_REASONS[SupportReason(act.reason)]}"


def _count_deleted(job: PurgeJob) -> int:
    # Computed from the first count: a killed worker did not count its deletions.
    tables = inventory.TABLES & job.counts_left.keys()
    return sum(job.counts_before.get(name, 0) - job.counts_left[name] for name in tables)


def _list_clauses(job: PurgeJob) -> list[str]:
    met_clauses = {*CLAUSES, *PRODUCT_CLAUSES.get(job.integration.product, ())}
    if job.revocation in provider_statements.WITHOUT_REVOCATION:
        met_clauses.discard(REVOKED)
    return sorted(met_clauses)


def issue_receipt(lease: Lease, job: PurgeJob, *, at: datetime) -> None:
    """
    Finish the job, in the caller's transaction.

    :raises EntryNotSequenced: until all of its ledger entries have proofs
    :raises LeaseLost:
    """
    receipt = receipts.issue_receipt(
        subject_id=job.integration_id,
        owner_id=job.user_id,
        subject=pseudonyms.get_pseudonym_naming(job.integration.connection_id).at_the_end(
            job.integration_id
        ),
        body=build_purge_receipt_body(job),
        entry_ids=job.entry_ids,
        at=at,
    )
    Integration.objects.filter(id=job.integration_id).update(
        status=IntegrationStatus.PURGED, status_since=at
    )
    leases.release(lease, step=PurgeStep.DONE, receipt_id=receipt.id, done_at=at)
    ledger_key_release.settle_ledger_key(job.integration.connection_id, at=at)


def _list_destroyed_keys(job: PurgeJob) -> list[dict[str, Any]]:
    ended_at = job.integration.connection.ended_at
    destroyed = [
        ("content", job.content_key_id, job.content_kek_epoch, job.fenced_at),
        *((line, key_id, epoch, job.fenced_at) for key_id, epoch, _, line in job.cache_keys),
        ("credential", job.credential_key_id, job.credential_kek_epoch, ended_at),
        ("account", job.account_key_id, job.account_kek_epoch, ended_at),
    ]
    return [
        {"line": line, "key_id": key_id, "key_epoch": epoch, "at": receipts.format_receipt_time(at)}
        for line, key_id, epoch, at in destroyed
        if key_id
    ]


def _build_remains(job: PurgeJob) -> dict[str, Any]:
    epoch_ends = job.fenced_at + timedelta(hours=settings.KEY_EPOCH_HOURS)
    remains: dict[str, Any] = {
        "ledger": claim(
            "receipt.ledger",
            "Ledger entries about this integration under a keyed pseudonym: event names, counts and"
            " times. No content and no address.",
        ),
        "ledger_key": _describe_ledger_key(job),
        "tombstones": _describe_tombstones(job),
        "consent": claim(
            "receipt.consent", "Your agreement to the feature, with its version and date."
        ),
        "backups": {
            "until": receipts.format_receipt_time(key_destruction_receipt.get_backup_end(job)),
            "says": claim(
                "receipt.backups",
                "Backups of the database may contain encrypted copies of the data. After the epochs"
                " of all destroyed keys have ended, no key of Antares opens them.",
            ),
        },
        "key_epoch": {
            "number": job.content_kek_epoch,
            "destroyed_by": receipts.format_receipt_time(epoch_ends),
            "says": claim(
                "receipt.key-epoch",
                "Until then, a stolen copy of the database together with the live key store could"
                " still open the encrypted data. Part 2 of this receipt proves the end of that.",
            ),
        },
        "key_store_copies": key_store_disclosure.describe_copies(),
    }
    if _has_support_acts(job):
        remains["support"] = claim(
            "receipt.support-acts",
            "What support agents did with this account, and why: ids, words of closed lists, counts"
            " and the agent's own words about the case, each for ninety days.",
        )
    if PROVIDERS[job.integration.connection.provider].grants:
        remains["at_the_provider"] = _describe_originals(job)
    if (local_epoch_end := key_destruction_receipt.get_local_key_epoch_end(job)) is not None:
        remains["own_key_epoch"] = {
            "number": job.own_kek_epoch,
            "destroyed_by": receipts.format_receipt_time(local_epoch_end),
            "says": claim(
                "receipt.own-key-epoch",
                "Calendars that are stored only in Antares are also in backups of the database, so"
                " that no accident loses them. Until then, a backup together with the key store"
                " could open them.",
            ),
        }
    remains["proves"] = claim(
        "receipt.proves",
        "What Antares recorded and checked. Nobody can prove that no copy exists anywhere.",
    )
    if (
        credential_statement := provider_statements.get_credential_statement(
            job.integration.connection
        )
    ) is not None:
        remains["credential"] = credential_statement
    return remains


def _describe_originals(job: PurgeJob) -> str:
    """Describe the data at the provider, which we do not remove."""
    if job.integration.product == "drive":
        return saved_file_statement.describe_saved_files(job)
    if sent_mail_statement.has_used_outbox(job):
        return sent_mail_statement.describe_sent_mail(job)
    return _STAYS_AT_PROVIDER[job.integration.product]


def _has_support_acts(job: PurgeJob) -> bool:
    return SupportAct.objects.filter(
        Q(id=job.support_act_id)
        | Q(integration_id=job.integration_id)
        | Q(connection_id=job.integration.connection_id)
    ).exists()


def _describe_tombstones(job: PurgeJob) -> str:
    rows = claim(
        "receipt.tombstones",
        "A record of the integration and one of this removal: ids, dates, counts and states.",
    )
    if job.integration.connection.ended_at is None:
        return rows
    return f"{rows} {_EMPTIED}"


_EMPTIED: Final = claim(
    "receipt.connection-emptied",
    "A record of the connection: ids, dates and states, without account, permissions and access"
    " tokens.",
)


def _describe_ledger_key(job: PurgeJob) -> dict[str, Any] | str:
    row = ledger_key_release.get_ledger_key(job.integration.connection_id)
    if row is None:
        return claim(
            "receipt.pseudonyms-ours",
            "The pseudonyms are made with a key of Antares: anyone with its key store can link"
            " them.",
        )
    if row.set_aside_at is None:
        return claim(
            "receipt.ledger-key-stays",
            "The pseudonyms are made with a key of this account, which Antares keeps as long as"
            " part of the account is connected.",
        )
    return {
        "commitment": bytes(row.commitment).hex(),
        "offered_for_days": ledger_keys.OFFER_DURATION.days,
        "says": claim(
            "receipt.ledger-key-offered",
            "The pseudonyms are made with a key of this account. Its owner can download the key"
            " once within those days. Then, or when they end, Antares destroys the key, and nobody"
            " else can tell which entries were about this account. Antares keeps the commitment, a"
            " hash of the key. The entries of the removal, which this receipt contains, have other"
            " pseudonyms.",
        ),
    }
