from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DateFormat(models.TextChoices):
    """How a person reads dates and times. The labels are examples."""

    DAY_FIRST = "day-first", _("31 Dec 2026, 17:05")
    DAY_FIRST_12 = "day-first-12", _("31 Dec 2026, 5:05 PM")
    MONTH_FIRST = "month-first", _("Dec 31, 2026, 5:05 PM")
    ISO = "iso", _("2026-12-31 17:05")
