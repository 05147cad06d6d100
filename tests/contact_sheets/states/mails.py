"""Mails, as plain text in a frame of their own."""

from __future__ import annotations

from datetime import timedelta

from django.core import mail

from accounts import account_mail, reset_links, sign_in_links
from accounts.roles import Role
from integrations.models import (
    Connection,
    ConnectionStatus,
    IntegrationStatus,
    NoticeKind,
    PurgeTrigger,
    StatusReason,
)
from integrations.notifications import owner_notices
from tests.contact_sheets import rows
from tests.contact_sheets.state import Group

GROUP = Group("mails", "Mails")
DAYS = {
    NoticeKind.RECONNECT: 0,
    NoticeKind.RECONNECT_AGAIN: 7,
    NoticeKind.RECONNECT_LAST: 12,
}
ENDINGS = [PurgeTrigger.GRANT_ENDED, PurgeTrigger.PERMISSION_WITHDRAWN, PurgeTrigger.INACTIVE]


@GROUP.state()
def sign_in_link(stage):
    account_mail.send_queued(sign_in_links.MAIL, user_id=stage.user.id, at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.state()
def reset_link(stage):
    account_mail.send_queued(reset_links.MAIL, user_id=stage.user.id, at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.states(DAYS)
def notice(stage, kind, days):
    Connection.objects.filter(id=stage.mail.connection.id).update(
        connected_at=stage.at - timedelta(days=90),
        reauth_since=stage.at,
        status=ConnectionStatus.REAUTH_REQUIRED,
    )
    for house in (stage.mail, stage.calendar):
        rows.set_status(house, IntegrationStatus.REAUTH_REQUIRED, StatusReason.GRANT_REVOKED)
    owner_notices.send_due_notices(at=stage.at + timedelta(days=days, minutes=1))
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.state()
def sign_in_link_of_staff(stage):
    person = stage.add_person("Rita", Role.REVIEWER)
    account_mail.send_queued(sign_in_links.MAIL, user_id=person.id, at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.state()
def notice_of_missing_permission(stage):
    rows.set_status(stage.mail, IntegrationStatus.REAUTH_REQUIRED, StatusReason.SCOPE_MISSING)
    owner_notices.send_due_notices(at=stage.at + timedelta(minutes=1))
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.state()
def notice_of_one_product(stage):
    (job,) = rows.disconnect(stage, stage.mail, trigger=PurgeTrigger.LEFT_ORGANISATION)
    owner_notices.record_purged(job=job, at=stage.at)
    owner_notices.send_purged_notice(job=job, at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.states([(NoticeKind.PURGED, trigger) for trigger in ENDINGS])
def notice_of(stage, key):
    jobs = rows.disconnect(stage, stage.mail, stage.calendar, trigger=key[1])
    owner_notices.record_purged(job=jobs[0], at=stage.at)
    owner_notices.send_purged_notice(job=jobs[0], at=stage.at)
    return rows.show_mail(stage, mail.outbox[-1])


@GROUP.states(["all", "mail"])
def receipt_of(stage, products):
    houses = [stage.mail, stage.calendar] if products == "all" else [stage.mail]
    jobs = rows.disconnect(stage, *houses)
    rows.finish_purge(stage, *jobs)
    return rows.show_mail(stage, mail.outbox[-1])
