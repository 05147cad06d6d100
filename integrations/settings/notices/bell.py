"""The number of unread notices, in the head of every page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext

from accounts.current_organisation import get_membership
from integrations.models import OwnerNotice
from integrations.notifications import notice_kinds

#: Larger numbers say nothing more, and are not counted.
_MAX_COUNT: Final = 99


@dataclass(frozen=True, slots=True)
class NoticeBell:
    """
    :param label: the accessible name of the link
    :param count_text: empty without unread notices
    """

    label: str
    count_text: str


def add_bell(request: HttpRequest) -> dict[str, Any]:
    """Give templates `notice_bell`, counted on use: None without a person in an organisation."""

    @cache
    def get_bell() -> NoticeBell | None:
        return _count_bell(request)

    return {"notice_bell": get_bell}


def _count_bell(request: HttpRequest) -> NoticeBell | None:
    # Staff have their notices on the public site.
    has_notices = settings.SITE != "staff" and getattr(request, "user", None)
    membership = get_membership(request) if has_notices else None
    if membership is None:
        return None
    unread = OwnerNotice.objects.filter(
        user_id=membership.user_id,
        organisation_id=membership.organisation_id,
        read_at=None,
        resolved_at=None,
        message__in=notice_kinds.list_message_keys(),
    )
    count = unread[: _MAX_COUNT + 1].count()
    if not count:
        return NoticeBell(gettext("Notices"), "")
    if count > _MAX_COUNT:
        return NoticeBell(gettext("Notices, more than 99 unread"), "99+")
    label = ngettext("Notices, %(count)s unread", "Notices, %(count)s unread", count)
    return NoticeBell(label % {"count": count}, str(count))
