"""Agreements and shares that a person can withdraw. A withdrawal is a fence."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class Given(models.Model):
    """A consent or a share. Rows are never deleted."""

    # The end raises it. A permit with an older epoch opens nothing.
    epoch = models.PositiveIntegerField(default=1)
    given_at = models.DateTimeField()
    # From then on it counts as withdrawn, recorded or not.
    expires_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def is_live(self, at: datetime) -> bool:
        return self.withdrawn_at is None and (self.expires_at is None or at < self.expires_at)

    def withdraw(self, *, at: datetime) -> bool:
        """
        Withdraw in the caller's transaction, which holds the row's lock; return whether it was
        live.

        An expired row ends at its expiry.
        """
        was_live = self.is_live(at)
        ended_at = at if self.expires_at is None else min(at, self.expires_at)
        self.epoch += 1
        self.withdrawn_at = max(ended_at, self.given_at)
        self.save(update_fields=["epoch", "withdrawn_at"])
        return was_live
