"""The description of an event as it is shown: made when the event is written, and stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from . import html_sanitizer as markup

_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|&[a-zA-Z]{2,8};")


@dataclass(frozen=True, slots=True)
class SanitisedDescription:
    """
    Safe markup of a description. `safe_bodies.VERSION` says by which rules it was made.

    :param is_plain: that the description is text without markup, in which lines count
    """

    html: str
    is_plain: bool


def sanitise_description(text: str) -> SanitisedDescription:
    """:param text: as its provider keeps it: anybody's HTML, or lines of text"""
    if not _TAG.search(text):
        return SanitisedDescription(markup.plain_to_html(text), is_plain=True)
    # An event has no parts, so a picture of one stands for nothing.
    return SanitisedDescription("".join(markup.sanitise_html(text).pieces), is_plain=False)
