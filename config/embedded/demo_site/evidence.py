"""
Evidence that a step of the list happened: rows and ledger entries about Alice.

Everything is read as Alice, with the rights of the web process. No visitor's word counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final
from uuid import UUID

from accounts.actors import ActorKind
from accounts.models import User
from integrations.models import (
    Approval,
    ApprovalState,
    Integration,
    PurgeJob,
    PurgeTrigger,
    SetAside,
)
from integrations.settings.data_use import activity_log
from limited_use.ledger import subject_access
from limited_use.ledger.entry_filters import EntryFilter
from limited_use.ledger.subject_access import SubjectLedgerEntry
from limited_use.models import Share
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient

_PERMITTED, _REFUSED = "permitted", "refused"


class Evidence:
    """
    What one person's rows prove. Use it inside `row_owner.acting_for` that person.

    :param viewer_id: the colleague to share a calendar with
    """

    def __init__(self, *, user_id: UUID, organisation_id: UUID, viewer_id: UUID) -> None:
        self._owner = {"user_id": user_id, "organisation_id": organisation_id}
        self._user_id, self._viewer_id = user_id, viewer_id

    def has_connected(self, provider: str, product: str) -> bool:
        """Also true after a disconnect, until the connection is forgotten."""
        return (
            Integration.objects.owned_by(self._owner["user_id"], self._owner["organisation_id"])
            .filter(connection__provider=provider, product=product)
            .exists()
        )

    def has_read_mail(self) -> bool:
        return any(
            entry.data_class == DataClass.MAIL_CONTENT and self._is_own(entry)
            for entry in self._list_uses(Purpose.INBOX_DISPLAY)
        )

    def has_searched_at_provider(self) -> bool:
        # Only a search asks before it knows how many messages it shows.
        return any(
            entry.data_class == DataClass.MAIL_METADATA
            and entry.count is None
            and self._is_own(entry)
            for entry in self._list_uses(Purpose.INBOX_DISPLAY)
        )

    def has_sent_mail(self) -> bool:
        return (
            Integration.objects.owned_by(self._owner["user_id"], self._owner["organisation_id"])
            .filter(sent_count__gt=0)
            .exists()
        )

    def has_written_event(self) -> bool:
        return any(
            entry.recipient == Recipient.OWN_PROVIDER and self._is_own(entry)
            for entry in self._list_uses(Purpose.CALENDAR_SCHEDULE)
        )

    def has_shared_calendar(self) -> bool:
        """Shares of the demo's first data are as old as its people."""
        registered_at = User.objects.values_list("registered_at", flat=True).get(id=self._user_id)
        return Share.objects.filter(
            owner_id=self._user_id, viewer_id=self._viewer_id, given_at__gt=registered_at
        ).exists()

    def has_been_viewed(self) -> bool:
        return any(
            entry.recipient == Recipient.REGISTERED_USER
            and entry.actor_kind == ActorKind.PERSON
            and not self._is_own(entry)
            for entry in self._list_uses(Purpose.CALENDAR_SHARE)
        )

    def has_saved_file(self) -> bool:
        """Of a Drive that is connected, or was until its connection is forgotten."""
        return (
            Integration.objects.owned_by(self._owner["user_id"], self._owner["organisation_id"])
            .filter(saved_file_count__gt=0)
            .exists()
        )

    def has_marketing_refusal(self) -> bool:
        return bool(self._list_uses(Purpose.MARKETING, outcome=_REFUSED, limit=1))

    def has_admin_approval(self) -> bool:
        return Approval.objects.filter(
            **self._owner, provider="microsoft", state=ApprovalState.GIVEN
        ).exists()

    def has_quarantined_message(self) -> bool:
        # A message with a next try is only late.
        return SetAside.objects.filter(
            integration__in=Integration.objects.owned_by(
                self._owner["user_id"], self._owner["organisation_id"]
            ),
            next_try_at=None,
        ).exists()

    def has_disconnected(self) -> bool:
        return PurgeJob.objects.filter(user_id=self._user_id, trigger=PurgeTrigger.OWNER).exists()

    @cached_property
    def _subjects(self) -> activity_log.LedgerSubjects:
        return activity_log.find_subjects(**self._owner)

    def _list_uses(
        self,
        purpose: Purpose,
        *,
        outcome: str = _PERMITTED,
        limit: int = subject_access.MAX_ENTRIES,
    ) -> Sequence[SubjectLedgerEntry]:
        return subject_access.find_subject_entries(
            self._subjects.names, EntryFilter(purpose=purpose, outcome=outcome), limit=limit
        )

    def _is_own(self, entry: SubjectLedgerEntry) -> bool:
        return entry.actor in self._subjects.person


#: The proof of each step, by its key. The middleware notices the last step, `check-receipt`.
PROOFS: Final[Mapping[str, Callable[[Evidence], bool]]] = {
    "connect-mail": lambda evidence: evidence.has_connected("google", "mail"),
    "read-mail": Evidence.has_read_mail,
    "search-mail": Evidence.has_searched_at_provider,
    "answer-mail": Evidence.has_sent_mail,
    "connect-calendar": lambda evidence: evidence.has_connected("google", "calendar"),
    "write-event": Evidence.has_written_event,
    "share-calendar": Evidence.has_shared_calendar,
    "view-shared": Evidence.has_been_viewed,
    "save-file": Evidence.has_saved_file,
    "see-refusal": Evidence.has_marketing_refusal,
    "ask-administrator": Evidence.has_admin_approval,
    "hostile-mail": Evidence.has_quarantined_message,
    "disconnect": Evidence.has_disconnected,
}
