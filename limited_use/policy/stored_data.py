"""What each feature stores, and until when: a part of a sentence for pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from .claims import claim
from .feature_registry import Feature, Keeps
from .text_marking import gettext_noop as _

_NO_COPY: Final = claim(
    "stored.no-copy", _("no copy of its own: it uses what other features store")
)

#: By the feature's key.
STORED_DATA: Final[Mapping[str, str]] = {
    "inbox": claim(
        "stored.mail",
        _(
            "a copy of the mail of the last %(days)s days, unless you choose another period, until"
            " you disconnect or withdraw; older mail stays at your provider"
        ),
    ),
    "mail-sending": claim(
        "stored.outgoing-mail",
        _(
            "text and files of a message until it is sent, and the time of sending for 30 days;"
            " your signature; until you delete them or disconnect"
        ),
    ),
    "calendar": claim(
        "stored.calendar-copy",
        _(
            "a temporary copy, never shown when it is older than %(hours)s hours; you can choose a"
            " shorter time, and delete it at any time"
        ),
    ),
    "local-calendar": claim(
        "stored.local-calendars",
        _(
            "your events, until you remove the calendar, you leave the organisation or it closes,"
            " your access ends, or a year without signing in"
        ),
    ),
    "calendar-editing": _NO_COPY,
    "calendar-sharing": _NO_COPY,
    "scheduler": _NO_COPY,
    "inbox-widget": _NO_COPY,
    "reply-assistant": claim(
        "stored.proposed-drafts",
        _("drafts that it proposes, until you send or delete them, for at most 14 days"),
    ),
    "drive": claim(
        "stored.uploads",
        _(
            "names, types, sizes, times, states and addresses of your uploads, until you remove"
            " them from the list, disconnect or withdraw; never the files"
        ),
    ),
    "recordings": claim(
        "stored.proposed-files",
        _(
            "names, types, sizes, times, states and addresses of its files, until you remove them"
            " from the list of your uploads or disconnect the Drive; never the files"
        ),
    ),
    "support": _NO_COPY,
    "export": _NO_COPY,
    "calendar-export": _NO_COPY,
    "file-list-export": _NO_COPY,
    "mailbox-notices": _NO_COPY,
    "campaigns": claim("stored.nothing", _("nothing")),
}


#: Of a feature with `Keeps.UNTIL_PURGE`: its copies outside this service.
FEATURE_COPIES: Final = claim(
    "stored.feature-copies",
    _(
        "its own copies of what it reads, until you switch it off, disconnect or withdraw; it is"
        " then told to delete them, and gets no more data if it has not confirmed this after 24"
        " hours"
    ),
)


def describe_stored_data(feature: Feature, translate: Callable[[str], str] = str) -> str:
    times = {"days": feature.retention_days, "hours": feature.cache_hours}
    stored = STORED_DATA[feature.key]
    if feature.keeps is not Keeps.UNTIL_PURGE:
        return translate(stored) % times
    copies = translate(FEATURE_COPIES)
    return copies if stored == _NO_COPY else f"{translate(stored) % times}; {copies}"
