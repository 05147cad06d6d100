"""The form in which an owner gives a platform feature a standing consent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from django import forms

from accounts import display_times
from integrations.drive import standing_consent_creation
from integrations.drive.standing_consent_creation import SavingBounds
from integrations.drive.uploads import MAX_FILE_BYTES
from integrations.models import FileKind, Integration

from . import standing_consent_messages as messages

if TYPE_CHECKING:
    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise

MEGABYTE: Final = 1024 * 1024
_DEFAULT_DAYS: Final = 90


class StandingConsentForm(forms.Form):
    """
    :param drives: of the owner, among which to choose
    :param version: of the feature's description
    """

    version = forms.IntegerField(widget=forms.HiddenInput)
    drive = forms.ChoiceField(label=messages.DRIVE, widget=forms.RadioSelect)
    kinds = forms.MultipleChoiceField(
        label=messages.KINDS_LABEL,
        choices=list(messages.KINDS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": messages.NO_KIND},
    )
    max_megabytes = forms.IntegerField(
        label=messages.MAX_MEGABYTES, min_value=1, max_value=MAX_FILE_BYTES // MEGABYTE
    )
    max_count = forms.IntegerField(
        label=messages.MAX_COUNT, min_value=1, max_value=standing_consent_creation.MAX_COUNT
    )
    last_day = forms.DateField(
        label=messages.LAST_DAY,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    agree = forms.BooleanField(
        label=messages.AGREE, error_messages={"required": messages.NOT_AGREED}
    )

    def __init__(
        self,
        data: Any = None,
        *,
        drives: Sequence[Integration],
        labels: Mapping[UUID, str],
        version: int,
        at: datetime,
    ) -> None:
        self.today = display_times.to_reader_time(at).date()
        initial = {
            "version": version,
            "drive": str(drives[0].id),
            "max_megabytes": 500,
            "max_count": 50,
            "last_day": self.today + timedelta(days=_DEFAULT_DAYS),
        }
        super().__init__(data, initial=initial)
        self.drives = {str(drive.id): drive for drive in drives}
        field = cast("forms.ChoiceField", self.fields["drive"])
        field.choices = [(str(drive.id), labels[drive.id]) for drive in drives]
        if len(drives) == 1:
            field.widget = forms.HiddenInput()
        for drive in drives:
            hidden = forms.CharField(required=False, widget=forms.HiddenInput)
            self.fields[_name_folder_field(drive.id)] = hidden

    def clean_last_day(self) -> date:
        day: date = self.cleaned_data["last_day"]
        if not self.today <= day < self.today + standing_consent_creation.MAX_LIFETIME:
            raise forms.ValidationError(messages.END_TOO_FAR)
        return day

    def show_folders(self, folder_keys: Mapping[UUID, str]) -> None:
        """
        Carry the folders that the page shows. If the owner agreed to other ones, ask again.

        :param folder_keys: by drive
        """
        keys = {_name_folder_field(drive_id): key for drive_id, key in folder_keys.items()}
        if not self.is_bound:
            self.initial.update(keys)
        elif any(self.data.get(name) != key for name, key in keys.items()):
            self.ask_again(messages.FOLDER_CHANGED, **keys)

    def forget_folders(self) -> None:
        """The owner agreed to another folder than the present one: `show_folders` asks again."""
        data = cast("QueryDict", self.data).copy()
        for drive in self.drives.values():
            data.pop(_name_folder_field(drive.id), None)
        self.data = data

    def ask_again(self, text: StrOrPromise, **values: str) -> None:
        """
        Show the form without the agreement: the page has changed since it was shown.

        :param values: of hidden fields
        """
        # Only posted forms come here.
        data = cast("QueryDict", self.data).copy()
        for name, value in values.items():
            data[name] = value
        data.pop("agree", None)
        self.data = data
        self.add_error(None, text)

    @property
    def folder_fields(self) -> list[forms.BoundField]:
        return [self[_name_folder_field(drive.id)] for drive in self.drives.values()]

    @property
    def folder_key(self) -> str:
        """Of the chosen Drive's folder that the owner was shown, for a valid form."""
        key: str = self.cleaned_data[_name_folder_field(self.chosen_drive.id)]
        return key

    @property
    def chosen_drive(self) -> Integration:
        """For a valid form."""
        return self.drives[self.cleaned_data["drive"]]

    @property
    def bounds(self) -> SavingBounds:
        """For a valid form. The consent ends with its last day, in the reader's zone."""
        values = self.cleaned_data
        next_day = values["last_day"] + timedelta(days=1)
        return SavingBounds(
            kinds=frozenset(FileKind(kind) for kind in values["kinds"]),
            max_bytes=values["max_megabytes"] * MEGABYTE,
            max_count=values["max_count"],
            expires_at=datetime.combine(next_day, time.min, tzinfo=display_times.get_zone()),
        )


def _name_folder_field(drive_id: UUID) -> str:
    return f"folder_{drive_id}"
