from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from . import html_sanitizer as markup

_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|&[a-zA-Z]{2,8};")


@dataclass(frozen=True, slots=True)
class SanitisedDescription:
    """
    Safe HTML by the rules of `safe_bodies.VERSION`.

    :param is_plain: line breaks count
    """

    html: str
    is_plain: bool


def sanitise_description(text: str) -> SanitisedDescription:
    """:param text: untrusted HTML, or plain text"""
    if not _TAG.search(text):
        return SanitisedDescription(markup.plain_to_html(text), is_plain=True)
    # An event has no parts, so references to images in it are dropped.
    return SanitisedDescription("".join(markup.sanitise_html(text).pieces), is_plain=False)
