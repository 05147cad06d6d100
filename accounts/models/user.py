from __future__ import annotations

from typing import Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.ids import uuid7
from accounts.models.time_preferences import DateFormat
from accounts.roles import STAFF, Role


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def staff(self) -> Self:
        return self.filter(role__in=STAFF)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def active(self) -> UserQuerySet:
        return self.get_queryset().active()

    def staff(self) -> UserQuerySet:
        return self.get_queryset().staff()

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """There is no superuser and no per-row permission: `accounts.roles` has all permissions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    platform_id = models.CharField(max_length=64, unique=True)
    # In lower case, so that one address is one row.
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)
    is_active = models.BooleanField(default=True)
    registered_at = models.DateTimeField()
    deactivated_at = models.DateTimeField(null=True)
    # Last sign-in or request, to the day. A year without one ends connections.
    last_seen_at = models.DateTimeField()
    # A name of the IANA database; empty: not known, so times are shown in UTC.
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    date_format = models.CharField(
        max_length=16, choices=DateFormat, blank=True, default="", db_default=""
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="user_email_in_lower_case"
            ),
            models.CheckConstraint(condition=~Q(platform_id=""), name="user_has_platform_id"),
            models.CheckConstraint(
                condition=Q(date_format__in=["", *DateFormat.values]),
                name="user_date_format_known",
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, deactivated_at=None)
                | Q(is_active=False, deactivated_at__isnull=False),
                name="user_deactivated_at_iff_not_active",
            ),
        ]
        indexes = [models.Index(fields=["last_seen_at"], name="user_last_seen")]

    def __str__(self) -> str:
        # An address in logs or crash reports would be personal data.
        return f"User {self.pk}"

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether the password is right. The ordinary site renews an old hash."""
        if settings.SITE == "staff":
            # The staff site may not write passwords.
            return check_password(raw_password, self.password)
        return super().check_password(raw_password)

    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
