"""The values of a notice's mail, read when it is sent: platform mail accepts no other text."""

from __future__ import annotations

from uuid import UUID

from integrations.models import Connection, NoticeKind, OwnerNotice, PurgeJob, PurgeTrigger
from limited_use.notifications.message_kinds import KINDS, MessageValue

from . import removal_facts, removal_mail
from .notice_details import ProviderLabel, get_details, make_mail_values

_STAGES = frozenset({NoticeKind.RECONNECT, NoticeKind.RECONNECT_AGAIN, NoticeKind.RECONNECT_LAST})


def get_mail_values(notice: OwnerNotice) -> dict[str, MessageValue]:
    if notice.message in _STAGES:
        connection = Connection.objects.only("provider", "reauth_since").get(id=notice.about)
        return {
            "provider": ProviderLabel[connection.provider],
            "until": notice.until,
            # The grant is valid; only its permission is missing.
            "permission_only": connection.reauth_since is None,
        }
    if notice.message == NoticeKind.PURGED:
        return _describe_removal(PurgeJob.objects.get(id=notice.about))
    if notice.message == "receipt_ready":
        return removal_mail.describe_receipt(PurgeJob.objects.get(id=notice.about))
    return make_mail_values(get_details(notice), KINDS[notice.message].value_names)


def find_linked_receipt(notice: OwnerNotice) -> UUID | None:
    """Return the subject of the receipt that the mail links to; None for other messages."""
    if not KINDS[notice.message].links_receipt:
        return None
    return PurgeJob.objects.get(id=notice.about).integration_id


def _describe_removal(job: PurgeJob) -> dict[str, MessageValue]:
    situation = removal_facts.get_situation(job)
    return {
        "provider": ProviderLabel[situation.subject.provider],
        "product": removal_mail.name_product(situation),
        "others": removal_mail.name_kept_products(situation),
        "trigger": PurgeTrigger(job.trigger),
    }
