"""
The only caller of the guard for provider data: facts are found by ids, in the database.

Nobody makes a fact up: what is passed in was found by `facts` for the very question that is asked
here, else it is looked for anew. An integration that does not exist, or is somebody
else's, has no facts, so the policy refuses it and the ledger says so.
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
from integrations.providers.push import Notice
from limited_use.access_request import AccessRequest, Permit
from limited_use.guard import guard
from limited_use.policy import features
from limited_use.policy.vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.vault import blind_index, keys

from . import facts
from .facts import Found, FoundFor

# The permit by which this process matches notifications, for a minute.
_matching: dict[str, Permit] = {}
_matching_lock = Lock()

Permits = Mapping[tuple[UUID, DataClass], Permit]

_MAINTAIN = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_END = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_END, Recipient.OWN_PROVIDER)
_ASK = Use(DataClass.MAIL_METADATA, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_HINT = Use(DataClass.PROFILE, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_ACCOUNT = Use(DataClass.PROFILE, Purpose.CONNECTION_MAINTAIN, Recipient.OWNER)
_ANEW = tuple(
    Use(data_class, Purpose.VAULT_REKEY, Recipient.VAULT)
    for data_class in (DataClass.CREDENTIAL, DataClass.PROFILE)
)
_STORE = tuple(
    Use(data_class, Purpose.SYNC_STORE, Recipient.VAULT)
    for data_class in (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)
)


@dataclass(frozen=True, slots=True)
class SyncPermits:
    """
    What one turn of a sync may do to find out whether anything is new, decided together.

    `credential` opens the tokens, and `remote` opens cursors and remote ids for the own provider.
    Storing news is another use: see `to_store`.
    """

    credential: Permit
    remote: Permit


def to_display(
    *,
    actor: Actor,
    counts: Mapping[UUID, int | None],
    data_classes: Sequence[DataClass],
    at: datetime,
    found: FoundFor | None = None,
) -> Permits:
    """
    Return permits to show data of integrations to `actor`, by integration and data class.

    A person is shown their own; a service client what its token's purpose and
    delegation cover. One ledger entry per integration and data class.

    :param counts: how many rows of each integration will be opened; None: not known yet
    :param found: what was found for this question before, of some of them
    :raises guard.Refused: if one of them is not the actor's, or the policy says no
    """
    if not counts:
        return {}
    is_client = actor.kind == ActorKind.CLIENT
    # The purpose is the token's. One that the vocabulary lacks is passed on: the
    # policy refuses it, and the ledger says so.
    purpose = cast("Purpose", actor.purpose or "") if is_client else Purpose.INBOX_DISPLAY
    recipient = Recipient.PLATFORM_FEATURE if is_client else Recipient.OWNER
    true = _of_each(list(counts), actor=actor, at=at, found=found)
    asks = [
        AccessRequest(
            use=Use(data_class, purpose, recipient),
            holder=integration_id,
            epoch=true[integration_id].epoch,
            actor=actor,
            on_behalf_of=actor.user_id,
            facts=true[integration_id].facts,
            fences=true[integration_id].fences,
            feature=actor.feature if is_client else facts.OF_INBOX.key,
            count=counts[integration_id],
            names=true[integration_id].names,
        )
        for integration_id, data_class in product(counts, data_classes)
    ]
    return {(permit.holder, permit.use.data_class): permit for permit in guard.permits(asks, at=at)}


def _of_each(
    ids: Sequence[UUID], *, actor: Actor, at: datetime, found: FoundFor | None
) -> Mapping[UUID, Found]:
    known = found.of if found is not None and found.answers(actor, at) else {}
    missing = [one for one in ids if one not in known]
    return {**known, **facts.of_integrations(missing, actor=actor, at=at)}


def refuse_undeclared(*, actor: Actor, at: datetime) -> None:
    """
    Refuse a client whose purpose its feature does not declare, whatever it asks for.

    It would be refused where data is opened; but an empty list and an unknown id
    open nothing, and would tell it what there is.

    :raises guard.Refused: if the registry does not know this purpose of that feature
    """
    if actor.kind != ActorKind.CLIENT or features.registered(
        actor.feature, purpose=actor.purpose or "", data_class=None, client=True
    ):
        return
    nobody = UUID(int=0)
    theirs = Integration.objects.live().owned_by(
        actor.user_id or nobody, actor.organisation_id or nobody
    )
    # Of a person without any, the refusal is about the delegation that it came with.
    about = list(theirs.values_list("id", flat=True)) or [actor.delegation_id or actor.id]
    to_display(
        actor=actor,
        counts=dict.fromkeys(about, 0),
        data_classes=(DataClass.MAIL_METADATA,),
        at=at,
    )
    # Two checks of one registry cannot differ; if they did, nothing would be shown.
    raise RuntimeError("an undeclared purpose was permitted")


def to_show_accounts(*, actor: Actor, connection_ids: Sequence[UUID], at: datetime) -> Permits:
    """
    Return permits to show a person which accounts they connected, by connection.

    :raises guard.Refused: if one of them is not theirs, or has ended
    """
    if not connection_ids:
        return {}
    found = facts.of_connections(connection_ids, actor=actor)
    asks = [_ask(_ACCOUNT, one, found[one], actor=actor) for one in connection_ids]
    return {(permit.holder, permit.use.data_class): permit for permit in guard.permits(asks, at=at)}


def to_hint(*, actor: Actor, connection_id: UUID, at: datetime) -> Permit:
    """
    Return a permit to tell the provider, on a reconnect, which account is meant.

    And what it wanted to be asked for by, when it ended the grant.

    :raises guard.Refused: if the connection is not the actor's, or has ended
    """
    found = facts.of_connections([connection_id], actor=actor)[connection_id]
    return guard.permit(_ask(_HINT, connection_id, found, actor=actor), at=at)


def to_maintain(*, connection_id: UUID, at: datetime) -> Permit:
    """
    Return a permit to use a connection's access token at the provider that issued it.

    :raises guard.Refused: if the connection, or its grant, is not live
    """
    found = facts.of_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_ask(_MAINTAIN, connection_id, found), at=at)


def to_match(notice: Notice, *, at: datetime) -> Permit:
    """
    Return a permit to find out whom here a provider's proven notification is about.

    For all of a process within a minute the same one: each notification has its own proof, and what
    is decided, and stands in the ledger, is that such may be matched at all. So a flood of them
    leaves an entry a minute.

    :raises guard.Refused: if the policy does not allow it
    """
    with _matching_lock:
        held = _matching.get("permit")
        if held is None or at >= held.expires_at or held.expires_at - at > guard.LIFETIME:
            # That there is a notice at all is the fact: only its proof makes one.
            said = {Fact.PROVIDER_SAID} if notice.address else set()
            ask = AccessRequest(
                use=blind_index.ASKING,
                holder=blind_index.HOLDER,
                epoch=0,
                actor=SYSTEM,
                on_behalf_of=None,
                facts=frozenset(said),
            )
            held = _matching["permit"] = guard.permit(ask, at=at)
        return held


def to_refresh(*, connection_id: UUID, at: datetime) -> Permit:
    """
    Return a permit to use a connection's refresh token at the provider that issued it.

    :raises guard.Refused: if the connection, or its grant, is not live
    """
    found = facts.of_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_ask_grant(_MAINTAIN, connection_id, found), at=at)


def to_end(*, connection_id: UUID, at: datetime) -> Permit:
    """
    Return a permit to end a connection's grant at the provider that gave it.

    :raises guard.Refused: unless a purge is running, or the provider ended the grant
    """
    found = facts.of_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_ask_grant(_END, connection_id, found), at=at)


def to_stop(*, connection_id: UUID, at: datetime) -> Permit:
    """
    Return a permit to tell the provider, with a connection's access token, that something ends.

    :raises guard.Refused: unless a purge is running, or the provider ended the grant
    """
    found = facts.of_connections([connection_id], actor=SYSTEM)[connection_id]
    return guard.permit(_ask(_END, connection_id, found), at=at)


def to_seal_anew(*, connection_id: UUID, at: datetime) -> Permits:
    """
    Return permits to seal again, under other keys, what the connection's own key seals.

    :raises guard.Refused: if there is no such key
    """
    found = facts.of_connections([connection_id], actor=SYSTEM)[connection_id]
    if keys.read(connection_id) is not None:
        found = replace(found, facts=found.facts | {Fact.KEY_LIVE})
    asks = [_ask(use, connection_id, found) for use in _ANEW]
    return {(permit.holder, permit.use.data_class): permit for permit in guard.permits(asks, at=at)}


def to_sync(*, integration_id: UUID, at: datetime) -> SyncPermits:
    """
    Return what a turn needs to ask the provider for news: one call of the guard, two entries.

    If storing would be refused, so is this, and that refusal is recorded: the turn ends before it
    asks the provider.

    :raises guard.Refused: if integration, grant or consent is not live
    """
    content, grant = facts.of_integration_and_connection(integration_id, actor=SYSTEM, at=at)
    # An unknown integration has no connection; the guard refuses and records it all the same.
    connection_id = content.connection_id or integration_id
    asks = [
        _ask(_MAINTAIN, connection_id, grant),
        _ask(_ASK, integration_id, content),
        *guard.would_refuse([_ask(use, integration_id, content) for use in _STORE]),
    ]
    credential, remote = guard.permits(asks, at=at)
    return SyncPermits(credential, remote)


def to_store(*, integration_id: UUID, at: datetime) -> Mapping[DataClass, Permit]:
    """
    Return permits to store news of a mailbox: one entry for each data class.

    Call it when something arrived, and before any of it is sealed.

    :raises guard.Refused: if integration, grant or consent is no longer live
    """
    content = facts.of_integrations([integration_id], actor=SYSTEM, at=at)[integration_id]
    store = guard.permits([_ask(use, integration_id, content) for use in _STORE], at=at)
    return MappingProxyType({permit.use.data_class: permit for permit in store})


def _ask(use: Use, holder: UUID, found: Found, *, actor: Actor = SYSTEM) -> AccessRequest:
    return AccessRequest(
        use=use,
        holder=holder,
        epoch=found.epoch,
        actor=actor,
        on_behalf_of=found.owner_id if actor is SYSTEM else actor.user_id,
        facts=found.facts,
        fences=found.fences,
        account=found.connection_id,
        names=found.names,
    )


def _ask_grant(use: Use, connection_id: UUID, found: Found) -> AccessRequest:
    # The grant is what the connection holds it by; in the ledger it is the connection's.
    asked = _ask(use, found.grant_id or connection_id, found)
    return replace(asked, about=connection_id)
