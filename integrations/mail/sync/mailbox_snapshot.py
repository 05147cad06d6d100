"""
List and fetch the whole mailbox within the horizon, newest first.

The change cursor is read before the listing, so that a message that arrives during the snapshot
is seen twice and never missed. Every row carries the round that saw it: after a crash, a page is
repeated and stamped rows are skipped. A finished round deletes the rows that it did not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from integrations.models import Message, SyncStage
from integrations.providers import errors
from integrations.providers.mail import MessageListPage, MessageRef

from . import fetch_planner, mail_quarantine, mail_reconciliation, message_fetch, provider_ids
from .mail_session import MailChanges, MailSyncSession
from .throttled_mailbox import FetchResult

# Pages of up to 500 ids that are planned together. A wider window saves units on long threads, but
# a turn that ends within a window lists it again.
WINDOW_PAGES = 5
SWEEP = 1_000


@dataclass(slots=True)
class ListingWindow:
    pages: list[MessageListPage]
    begins_at: str | None
    done_ids: set[str] = field(default_factory=set)

    def get_refs(self) -> Iterator[MessageRef]:
        for page in self.pages:
            yield from page.refs

    @property
    def ends_at(self) -> str | None:
        """Start of the next window; None after the last."""
        return self.pages[-1].next_page

    @property
    def resume_position(self) -> str | None:
        """A later turn lists from the first unfinished page."""
        position = self.begins_at
        for page in self.pages:
            if page.next_page is None or any(r.message_id not in self.done_ids for r in page.refs):
                break
            position = page.next_page
        return position


def begin_snapshot_round(session: MailSyncSession) -> None:
    """Store the cursor from which to follow changes after this round, unless it is stored."""
    if session.work.cursor is not None:
        return
    mailbox = session.mailbox
    profile = mailbox.provider_session.call(
        mailbox.adapter.get_profile, units=mailbox.units.profile
    )
    expected = profile.message_count if session.horizon_start is None else 0
    session.commit(
        MailChanges(
            values={
                "cursor": session.seal_column("cursor", profile.cursor),
                "expected_count": expected,
            }
        )
    )


def advance_snapshot_round(session: MailSyncSession) -> bool:
    """Continue the round; return False if the time is over before its end."""
    position = session.open_column("position")
    is_opening = position is None and not session.work.done_count
    while not session.is_time_over:
        window = _list_window(session, position, pages=1 if is_opening else WINDOW_PAGES)
        if not _fetch_window(session, window, only_newest=is_opening):
            return False
        if is_opening:
            # The newest messages are readable: now use a wide window, which plans better.
            is_opening = False
            continue
        position = window.ends_at
        if position is None:
            return _finish_round(session)
        session.commit(MailChanges(values={"position": session.seal_column("position", position)}))
    return False


def restart_snapshot_round(session: MailSyncSession) -> None:
    """Begin a new round, because the provider no longer accepts the cursor."""
    session.commit(
        MailChanges(
            values={
                "stage": SyncStage.SNAPSHOT,
                "round": session.work.round + 1,
                "cursor": None,
                "position": None,
                "done_count": 0,
                "mime_count": 0,
                "expected_count": 0,
            }
        )
    )


def _list_window(session: MailSyncSession, position: str | None, *, pages: int) -> ListingWindow:
    window = ListingWindow([], position)
    page: str | None = position
    while len(window.pages) < pages:
        try:
            listed_page = _get_page(session, page)
        except errors.Unexpected:
            if position is None:
                raise
            # The position has expired. Messages that this round has seen are not fetched again.
            return _list_window(session, None, pages=pages)
        window.pages.append(listed_page)
        page = listed_page.next_page
        if page is None:
            break
    return window


def _get_page(session: MailSyncSession, page: str | None) -> MessageListPage:
    mailbox = session.mailbox
    return mailbox.provider_session.call(
        lambda: mailbox.adapter.list_messages(since=session.horizon_start, page=page),
        units=mailbox.units.list_page,
    )


def _fetch_window(session: MailSyncSession, window: ListingWindow, *, only_newest: bool) -> bool:
    refs = list(window.get_refs())
    ids = [ref.message_id for ref in refs]
    window.done_ids |= provider_ids.find_messages_seen(
        ids, owner=session.owner, sealer=session.sealer, seen_round=session.work.round
    )
    skipped = mail_quarantine.find_quarantined(
        session.owner.integration_id, ids, sealer=session.sealer
    )
    window.done_ids |= skipped
    missing_refs = [ref for ref in refs if ref.message_id not in window.done_ids]
    steps = fetch_planner.plan_fetch(missing_refs, session.mailbox.prices)
    if only_newest:
        steps = next(
            fetch_planner.split_fetch_steps(steps, first=message_fetch.FIRST_CHUNK, later=1), []
        )
    expected = max(
        window.pages[-1].estimate,
        session.work.expected_count,
        session.work.done_count + len(missing_refs),
    )
    if window.ends_at is None:
        expected = session.work.done_count + len(missing_refs)

    def write_fetched(fetched: FetchResult) -> None:
        batch = session.prepare_batch(fetched.messages, unseen_in=session.work.round)
        window.done_ids.update(message.message_id for message in fetched.messages)
        window.done_ids.update(fetched.gone_ids, fetched.rejected)
        values: dict[str, Any] = {
            "done_count": session.work.done_count + len(batch),
            "expected_count": expected,
        }
        if not only_newest:
            values["position"] = session.seal_column("position", window.resume_position)
        session.commit(MailChanges(batch=batch, quarantined=fetched.rejected, values=values))

    return message_fetch.fetch_in_chunks(
        session, steps, write_fetched, first=message_fetch.FIRST_CHUNK
    )


def _finish_round(session: MailSyncSession) -> bool:
    # The provider lists no mail beyond the horizon, so that this comes first.
    mail_reconciliation.delete_aged(session)
    rows = Message.objects.filter(
        integration_id=session.owner.integration_id, seen_round__lt=session.work.round
    )
    while ids := list(rows.order_by("id").values_list("id", flat=True)[:SWEEP]):
        session.commit(MailChanges(unlisted=ids))
    now = session.clock.now()
    session.commit(
        MailChanges(
            values={
                "stage": SyncStage.DELTA,
                "position": None,
                "expected_count": session.work.done_count,
                "first_synced_at": session.work.first_synced_at or now,
                "reconcile_at": now,
            }
        )
    )
    return True
