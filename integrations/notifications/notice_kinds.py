"""
The kinds of notices, a closed registry.

Each slice declares its kinds in its `notices` module. `operations.notice_registry` lists them all,
and the application registers that list once, at its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ImproperlyConfigured

from integrations.models import NoticeChannel
from limited_use.notifications.message_kinds import KINDS, MIN_REASON_WORDS, PlatformMessageKind

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

OWED_CHANNELS: Final = (NoticeChannel.PLATFORM_MAIL, NoticeChannel.MAILBOX)
#: No kind is mailed unless the person chose that.
UNCHOSEN_CHANNELS: Final = (NoticeChannel.OFF, NoticeChannel.PAGE)


class UnknownNotice(Exception):
    """No registered kind has the message: a bug of the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMessage:
    """
    One message of a kind, as the page shows it.

    :param key: of the `PlatformMessageKind` that mails say it with
    :param text: may name `%(provider)s`, `%(product)s`, `%(until)s` and `%(reason)s`
    :param link_text: of the link to the place where it is solved
    :param route_name: of that place
    :param has_subject: whether the route takes the notice's subject
    """

    key: str
    text: StrOrPromise
    link_text: StrOrPromise
    route_name: str
    has_subject: bool = False

    @property
    def platform_kind(self) -> PlatformMessageKind:
        return KINDS[self.key]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeKindSpec:
    """
    A kind of notices, for which people choose a channel.

    :param says: when these notices come, for the person who chooses
    :param why: the reason, for reviewers
    :param is_owed: people may choose where they receive it, and cannot switch it off
    :param default_channel: for people who chose nothing
    """

    key: str
    title: StrOrPromise
    says: StrOrPromise
    why: str
    is_owed: bool
    default_channel: NoticeChannel
    messages: tuple[NoticeMessage, ...]

    @property
    def channels(self) -> tuple[NoticeChannel, ...]:
        return OWED_CHANNELS if self.is_owed else tuple(NoticeChannel)


_kinds: dict[str, NoticeKindSpec] = {}
_kinds_by_message: dict[str, NoticeKindSpec] = {}


def register_notice_kinds(kinds: Iterable[NoticeKindSpec]) -> None:
    """
    Register all kinds, once.

    :raises ImproperlyConfigured: if a kind may not exist
    """
    listed = list(kinds)
    if problems := [*find_problems(listed)]:
        raise ImproperlyConfigured("; ".join(problems))
    _kinds.clear()
    _kinds_by_message.clear()
    for kind in listed:
        _kinds[kind.key] = kind
        _kinds_by_message.update((message.key, kind) for message in kind.messages)


def list_notice_kinds() -> list[NoticeKindSpec]:
    return list(_kinds.values())


def list_message_keys() -> list[str]:
    return list(_kinds_by_message)


def find_notice_kind(key: str) -> NoticeKindSpec | None:
    return _kinds.get(key)


def get_kind_of_message(message: str) -> NoticeKindSpec:
    """:raises UnknownNotice:"""
    try:
        return _kinds_by_message[message]
    except KeyError:
        raise UnknownNotice(message) from None


def get_notice_message(message: str) -> NoticeMessage:
    """:raises UnknownNotice:"""
    kind = get_kind_of_message(message)
    return next(candidate for candidate in kind.messages if candidate.key == message)


def find_problems(
    kinds: Iterable[NoticeKindSpec],
    platform_kinds: Mapping[str, PlatformMessageKind] = KINDS,
) -> Iterator[str]:
    """The policy judges the purposes of `platform_kinds` themselves."""
    keys: set[str] = set()
    messages: set[str] = set()
    for kind in kinds:
        if kind.key in keys:
            yield f"{kind.key} is registered twice"
        keys.add(kind.key)
        if len(kind.why.split()) < MIN_REASON_WORDS:
            yield f"{kind.key} says nothing about why it exists"
        if not kind.messages:
            yield f"{kind.key} has no message"
        unchosen = OWED_CHANNELS[:1] if kind.is_owed else UNCHOSEN_CHANNELS
        if kind.default_channel not in unchosen:
            yield f"{kind.key} is sent to {kind.default_channel} without a choice"
        for message in kind.messages:
            if message.key in messages:
                yield f"{message.key} is registered twice"
            messages.add(message.key)
            platform_kind = platform_kinds.get(message.key)
            if platform_kind is None or platform_kind.data_classes:
                yield f"{message.key} is not a message of the platform's own"
            elif platform_kind.is_owed is not kind.is_owed:
                yield f"{message.key} is owed, or is not, unlike {kind.key}"
