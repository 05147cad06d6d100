"""
The only caller of the guard for provider data.

Facts come from the database, by id. An unknown or foreign integration has none, so it is refused
and the ledger records the refusal. Every function raises `guard.AccessRefused`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from threading import Lock
from types import MappingProxyType
from typing import cast
from uuid import UUID

from accounts.actors import SYSTEM, Actor, ActorKind
from integrations.models import Integration
from integrations.providers.push import MailboxNotification
from limited_use.access_request import AccessRequest, Permit
from limited_use.guard import guard
from limited_use.policy import feature_registry
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.vault import blind_index, data_keys

from . import facts, feature_reads
from .facts import FactsSnapshot, HolderFacts

# This process's permit for push lookups, for a minute.
_push_lookup_permits: dict[str, Permit] = {}
_push_lookup_lock = Lock()

Permits = Mapping[tuple[UUID, DataClass], Permit]

_CREDENTIAL_USE = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_REVOCATION_USE = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_END, Recipient.OWN_PROVIDER)
_REMOTE_ID_USE = Use(DataClass.MAIL_METADATA, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_LOGIN_HINT_USE = Use(DataClass.PROFILE, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_ACCOUNT_USE = Use(DataClass.PROFILE, Purpose.CONNECTION_MAINTAIN, Recipient.OWNER)
_REKEY_USES = tuple(
    Use(data_class, Purpose.VAULT_REKEY, Recipient.VAULT)
    for data_class in (DataClass.CREDENTIAL, DataClass.PROFILE)
)
_STORE_USES = tuple(
    Use(data_class, Purpose.SYNC_STORE, Recipient.VAULT)
    for data_class in (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)
)


@dataclass(frozen=True, slots=True)
class MailSyncPermits:
    """
    Storing changes needs `to_store`.

    :param credential: opens the tokens
    :param remote: opens cursors and remote ids for the provider
    """

    credential: Permit
    remote: Permit


def to_display(
    *,
    actor: Actor,
    counts: Mapping[UUID, int | None],
    data_classes: Sequence[DataClass],
    at: datetime,
    snapshot: FactsSnapshot | None = None,
) -> Permits:
    """
    Return permits by integration and data class, one ledger entry each.

    A person sees their own data; a service client sees the data that its token's purpose and
    delegation cover.

    :param counts: rows, by integration; None: not known yet
    :param snapshot: facts found earlier; ignored for another actor or time
    :raises fences.DisconnectedError: see `feature_reads`
    """
    if not counts:
        return {}
    is_client = actor.kind == ActorKind.CLIENT
    # A client's purpose comes from its token. The policy refuses and records an unknown one.
    purpose = cast("Purpose", actor.purpose or "") if is_client else Purpose.INBOX_DISPLAY
    recipient = Recipient.PLATFORM_FEATURE if is_client else Recipient.OWNER
    facts_by_id = _complete_facts(list(counts), actor=actor, at=at, snapshot=snapshot)
    requests = [
        AccessRequest(
            use=Use(data_class, purpose, recipient),
            holder=integration_id,
            epoch=facts_by_id[integration_id].epoch,
            actor=actor,
            on_behalf_of=actor.user_id,
            facts=facts_by_id[integration_id].facts,
            fences=facts_by_id[integration_id].fences,
            feature=actor.feature if is_client else facts.INBOX_CONSENT.feature_key,
            count=counts[integration_id],
            names=facts_by_id[integration_id].names,
        )
        for integration_id, data_class in product(counts, data_classes)
    ]
    granted = guard.permits(requests, at=at)
    feature_reads.record_feature_reads(actor=actor, integration_ids=counts, at=at)
    return {(permit.holder, permit.use.data_class): permit for permit in granted}


def _complete_facts(
    ids: Sequence[UUID], *, actor: Actor, at: datetime, snapshot: FactsSnapshot | None
) -> Mapping[UUID, HolderFacts]:
    known_facts = (
        snapshot.by_integration if snapshot is not None and snapshot.is_current(actor, at) else {}
    )
    missing = [integration_id for integration_id in ids if integration_id not in known_facts]
    return {**known_facts, **facts.for_integrations(missing, actor=actor, at=at)}


def refuse_undeclared_purpose(*, actor: Actor, at: datetime) -> None:
    """
    Refuse a client if its feature does not declare the token's purpose.

    An empty list or an unknown id opens nothing, so no later refusal would keep the client from
    learning which rows exist.
    """
    if actor.kind != ActorKind.CLIENT or feature_registry.is_feature_use_registered(
        actor.feature, purpose=actor.purpose or "", data_class=None, client=True
    ):
        return
    unknown_id = UUID(int=0)
    integrations = Integration.objects.live().owned_by(
        actor.user_id or unknown_id, actor.organisation_id or unknown_id
    )
    # Without integrations, the refusal is about the client's delegation.
    about = list(integrations.values_list("id", flat=True)) or [actor.delegation_id or actor.id]
    to_display(
        actor=actor,
        counts=dict.fromkeys(about, 0),
        data_classes=(DataClass.MAIL_METADATA,),
        at=at,
    )
    # Both checks read one registry, so they cannot differ. If they did, the error would stop the
    # request.
    raise RuntimeError("an undeclared purpose was permitted")


def to_show_accounts(*, actor: Actor, connection_ids: Sequence[UUID], at: datetime) -> Permits:
    if not connection_ids:
        return {}
    facts_by_id = facts.for_connections(connection_ids, actor=actor)
    requests = [
        _build_request(_ACCOUNT_USE, connection_id, facts_by_id[connection_id], actor=actor)
        for connection_id in connection_ids
    ]
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }


def for_login_hint(*, actor: Actor, connection_id: UUID, at: datetime) -> Permit:
    """Name the account to its provider on a reconnect, and repeat its required claims."""
    holder_facts = facts.for_connections([connection_id], actor=actor)[connection_id]
    return guard.permit(
        _build_request(_LOGIN_HINT_USE, connection_id, holder_facts, actor=actor), at=at
    )


def to_use_access_token(*, connection_id: UUID, at: datetime) -> Permit:
    holder_facts = facts.for_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_build_request(_CREDENTIAL_USE, connection_id, holder_facts), at=at)


def for_push_lookup(notice: MailboxNotification, *, at: datetime) -> Permit:
    """
    Find the mailboxes of a verified notification.

    A process reuses the permit for a minute, so that a flood of notifications leaves one ledger
    entry a minute.
    """
    with _push_lookup_lock:
        permit = _push_lookup_permits.get("permit")
        if (
            permit is None
            or at >= permit.expires_at
            or permit.expires_at - at > guard.PERMIT_LIFETIME
        ):
            # Only a verified notification becomes a `MailboxNotification`, so its existence is the
            # fact.
            notice_facts = {Fact.PROVIDER_SAID} if notice.address else set()
            request = AccessRequest(
                use=blind_index.LOOKUP_USE,
                holder=blind_index.LOOKUP_HOLDER,
                epoch=0,
                actor=SYSTEM,
                on_behalf_of=None,
                facts=frozenset(notice_facts),
            )
            permit = _push_lookup_permits["permit"] = guard.permit(request, at=at)
        return permit


def to_use_refresh_token(*, connection_id: UUID, at: datetime) -> Permit:
    holder_facts = facts.for_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_build_grant_request(_CREDENTIAL_USE, connection_id, holder_facts), at=at)


def to_revoke_grant(*, connection_id: UUID, at: datetime) -> Permit:
    """The permit opens the refresh token, in a purge or after the provider ended the grant."""
    holder_facts = facts.for_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_build_grant_request(_REVOCATION_USE, connection_id, holder_facts), at=at)


def to_stop_watches(*, connection_id: UUID, at: datetime) -> Permit:
    """The permit opens the access token, in a purge or after the provider ended the grant."""
    holder_facts = facts.for_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_build_request(_REVOCATION_USE, connection_id, holder_facts), at=at)


def for_rekey(*, connection_id: UUID, at: datetime) -> Permits:
    """Permit re-encrypting the connection's columns under other keys."""
    holder_facts = facts.for_connections([connection_id], actor=SYSTEM)[connection_id]
    if data_keys.read_row(connection_id) is not None:
        holder_facts = replace(holder_facts, facts=holder_facts.facts | {Fact.KEY_LIVE})
    requests = [_build_request(use, connection_id, holder_facts) for use in _REKEY_USES]
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }


def to_sync(*, integration_id: UUID, at: datetime) -> MailSyncPermits:
    """
    Call the guard once, for two ledger entries.

    If storing would be refused, the turn ends before it asks the provider.
    """
    content, grant = facts.for_integration_and_connection(integration_id, actor=SYSTEM, at=at)
    # An unknown integration has no connection; the guard refuses and records it.
    connection_id = content.connection_id or integration_id
    requests = [
        _build_request(_CREDENTIAL_USE, connection_id, grant),
        _build_request(_REMOTE_ID_USE, integration_id, content),
        *guard.list_refused_requests(
            [_build_request(use, integration_id, content) for use in _STORE_USES]
        ),
    ]
    credential, remote = guard.permits(requests, at=at)
    return MailSyncPermits(credential, remote)


def to_use_mailbox(*, integration_id: UUID, at: datetime) -> MailSyncPermits:
    """Use the access token, and the provider's ids, without storing mail."""
    content, grant = facts.for_integration_and_connection(integration_id, actor=SYSTEM, at=at)
    requests = [
        _build_request(_CREDENTIAL_USE, content.connection_id or integration_id, grant),
        _build_request(_REMOTE_ID_USE, integration_id, content),
    ]
    credential, remote = guard.permits(requests, at=at)
    return MailSyncPermits(credential, remote)


def to_store(*, integration_id: UUID, at: datetime) -> Mapping[DataClass, Permit]:
    """
    Record one ledger entry for each data class. Call this after changes arrived, before any is
    sealed.
    """
    content = facts.for_integrations([integration_id], actor=SYSTEM, at=at)[integration_id]
    store_permits = guard.permits(
        [_build_request(use, integration_id, content) for use in _STORE_USES], at=at
    )
    return MappingProxyType({permit.use.data_class: permit for permit in store_permits})


def _build_request(
    use: Use, holder: UUID, holder_facts: HolderFacts, *, actor: Actor = SYSTEM
) -> AccessRequest:
    return AccessRequest(
        use=use,
        holder=holder,
        epoch=holder_facts.epoch,
        actor=actor,
        on_behalf_of=holder_facts.owner_id if actor is SYSTEM else actor.user_id,
        facts=holder_facts.facts,
        fences=holder_facts.fences,
        account=holder_facts.connection_id,
        names=holder_facts.names,
    )


def _build_grant_request(use: Use, connection_id: UUID, holder_facts: HolderFacts) -> AccessRequest:
    # The grant's key is the holder; the ledger entry is about the connection.
    request = _build_request(use, holder_facts.grant_id or connection_id, holder_facts)
    return replace(request, about=connection_id)
