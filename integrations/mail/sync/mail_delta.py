"""Changes since the cursor (added, refiled, deleted messages), and retries of quarantined mail."""

from __future__ import annotations

from integrations.providers.mail import FilingChange, MailChangePage, MessageRef
from integrations.push import watch_health

from . import fetch_planner, label_changes, mail_quarantine, message_fetch, provider_ids
from .mail_session import MailChanges, MailSyncSession
from .throttled_mailbox import FetchResult, make_single_steps


def follow_changes(session: MailSyncSession) -> bool:
    """
    Return False if the time is over before their end.

    :raises CursorExpired:
    """
    while not session.is_time_over:
        cursor = session.open_column("cursor")
        if cursor is None:
            raise LookupError("a delta begins at a cursor")
        page = _get_change_page(session, cursor)
        if not _write_page(session, page, moved=page.cursor != cursor):
            return False
        if session.awaits_change or not page.has_more:
            return True
    return False


def _get_change_page(session: MailSyncSession, cursor: str) -> MailChangePage:
    mailbox = session.mailbox
    return mailbox.provider_session.call(
        lambda: mailbox.adapter.get_changes(cursor), units=mailbox.units.changes
    )


def _write_page(session: MailSyncSession, page: MailChangePage, *, moved: bool) -> bool:
    has_news = bool(page.upserted or page.refiled or page.deleted)
    session.found_changes = session.found_changes or has_news
    session.has_new_names = session.has_new_names or page.has_new_names
    if not has_news:
        if moved:
            _store_cursor(session, page)
        return True
    refiled = _find_refiled(session, page)
    refiled_ids = {change.ref.message_id for change in refiled}
    ids = [ref.message_id for ref in page.upserted if ref.message_id not in refiled_ids]
    skipped = mail_quarantine.find_quarantined(
        session.owner.integration_id, ids, sealer=session.sealer
    )
    refs = [ref for ref in page.upserted if ref.message_id not in skipped | refiled_ids]
    unavailable_ids: list[str] = []
    if not fetch_and_store(session, refs, unavailable_ids=unavailable_ids):
        return False
    if unavailable_ids and _was_notified_recently(session):
        # Poll again from the same cursor in a moment.
        session.awaits_change = True
        return True
    new_flags = None
    relabelled = [*page.refiled, *refiled]
    if relabelled:
        new_flags = label_changes.prepare_changes(
            relabelled, owner=session.owner, sealer=session.sealer
        )
    if moved or new_flags or page.deleted:
        values = {
            "cursor": session.seal_column("cursor", page.cursor),
            "last_event_at": session.clock.now(),
        }
        # In the commit of the page's last rows: a crash repeats the page, and never skips it.
        session.commit(
            MailChanges(
                label_changes=new_flags, removed=page.deleted, settled=page.deleted, values=values
            )
        )
    return True


def _store_cursor(session: MailSyncSession, page: MailChangePage) -> None:
    """Store the cursor of a page without changes, or leave it to the end of the turn."""
    if page.has_new_names:
        # The cursor may contain names that were not stored before.
        session.ask_to_store()
    sealed = session.seal_cursor(page.cursor)
    if page.has_more:
        session.commit(MailChanges(values={"cursor": sealed}))
    else:
        # The end of the turn writes it.
        session.unsaved_values["cursor"] = session.work.cursor = sealed


def _find_refiled(session: MailSyncSession, page: MailChangePage) -> list[FilingChange]:
    """Return those of `upserted` that are stored as final content: only their labels can differ."""
    stored_ids = provider_ids.find_non_drafts(
        page.filings, owner=session.owner, sealer=session.sealer
    )
    return [
        FilingChange(ref, page.filings[ref.message_id])
        for ref in page.upserted
        if ref.message_id in stored_ids
    ]


def _was_notified_recently(session: MailSyncSession) -> bool:
    """
    Messages of a recent notification may not be readable yet; otherwise an unreadable message was
    deleted again.
    """
    watch = watch_health.load_resource_health(session.owner.integration_id, session.work.resource)
    return watch is not None and watch.was_notified_recently(session.clock.now())


def fetch_and_store(
    session: MailSyncSession, refs: list[MessageRef], *, unavailable_ids: list[str] | None = None
) -> bool:
    """
    Return False if the time was over before the end.

    :param unavailable_ids: receives the ids of messages that the provider does not have
    """
    ids = {ref.message_id for ref in refs}

    def write_fetched(fetched: FetchResult) -> None:
        if unavailable_ids is not None:
            unavailable_ids.extend(ids.intersection(fetched.gone_ids))
        batch = session.prepare_batch(
            [message for message in fetched.messages if message.message_id in ids]
        )
        rejected = {
            message_id: why for message_id, why in fetched.rejected.items() if message_id in ids
        }
        session.commit(
            MailChanges(
                batch=batch,
                removed=fetched.gone_ids,
                quarantined=rejected,
                values={"done_count": session.work.done_count + batch.new_count},
            )
        )

    steps = fetch_planner.plan_fetch(refs, session.mailbox.prices)
    # A page is repeated until its last row is stored. With quota for a part only, each turn would
    # fetch the same part and never the rest.
    session.mailbox.reserve_units(fetch_planner.sum_quota_units(steps))
    return message_fetch.fetch_in_chunks(session, steps, write_fetched)


def fetch_quarantined(session: MailSyncSession) -> bool:
    """Return False if the time was over."""
    integration_id, permit, at = (
        session.owner.integration_id,
        session.permits.remote,
        session.clock.now(),
    )
    if not session.mailbox_state.is_any_due(at):
        return True
    requested_ids = mail_quarantine.get_requested_ids(
        integration_id, permit=permit, to=session.mailbox.adapter.access, at=at
    )
    delayed_ids = mail_quarantine.get_due_ids(
        integration_id, permit=permit, to=session.mailbox.adapter.access, at=at
    )

    def write_fetched(fetched: FetchResult) -> None:
        arrived_ids = [message.message_id for message in fetched.messages]
        session.commit(
            MailChanges(
                batch=session.prepare_batch(fetched.messages),
                removed=fetched.gone_ids,
                quarantined=fetched.rejected,
                settled=[*arrived_ids, *fetched.gone_ids],
            )
        )

    # A worker may have died of a message that its owner wants to retry.
    if not message_fetch.fetch_one_by_one(
        session, requested_ids, write_fetched, were_quarantined=True
    ):
        return False
    steps = make_single_steps(delayed_ids, session.mailbox.prices)
    return message_fetch.fetch_in_chunks(session, steps, write_fetched, were_quarantined=True)
