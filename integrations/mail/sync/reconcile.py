"""
Is everything here? Our ids against the provider's listing, after the first sync and daily.

Mailboxes are compared whole up to a size, and above it in their newest part and at places of the
older one that are drawn anew each time. What is missing is fetched; what is too much is asked for
and, if the provider knows it no more, removed. The numbers are kept and shown, so that a gap is
seen by its owner and mends itself.
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
from limited_use.sinks import provider as own_provider

from . import mail_delta, provider_ids, quarantine
from .session import MailChanges, MailSyncSession

EVERY = timedelta(days=1)
# Listed whole up to this many messages; above it, the newest so many,
WHOLE = 20_000
# and of as many equal parts of the time before them a page each.
SAMPLES = 4
# Extra messages asked for one by one in a run.
VERIFIED = 200
SWEEP = 1_000


@dataclass(frozen=True, slots=True)
class MailComparison:
    """How many there are of what was compared, differences, and how many of them are mended."""

    provider_count: int
    our_count: int
    missing: int
    extra: int
    repaired: int


@dataclass(slots=True)
class ProviderListing:
    """
    What the provider lists now of a stretch of time; None is without a bound.

    :param is_whole: nothing of it is left out; else what is older than the last of `refs`
    :param blinds: the ids of `refs` by their blind, once somebody asked for them
    """

    since: datetime | None = None
    until: datetime | None = None
    refs: dict[str, MessageRef] = field(default_factory=dict)
    is_whole: bool = True
    blinds: dict[bytes, str] | None = None


def reconcile_if_due(session: MailSyncSession) -> bool:
    """Compare, if it is time. Return whether nothing is left to do now."""
    due_at = session.work.reconcile_at
    if due_at is None or due_at > session.clock.now():
        return True
    _delete_aged(session)
    quarantine.retry_temporary(integration_id=session.owner.integration_id, at=due_at)
    listings = list(_get_listings(session))
    missing = [ref for listing in listings for ref in _find_missing(session, listing)]
    extra = [row_id for listing in listings for row_id in _find_extra(session, listing)]
    listed_refs = [ref for listing in listings for ref in listing.refs.values()]
    stored_count = _count_stored(session, listed_refs) + len(extra)
    # A fetch settles either kind: it brings what is there, and removes what is gone.
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
    """Let the next run compare. Return whether there is such work."""
    SyncWork.objects.filter(integration_id=integration_id).update(reconcile_at=at)
    return work_leases.mark_due(integration_id=integration_id, at=at)


def _delete_aged(session: MailSyncSession) -> None:
    """Remove what has grown older than the horizon."""
    if session.horizon_start is None:
        return
    aged = Message.objects.filter(
        integration_id=session.owner.integration_id, received_at__lt=session.horizon_start
    )
    while ids := list(aged.order_by("id").values_list("id", flat=True)[:SWEEP]):
        session.commit(MailChanges(swept=ids))


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
    """Yield a page of each part of the time before `until`, from a moment in it that is drawn."""
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
    return mailbox.session.call(
        lambda: mailbox.adapter.list_messages(since=since, until=until, page=page),
        units=mailbox.units.list_page,
    )


def _find_missing(session: MailSyncSession, listing: ProviderListing) -> list[MessageRef]:
    """Return what the provider lists and we lack, less what was set aside."""
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
    fetchable_ids = set(missing_ids) - quarantine.find_quarantined(
        session.owner.integration_id, missing_ids, sealer=session.sealer
    )
    return [ref for remote_id, ref in listing.refs.items() if remote_id in fetchable_ids]


def _blind_listing(session: MailSyncSession, listing: ProviderListing) -> dict[bytes, str]:
    """Return the provider's ids of a whole listing by their blind, made once."""
    if listing.blinds is None:
        listing.blinds = provider_ids.blind_message_ids(session.sealer, listing.refs)
    return listing.blinds


def _get_stored(session: MailSyncSession) -> QuerySet[Message]:
    return Message.objects.filter(integration_id=session.owner.integration_id)


def _get_stored_between(session: MailSyncSession, listing: ProviderListing) -> QuerySet[Message]:
    """Return what we have of the time that a listing goes over."""
    stored = _get_stored(session)
    if listing.until is not None:
        stored = stored.filter(received_at__lt=listing.until)
    if not listing.is_whole:
        oldest = _find_oldest(session, listing)
        return stored.filter(received_at__gt=oldest) if oldest else stored.none()
    return stored if listing.since is None else stored.filter(received_at__gte=listing.since)


def _find_oldest(session: MailSyncSession, listing: ProviderListing) -> datetime | None:
    """Return when the last that is listed was received, as far as we have those; else None."""
    last = list(_blind_listing(session, listing))[-1000:]
    oldest = _get_stored(session).filter(remote_blind__any_of=last).aggregate(at=Min("received_at"))
    received_at: datetime | None = oldest["at"]
    return received_at


def _find_extra(session: MailSyncSession, listing: ProviderListing) -> list[UUID]:
    """Return which rows only we have, as far back as the listing goes."""
    ids_by_blind = _blind_listing(session, listing)
    stored_rows = _get_stored_between(session, listing).values_list("id", "remote_blind")
    return [row_id for row_id, blind in stored_rows if bytes(blind) not in ids_by_blind]


def _open_refs(session: MailSyncSession, row_ids: list[UUID]) -> list[MessageRef]:
    """Return the provider's own ids of rows of ours, to ask it about them."""
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
    """Return what the provider calls a message; all else of its summary stays in the sink."""
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
