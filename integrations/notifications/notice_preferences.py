"""Where a person receives each kind of notices: their choice, or the kind's default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from integrations.models import NoticeChannel, NoticePreference

from .notice_kinds import NoticeKindSpec


class ChannelNotOffered(Exception):
    """The kind does not have the channel. An owed kind cannot be switched off."""


@dataclass(frozen=True, slots=True)
class ChosenChannel:
    """
    :param preference_id: None: the default
    :param integration_id: of the mailbox; None for other channels
    """

    channel: NoticeChannel
    preference_id: UUID | None = None
    integration_id: UUID | None = None


def get_channel(kind: NoticeKindSpec, *, user_id: UUID, organisation_id: UUID) -> ChosenChannel:
    preference = NoticePreference.objects.filter(
        user_id=user_id, organisation_id=organisation_id, kind=kind.key
    ).first()
    return _read_preference(kind, preference)


def list_channels(
    kinds: list[NoticeKindSpec], *, user_id: UUID, organisation_id: UUID
) -> dict[str, ChosenChannel]:
    """Return the channel of each kind, by key."""
    preferences = {
        preference.kind: preference
        for preference in NoticePreference.objects.filter(
            user_id=user_id, organisation_id=organisation_id
        )
    }
    return {kind.key: _read_preference(kind, preferences.get(kind.key)) for kind in kinds}


def choose_channel(  # noqa: PLR0913 - who, for what, and where
    kind: NoticeKindSpec,
    channel: NoticeChannel,
    *,
    user_id: UUID,
    organisation_id: UUID,
    integration_id: UUID | None = None,
    at: datetime,
) -> bool:
    """
    Return whether the choice changed. The caller has checked the mailbox and the agreement.

    :param integration_id: exactly for `NoticeChannel.MAILBOX`
    :raises ChannelNotOffered:
    """
    if channel not in kind.channels:
        raise ChannelNotOffered(f"{kind.key} cannot go to {channel}")
    preference, is_new = NoticePreference.objects.get_or_create(
        user_id=user_id,
        organisation_id=organisation_id,
        kind=kind.key,
        defaults={"channel": channel, "integration_id": integration_id, "chosen_at": at},
    )
    if is_new:
        return channel != kind.default_channel
    if (preference.channel, preference.integration_id) == (channel, integration_id):
        return False
    preference.channel, preference.integration_id = channel, integration_id
    preference.chosen_at = at
    preference.save(update_fields=["channel", "integration_id", "chosen_at"])
    return True


def stop_mail(kind: NoticeKindSpec, *, user_id: UUID, organisation_id: UUID, at: datetime) -> bool:
    """
    Keep the kind on the page only; return whether it was mailed. All other kinds stay.

    :raises ChannelNotOffered: for an owed kind
    """
    if kind.is_owed:
        raise ChannelNotOffered(f"{kind.key} is owed")
    chosen = get_channel(kind, user_id=user_id, organisation_id=organisation_id)
    if chosen.channel in {NoticeChannel.OFF, NoticeChannel.PAGE}:
        return False
    return choose_channel(
        kind, NoticeChannel.PAGE, user_id=user_id, organisation_id=organisation_id, at=at
    )


def _read_preference(kind: NoticeKindSpec, preference: NoticePreference | None) -> ChosenChannel:
    # A kind may have become owed after the choice.
    if preference is None or preference.channel not in kind.channels:
        return ChosenChannel(kind.default_channel)
    return ChosenChannel(
        NoticeChannel(preference.channel), preference.id, preference.integration_id
    )
