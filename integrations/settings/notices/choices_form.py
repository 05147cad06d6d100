"""The form in which a person chooses a channel for each kind of notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from django import forms

from integrations.models import NoticeChannel
from integrations.notifications.notice_kinds import NoticeKindSpec
from integrations.notifications.notice_preferences import ChosenChannel

from . import messages
from .mailboxes import NoticeMailbox

if TYPE_CHECKING:
    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise

_PREFIX: Final = "channel-"


@dataclass(frozen=True, slots=True)
class KindChoice:
    """:param integration_id: exactly for `NoticeChannel.MAILBOX`"""

    kind: NoticeKindSpec
    channel: NoticeChannel
    integration_id: UUID | None


class NoticeChoicesForm(forms.Form):
    """
    A group of radio buttons for each kind.

    :param version: of the description of notices in the mailbox
    :param needs_agreement: whether the person has not agreed to that version yet
    """

    version = forms.IntegerField(widget=forms.HiddenInput)
    agree = forms.BooleanField(label=messages.AGREE_TO_MAILBOX, required=False)

    def __init__(  # noqa: PLR0913 - what there is to choose from, and what was chosen
        self,
        data: Any = None,
        *,
        kinds: Sequence[NoticeKindSpec],
        chosen: Mapping[str, ChosenChannel],
        mailboxes: Sequence[NoticeMailbox],
        version: int,
        needs_agreement: bool,
    ) -> None:
        super().__init__(data, initial={"version": version})
        self.kinds, self.current_version = kinds, version
        if not needs_agreement or not mailboxes:
            del self.fields["agree"]
        self.needs_agreement = needs_agreement
        for kind in kinds:
            self.fields[f"{_PREFIX}{kind.key}"] = forms.ChoiceField(
                label=kind.title,
                help_text=kind.says,
                choices=_list_options(kind, mailboxes),
                widget=forms.RadioSelect,
                initial=_write_value(chosen[kind.key]),
                error_messages={"invalid_choice": messages.UNKNOWN_CHOICE},
            )

    @property
    def kind_fields(self) -> list[tuple[NoticeKindSpec, forms.BoundField]]:
        return [(kind, self[f"{_PREFIX}{kind.key}"]) for kind in self.kinds]

    @property
    def agree_field(self) -> forms.BoundField | None:
        return self["agree"] if "agree" in self.fields else None

    @property
    def choices(self) -> list[KindChoice]:
        """Only of a valid form."""
        return [
            KindChoice(kind, *_read_value(self.cleaned_data[f"{_PREFIX}{kind.key}"]))
            for kind in self.kinds
        ]

    @property
    def has_mailbox(self) -> bool:
        return any(choice.channel == NoticeChannel.MAILBOX for choice in self.choices)

    def clean(self) -> dict[str, Any]:
        cleaned_data = self.cleaned_data
        if self.errors or not self.needs_agreement or not self.has_mailbox:
            return cleaned_data
        if cleaned_data["version"] != self.current_version:
            self._ask_again()
        elif not cleaned_data.get("agree"):
            self.add_error("agree", messages.AGREE_FIRST)
        return cleaned_data

    def _ask_again(self) -> None:
        # The posted fields hold the old version.
        data = cast("QueryDict", self.data).copy()
        data["version"] = str(self.current_version)
        data.pop("agree", None)
        self.data = data
        self.add_error(None, messages.TERMS_CHANGED)


def _list_options(
    kind: NoticeKindSpec, mailboxes: Sequence[NoticeMailbox]
) -> list[tuple[str, StrOrPromise]]:
    options: list[tuple[str, StrOrPromise]] = [
        (channel.value, messages.CHANNELS[channel])
        for channel in kind.channels
        if channel != NoticeChannel.MAILBOX
    ]
    text = str(messages.CHANNELS[NoticeChannel.MAILBOX])
    return options + [
        (
            f"{NoticeChannel.MAILBOX}:{mailbox.integration_id}",
            text % {"mailbox": mailbox.label},
        )
        for mailbox in mailboxes
    ]


def _write_value(chosen: ChosenChannel) -> str:
    if chosen.integration_id is None:
        return chosen.channel.value
    return f"{chosen.channel}:{chosen.integration_id}"


def _read_value(value: str) -> tuple[NoticeChannel, UUID | None]:
    """Of a valid choice."""
    channel, _, integration_id = value.partition(":")
    return NoticeChannel(channel), UUID(integration_id) if integration_id else None
