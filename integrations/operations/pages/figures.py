"""Figures of the operations page: stored metrics, with the name that `/metrics` gives each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext, ngettext

from accounts import display_times
from integrations.operations import metrics

from . import messages

#: The measuring task runs every 30 seconds.
MEASURED_WITHIN: Final = timedelta(minutes=5)
_NO_LABELS: Final[Mapping[str, str]] = {}
_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600


class FigureUnit(Enum):
    COUNT = "count"
    AGE = "age"
    FLAG = "flag"
    # Unix time.
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Figure:
    """
    :param name: name and labels, as `/metrics` has them
    :param value: None if it was not measured
    :param is_alerting: whether an operator must look at it
    """

    name: str
    value: float | None
    unit: FigureUnit = FigureUnit.COUNT
    is_alerting: bool = False

    @property
    def text(self) -> str:
        if self.value is None:
            return ""
        if self.unit is FigureUnit.AGE:
            return format_age(self.value)
        if self.unit is FigureUnit.FLAG:
            return str(messages.YES if self.value else messages.NO)
        if self.unit is FigureUnit.MOMENT:
            return display_times.format_moment(datetime.fromtimestamp(self.value, UTC))
        return str(intcomma(int(self.value)))

    @property
    def machine_text(self) -> str:
        """Return the value as `/metrics` has it, whatever the language of the page."""
        return "" if self.value is None else repr(float(self.value))


class StoredFigures:
    """The figures that the measuring task stored."""

    def __init__(self) -> None:
        self.measured_at, measured = metrics.load_metrics()
        self._values = {(figure.name, figure.labels): figure.value for figure in measured}

    def get_measured_at(self) -> Figure:
        timestamp = self.measured_at.timestamp() if self.measured_at else None
        return Figure("antares_measured_timestamp_seconds", timestamp, FigureUnit.MOMENT)

    def is_fresh(self, at: datetime) -> bool:
        return self.measured_at is not None and at - self.measured_at <= MEASURED_WITHIN

    def get_figure(
        self,
        name: str,
        labels: Mapping[str, str] = _NO_LABELS,
        *,
        unit: FigureUnit = FigureUnit.COUNT,
        alerts_above: float | None = None,
    ) -> Figure:
        value = self._values.get((name, tuple(labels.items())))
        is_alerting = alerts_above is not None and value is not None and value > alerts_above
        return Figure(describe_metric(name, labels), value, unit, is_alerting)

    def list_labels(self, name: str) -> Iterator[Mapping[str, str]]:
        """Yield the labels of each stored figure of this name."""
        for stored_name, labels in self._values:
            if stored_name == name:
                yield dict(labels)


def describe_metric(name: str, labels: Mapping[str, str]) -> str:
    """Return the name as Prometheus' text format writes it."""
    pairs = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{pairs}}}" if pairs else name


def format_age(seconds: float) -> str:
    """Return the largest fitting unit: `3 hours`."""
    if seconds <= 0:
        return gettext("none")
    if seconds < _MINUTE:
        return gettext("less than a minute")
    if seconds < _HOUR:
        count = int(seconds // _MINUTE)
        return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    if seconds < _DAY:
        count = int(seconds // _HOUR)
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    count = int(seconds // _DAY)
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
