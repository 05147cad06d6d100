"""
Rows of the support console: codes, look-ups and acts.

They hold ids of ours, words of closed lists, and what an agent wrote about the case; never an
address or content of an account.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7

from .connection import Connection, Integration

#: A code that a person reads out; `open_support_lookup` (``migrations/sql``) has the same times.
CODE_LASTS: Final = timedelta(minutes=10)
#: How long an agent sees the state of a person whom they found.
LOOKUP_LASTS: Final = timedelta(minutes=30)
MAX_TEXT: Final = 500
#: A time, and an HMAC-SHA256 in base64.
MAX_SIGNATURE: Final = 64
MAX_TICKET: Final = 40


class SupportReason(models.TextChoices):
    """Why an agent acts. The person is told."""

    OWNER_ASKED = "owner_asked"
    SYNC_PROBLEM = "sync_problem"
    DEVICE_LOST = "device_lost"
    ACCOUNT_AT_RISK = "account_at_risk"
    LEFT_ORGANISATION = "left_organisation"
    INCIDENT = "incident"
    OTHER = "other"


class LookupMeans(models.TextChoices):
    """What the agent typed. The value itself is not stored."""

    # The sign-in address, or that of a connected account.
    ADDRESS = "address"
    PLATFORM_ID = "platform_id"
    CONNECTION = "connection"
    RECEIPT = "receipt"
    CODE = "code"


class SupportCode(models.Model):
    """A short code that a person reads out to support. It finds the person, and allows nothing."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    # A keyed hash (`accounts.keyed_hashes`).
    code_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    # The first agent who entered it, as the person is shown.
    used_by = models.UUIDField(null=True)
    agent_name = models.CharField(max_length=120, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at=None, used_by=None)
                | Q(used_at__isnull=False, used_by__isnull=False),
                name="support_code_used_by_an_agent",
            ),
        ]
        indexes = [models.Index(fields=["user", "made_at"], name="support_code_by_person")]

    def __str__(self) -> str:
        return f"support code {self.id}"


class SupportLookup(models.Model):
    """
    One person whom an agent found; or a search without a result.

    Only a database function creates it, so a staff process finds nobody without a row. While it is
    open, the agent sees the state of the person's connections.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The look-up's ledger entry is about it. A typed address can find several people.
    search_id = models.UUIDField()
    agent_id = models.UUIDField()
    means = models.CharField(max_length=16, choices=LookupMeans)
    user = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=24, choices=SupportReason)
    ticket = models.CharField(max_length=MAX_TICKET, blank=True)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # When the person was notified.
    notified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A staff process chooses the words, and the person's page has a text for each of them.
            models.CheckConstraint(
                condition=Q(means__in=LookupMeans.values, reason__in=SupportReason.values),
                name="support_lookup_has_known_words",
            ),
        ]
        indexes = [
            models.Index(fields=["agent_id", "expires_at"], name="support_lookup_by_agent"),
            models.Index(fields=["user", "opened_at"], name="support_lookup_by_person"),
            models.Index(
                fields=["opened_at"],
                condition=Q(notified_at=None, user__isnull=False),
                name="support_lookup_to_notify",
            ),
        ]

    def __str__(self) -> str:
        return f"support look-up {self.id}"


class SupportActKind(models.TextChoices):
    REVOKE_INTEGRATION = "revoke_integration"
    REVOKE_CONNECTION = "revoke_connection"
    # Every connection of the person, in all organisations.
    REVOKE_PERSON = "revoke_person"
    SYNC_NOW = "sync_now"
    RETRY_QUARANTINED = "retry_quarantined"
    RENEW_PUSH = "renew_push"
    SEND_RECEIPT_LINK = "send_receipt_link"


REVOCATIONS: Final = (
    SupportActKind.REVOKE_INTEGRATION,
    SupportActKind.REVOKE_CONNECTION,
    SupportActKind.REVOKE_PERSON,
)


class SupportActState(models.TextChoices):
    WAITING = "waiting"
    DONE = "done"
    # There was nothing left to do, for example because the owner was faster.
    UNNECESSARY = "unnecessary"
    # Before it began: the bulk revocation was stopped, the agent is no longer of support, or the
    # owner has to reconnect first.
    STOPPED = "stopped"
    FAILED = "failed"


class SupportAct(models.Model):
    """
    Something that an agent ordered. A worker does it, and notifies the person.

    A staff process can only insert the row: it cannot change anything of the person itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent_id = models.UUIDField()
    kind = models.CharField(max_length=24, choices=SupportActKind)
    # Exactly one: the agent found the person, or a bulk revocation did.
    lookup = models.ForeignKey(
        SupportLookup, null=True, on_delete=models.PROTECT, related_name="acts"
    )
    bulk = models.ForeignKey(
        "integrations.BulkRevocation", null=True, on_delete=models.PROTECT, related_name="acts"
    )
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(
        Connection, null=True, on_delete=models.PROTECT, related_name="+"
    )
    integration = models.ForeignKey(
        Integration, null=True, on_delete=models.PROTECT, related_name="+"
    )
    receipt_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=24, choices=SupportReason)
    # The agent's words about the case, which the person sees.
    text = models.CharField(max_length=MAX_TEXT, blank=True)
    ticket = models.CharField(max_length=MAX_TICKET, blank=True)
    # The stated effect, as counted when it was ordered: {"messages": 2000, …}.
    effect = models.JSONField(default=dict)
    # See `integrations.support.signed_orders`.
    signature = models.CharField(max_length=MAX_SIGNATURE, blank=True)
    state = models.CharField(
        max_length=16, choices=SupportActState, default=SupportActState.WAITING
    )
    # How much was done: purges that began, or items to fetch again.
    done_count = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    lease_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField()
    try_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # See `SupportLookup`.
            models.CheckConstraint(
                condition=Q(
                    kind__in=SupportActKind.values,
                    reason__in=SupportReason.values,
                    state__in=SupportActState.values,
                ),
                name="support_act_has_known_words",
            ),
            models.CheckConstraint(
                condition=Q(lookup=None, bulk__isnull=False) | Q(lookup__isnull=False, bulk=None),
                name="support_act_after_a_lookup_or_in_bulk",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", settled_at=None)
                | (~Q(state="waiting") & Q(settled_at__isnull=False)),
                name="support_act_settled_at_iff_settled",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["revoke_integration", "revoke_connection", "revoke_person"])
                | (~Q(text="") & ~Q(ticket="")),
                name="support_revocation_has_text_and_ticket",
            ),
            models.CheckConstraint(
                condition=Q(kind="revoke_person")
                | Q(kind="revoke_connection", connection__isnull=False)
                | Q(kind="send_receipt_link", receipt_id__isnull=False)
                | (
                    Q(
                        kind__in=[
                            "revoke_integration",
                            "sync_now",
                            "retry_quarantined",
                            "renew_push",
                        ]
                    )
                    & Q(integration__isnull=False)
                ),
                name="support_act_has_an_object",
            ),
            models.UniqueConstraint(
                fields=["bulk", "connection"], name="support_act_once_per_bulk_and_connection"
            ),
            # A form that is sent twice orders once.
            models.UniqueConstraint(
                fields=["lookup", "kind", "connection", "integration", "receipt_id"],
                condition=Q(state="waiting", bulk=None),
                nulls_distinct=False,
                name="support_act_waits_once",
            ),
        ]
        indexes = [
            models.Index(fields=["agent_id", "asked_at"], name="support_act_by_agent"),
            models.Index(fields=["user", "asked_at"], name="support_act_by_person"),
            models.Index(
                fields=["next_try_at"], condition=Q(state="waiting"), name="support_act_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"support act {self.id}: {self.kind}"
