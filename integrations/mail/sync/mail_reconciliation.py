"""
Compare stored messages with the provider's listing, after the first sync and daily.

A small mailbox is compared whole, a larger one in its newest part and at random positions of the
older part. Missing and extra messages are fetched; extra ones that the provider does not have are
deleted. The counts are stored, so that the owner sees a gap.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Min, QuerySet

from integrations.access import fences
from integrations.models import Message, Reconciliation, SyncWork
from integrations.providers.mail import MessageListPage, MessageRef
from integrations.sync import work_leases
from limited_use.sinks import provider_sink as own_provider

from . import mail_delta, mail_quarantine, provider_ids
from .mail_session import MailChanges, MailSyncSession

EVERY = timedelta(days=1)
# A mailbox up to this size is compared whole; of a larger one, this many newest messages are,
WHOLE = 20_000
# and one page of each of this many equal parts of the older time.
SAMPLES = 4
# Most extra messages that one turn fetches.
VERIFIED = 200
SWEEP = 1_000


@dataclass(frozen=True, slots=True)
class MailComparison:
    provider_count: int
    our_count: int
    missing: int
    extra: int
    repaired: int


@dataclass(slots=True)
class ProviderListing:
    """
    The provider's current messages in an interval; None: no bound.

    :param is_whole: else the part older than the last ref is left out
    :param blinds: ids of `refs` by their blind, computed on first use
    """

    since: datetime | None = None
    until: datetime | None = None
    refs: dict[str, MessageRef] = field(default_factory=dict)
    is_whole: bool = True
    blinds: dict[bytes, str] | None = None


def reconcile_if_due(session: MailSyncSession) -> bool:
    """Return whether nothing is left to do now."""
    due_at = session.work.reconcile_at
    if due_at is None or due_at > session.clock.now():
        return True
    delete_aged(session)
    mail_quarantine.retry_temporary(integration_id=session.owner.integration_id, at=due_at)
    listings = list(_get_listings(session))
    missing = [ref for listing in listings for ref in _find_missing(session, listing)]
    extra = [row_id for listing in listings for row_id in _find_extra(session, listing)]
    listed_refs = [ref for listing in listings for ref in listing.refs.values()]
    stored_count = _count_stored(session, listed_refs) + len(extra)
    # A fetch repairs both kinds: it stores existing messages, and deletes missing ones.
    extra_refs = _open_refs(session, extra[:VERIFIED])
    finished = mail_delta.fetch_and_store(session, [*missing, *extra_refs])
    repaired = (
        _count_stored(session, missing) + len(extra_refs) - _count_stored(session, extra_refs)
    )
    _record_comparison(
        session,
        MailComparison(len(listed_refs), stored_count, len(missing), len(extra_refs), repaired),
    )
    interval = EVERY if finished else timedelta(0)
    session.commit(MailChanges(values={"reconcile_at": session.clock.now() + interval}))
    return finished


def request_reconciliation(*, integration_id: UUID, at: datetime) -> bool:
    """Make a comparison due; return whether the integration has work."""
    SyncWork.objects.filter(integration_id=integration_id).update(reconcile_at=at)
    return work_leases.mark_sync_due(integration_id=integration_id, at=at)


def delete_aged(session: MailSyncSession) -> None:
    if session.horizon_start is None:
        return
    aged = Message.objects.filter(
        integration_id=session.owner.integration_id, received_at__lt=session.horizon_start
    )
    while ids := list(aged.order_by("id").values_list("id", flat=True)[:SWEEP]):
        session.commit(MailChanges(aged=ids))


def _get_listings(session: MailSyncSession) -> Iterator[ProviderListing]:
    newest = _list_newest(session)
    yield newest
    if not newest.is_whole and (until := _find_oldest(session, newest)) is not None:
        yield from _list_samples(session, until)


def _list_newest(session: MailSyncSession) -> ProviderListing:
    listing = ProviderListing()
    page: str | None = None
    while True:
        listed = _get_page(session, since=session.horizon_start, page=page)
        listing.refs |= {ref.message_id: ref for ref in listed.refs}
        page = listed.next_page
        if page is None:
            return listing
        if len(listing.refs) >= WHOLE:
            listing.is_whole = False
            return listing


def _list_samples(session: MailSyncSession, until: datetime) -> Iterator[ProviderListing]:
    """Yield a page of each part of the time before `until`, from a random moment."""
    since = session.horizon_start or _get_stored(session).aggregate(at=Min("received_at"))["at"]
    if since is None:
        return
    # Providers count in seconds.
    since, until = since.replace(microsecond=0), until.replace(microsecond=0)
    part = int((until - since).total_seconds()) // SAMPLES
    for number in range(SAMPLES if part else 0):
        begin = since + timedelta(seconds=part * number)
        end = begin + timedelta(seconds=1 + secrets.randbelow(part))
        listed = _get_page(session, since=begin, until=end)
        refs = {ref.message_id: ref for ref in listed.refs}
        yield ProviderListing(begin, end, refs, is_whole=listed.next_page is None)


def _get_page(
    session: MailSyncSession,
    *,
    since: datetime | None,
    until: datetime | None = None,
    page: str | None = None,
) -> MessageListPage:
    mailbox = session.mailbox
    return mailbox.provider_session.call(
        lambda: mailbox.adapter.list_messages(since=since, until=until, page=page),
        units=mailbox.units.list_page,
    )


def _find_missing(session: MailSyncSession, listing: ProviderListing) -> list[MessageRef]:
    ids_by_blind = _blind_listing(session, listing)
    stored_blinds = (
        _get_stored(session)
        .filter(remote_blind__any_of=list(ids_by_blind))
        .values_list("remote_blind", flat=True)
    )
    missing_ids = [
        ids_by_blind[blind]
        for blind in ids_by_blind.keys() - {bytes(blind) for blind in stored_blinds}
    ]
    fetchable_ids = set(missing_ids) - mail_quarantine.find_quarantined(
        session.owner.integration_id, missing_ids, sealer=session.sealer
    )
    return [ref for remote_id, ref in listing.refs.items() if remote_id in fetchable_ids]


def _blind_listing(session: MailSyncSession, listing: ProviderListing) -> dict[bytes, str]:
    if listing.blinds is None:
        listing.blinds = provider_ids.blind_message_ids(session.sealer, listing.refs)
    return listing.blinds


def _get_stored(session: MailSyncSession) -> QuerySet[Message]:
    return Message.objects.filter(integration_id=session.owner.integration_id)


def _get_stored_between(session: MailSyncSession, listing: ProviderListing) -> QuerySet[Message]:
    stored = _get_stored(session)
    if listing.until is not None:
        stored = stored.filter(received_at__lt=listing.until)
    if not listing.is_whole:
        oldest = _find_oldest(session, listing)
        return stored.filter(received_at__gt=oldest) if oldest else stored.none()
    return stored if listing.since is None else stored.filter(received_at__gte=listing.since)


def _find_oldest(session: MailSyncSession, listing: ProviderListing) -> datetime | None:
    """Return when the last listed messages were received, by those that are stored."""
    last = list(_blind_listing(session, listing))[-1000:]
    oldest = _get_stored(session).filter(remote_blind__any_of=last).aggregate(at=Min("received_at"))
    received_at: datetime | None = oldest["at"]
    return received_at


def _find_extra(session: MailSyncSession, listing: ProviderListing) -> list[UUID]:
    ids_by_blind = _blind_listing(session, listing)
    stored_rows = _get_stored_between(session, listing).values_list("id", "remote_blind")
    return [row_id for row_id, blind in stored_rows if bytes(blind) not in ids_by_blind]


def _open_refs(session: MailSyncSession, row_ids: list[UUID]) -> list[MessageRef]:
    rows = _get_stored(session).filter(id__in=row_ids).only("id", "integration_id", "summary")
    summaries = [row.summary for row in rows]
    return own_provider.pick_parts(
        summaries,
        session.permits.remote,
        _read_ref,
        to=session.mailbox.adapter.access,
        at=session.clock.now(),
    )


def _read_ref(summary: bytes) -> MessageRef:
    """The rest of the summary stays in the sink."""
    fields = orjson.loads(summary)
    return MessageRef(fields["provider_id"], fields["provider_thread_id"])


def _count_stored(session: MailSyncSession, refs: list[MessageRef]) -> int:
    blinds = provider_ids.blind_message_ids(session.sealer, (ref.message_id for ref in refs))
    return _get_stored(session).filter(remote_blind__any_of=list(blinds)).count()


def _record_comparison(session: MailSyncSession, comparison: MailComparison) -> None:
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=session.owner.integration_id, epoch=session.epoch)
        Reconciliation.objects.create(
            integration_id=session.owner.integration_id,
            compared_at=session.clock.now(),
            provider_count=comparison.provider_count,
            our_count=comparison.our_count,
            missing_count=comparison.missing,
            extra_count=comparison.extra,
            repaired_count=comparison.repaired,
        )
