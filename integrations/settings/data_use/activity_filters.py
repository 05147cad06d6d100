from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django import forms
from django.http import QueryDict

from limited_use.policy.feature_registry import FEATURES

from . import activity_labels

EVERYBODY_ELSE = ""
EVERYBODY = "all"
SERVICE_ONLY = "service"


class ActivityFilterForm(forms.Form):
    """Blank fields show everything except the service's own actions."""

    since = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label="Until (UTC)", widget=forms.DateInput(attrs={"type": "date"})
    )
    by = forms.ChoiceField(
        required=False,
        label="Who",
        choices=[
            (EVERYBODY_ELSE, "You, features and people"),
            (EVERYBODY, "What Antares does by itself, too"),
            (SERVICE_ONLY, "Only what Antares does by itself"),
        ],
    )
    feature = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Every feature"),
            *((declared.key, declared.title) for declared in FEATURES.values()),
        ],
    )
    purpose = forms.ChoiceField(
        required=False, choices=[("", "Every purpose"), *activity_labels.PURPOSE.items()]
    )
    connection = forms.ChoiceField(required=False, label="Account")
    outcome = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Permitted and refused"),
            ("permitted", "Permitted only"),
            ("refused", "Refused only"),
        ],
    )

    def __init__(self, data: QueryDict, *, connections: Mapping[UUID, str]) -> None:
        super().__init__(data)
        self.fields["connection"] = forms.ChoiceField(
            required=False,
            label="Account",
            choices=[
                ("", "Every account"),
                *((str(connection_id), label) for connection_id, label in connections.items()),
            ],
        )
        for field in self.fields.values():
            # Django's message repeats the sent value.
            field.error_messages["invalid_choice"] = "Choose one of the list."


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery:
    """Never includes the person whom the entries are about."""

    since: datetime | None
    # Exclusive.
    until: datetime | None
    feature: str | None
    purpose: str | None
    outcome: str | None
    # True: the service's own actions; False: all others; None: both.
    by_service: bool | None
    connection: UUID | None


def build_query(filters: ActivityFilterForm) -> ActivityQuery:
    """Leave out invalid values; the form shows their errors."""
    filters.is_valid()
    cleaned_data = filters.cleaned_data
    return ActivityQuery(
        since=_get_midnight(cleaned_data.get("since")),
        until=_get_midnight(cleaned_data.get("until"), days=1),
        feature=cleaned_data.get("feature") or None,
        purpose=cleaned_data.get("purpose") or None,
        outcome=cleaned_data.get("outcome") or None,
        by_service={EVERYBODY: None, SERVICE_ONLY: True}.get(cleaned_data.get("by", ""), False),
        connection=UUID(cleaned_data["connection"]) if cleaned_data.get("connection") else None,
    )


def _get_midnight(day: date | None, *, days: int = 0) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=days)
    except OverflowError:
        # After the last day that dates support: no limit.
        return None
