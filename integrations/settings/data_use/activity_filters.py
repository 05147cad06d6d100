from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import display_times
from limited_use.ledger.entry_filters import EntryActor, EntryFilter
from limited_use.policy.feature_registry import FEATURES

from . import messages


class ActivityFilterForm(forms.Form):
    """Days are days of the reader's zone. Blank fields exclude nothing."""

    since = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label=_("Until"), widget=forms.DateInput(attrs={"type": "date"})
    )
    by = forms.ChoiceField(
        required=False,
        label=_("Who"),
        choices=[
            ("", _("Everyone")),
            (EntryActor.OWNER, _("You")),
            (EntryActor.FEATURE, _("Features")),
            (EntryActor.OTHER_PERSON, _("Support agents and colleagues")),
            (EntryActor.SERVICE, _("Antares, to keep accounts up to date")),
            (EntryActor.NONE, _("Changes of accounts and agreements")),
        ],
    )
    feature = forms.ChoiceField(required=False, label=_("Feature"))
    purpose = forms.ChoiceField(
        required=False,
        label=_("Purpose"),
        choices=[("", _("Every purpose")), *messages.PURPOSE.items()],
    )
    connection = forms.ChoiceField(required=False, label=_("Account"))
    outcome = forms.ChoiceField(
        required=False,
        label=_("Outcome"),
        choices=[
            ("", _("Allowed and refused")),
            ("permitted", _("Allowed only")),
            ("refused", _("Refused only")),
        ],
    )

    def __init__(self, data: QueryDict, *, connections: Mapping[UUID, str]) -> None:
        super().__init__(data)
        self._set_choices(
            "feature",
            _("Every feature"),
            {key: gettext(feature.title) for key, feature in FEATURES.items()},
        )
        self._set_choices(
            "connection", _("Every account"), {str(key): name for key, name in connections.items()}
        )
        for field in self.fields.values():
            # Django's message repeats the sent value.
            field.error_messages["invalid_choice"] = _("Choose one of the list.")

    def _set_choices(self, name: str, every: object, choices: Mapping[str, str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [("", every), *choices.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery:
    """Never includes the person whom the entries are about."""

    # Days in the reader's zone; the last is included.
    since: date | None = None
    until: date | None = None
    feature: str | None = None
    purpose: str | None = None
    outcome: str | None = None
    actor: EntryActor | None = None
    connection: UUID | None = None

    def make_entry_filter(self, owner_actors: frozenset[str]) -> EntryFilter:
        """:param owner_actors: the reader's pseudonyms as an actor"""
        return EntryFilter(
            since=None if self.since is None else get_day_start(self.since),
            until=None if self.until is None else get_day_start(self.until, days=1),
            purpose=self.purpose,
            feature=self.feature,
            outcome=self.outcome,
            actor=self.actor,
            owner_actors=owner_actors,
        )


def build_query(filters: ActivityFilterForm) -> ActivityQuery:
    """Leave out invalid values; the form shows their errors."""
    filters.is_valid()
    cleaned_data = filters.cleaned_data
    connection = cleaned_data.get("connection")
    return ActivityQuery(
        since=cleaned_data.get("since"),
        until=cleaned_data.get("until"),
        feature=cleaned_data.get("feature") or None,
        purpose=cleaned_data.get("purpose") or None,
        outcome=cleaned_data.get("outcome") or None,
        actor=EntryActor(cleaned_data["by"]) if cleaned_data.get("by") else None,
        connection=UUID(connection) if connection else None,
    )


def get_day_start(day: date, *, days: int = 0) -> datetime | None:
    """
    Return the first moment of the reader's day, or of a day so many days later.

    None for a day outside of the calendar that Python supports: no limit.
    """
    try:
        local = datetime.combine(
            day + timedelta(days=days), datetime.min.time(), display_times.get_zone()
        )
        return local.astimezone(UTC)
    except OverflowError:
        return None
