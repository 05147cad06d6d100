"""The parts of sentences that describe a recurrence and reminders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CUSTOM: Final = _("on a custom schedule")
WEEKDAYS: Final = _("every weekday")
#: By the frequency of RFC 5545.
INTERVALS: Final[Mapping[str, StrOrPromise]] = {
    "DAILY": ngettext_lazy("every day", "every %(count)d days", "count"),
    "WEEKLY": ngettext_lazy("every week", "every %(count)d weeks", "count"),
    "MONTHLY": ngettext_lazy("every month", "every %(count)d months", "count"),
    "YEARLY": ngettext_lazy("every year", "every %(count)d years", "count"),
}
ON_DAYS: Final = _("on %(days)s")
ON_THE: Final = _("on the %(days)s")
ON_DAY_OF_MONTH: Final = _("on day %(days)s")
ON_LAST_DAY: Final = _("on the last day")
OF_MONTH: Final = _("%(days)s of %(month)s")
#: By the ordinal of a weekday in a month.
ORDINALS: Final[Mapping[int, StrOrPromise]] = {
    1: _("first %(day)s"),
    2: _("second %(day)s"),
    3: _("third %(day)s"),
    4: _("fourth %(day)s"),
    5: _("fifth %(day)s"),
    -1: _("last %(day)s"),
}
TIMES: Final = ngettext_lazy("%(count)d time", "%(count)d times", "count")
UNTIL: Final = _("until %(day)s")
MORE_DATES: Final = ngettext_lazy("on %(count)d more date", "on %(count)d more dates", "count")
WITHOUT_DATES: Final = ngettext_lazy("without %(count)d date", "without %(count)d dates", "count")
LIST_END: Final = _("%(items)s and %(last)s")

#: By the number of minutes.
DURATIONS: Final[Mapping[int, StrOrPromise]] = {
    10_080: ngettext_lazy("%(count)d week", "%(count)d weeks", "count"),
    1_440: ngettext_lazy("%(count)d day", "%(count)d days", "count"),
    60: ngettext_lazy("%(count)d hour", "%(count)d hours", "count"),
    1: ngettext_lazy("%(count)d minute", "%(count)d minutes", "count"),
}
BY_EMAIL: Final = _("%(duration)s by email")
BEFORE: Final = _("%(durations)s before")
CALENDAR_DEFAULT: Final = _("Calendar default")
NO_REMINDER: Final = _("None")
