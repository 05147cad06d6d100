"""The text of a message as it is shown: made once, when the message is read, and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import html_sanitizer as markup

#: Raised with every change of what is allowed: texts of an older version are made anew.
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SanitisedText:
    """
    Safe markup in pieces, with a picture between each two, and the words alone.

    `pictures` are content ids, one fewer than `pieces`. `text` is plain.
    """

    pieces: tuple[str, ...]
    pictures: tuple[str, ...]
    text: str
    is_text_only: bool = False


def sanitise_text(text: str, html: str) -> SanitisedText:
    """
    Return what is shown of a message.

    :param text: its plain text; empty where it has none
    :param html: its markup, as the sender wrote it; empty where it has none
    """
    if not html:
        return SanitisedText((markup.plain_to_html(text),), (), text)
    safe = markup.sanitise_html(html)
    words = text or markup.html_to_text(html)
    return SanitisedText(safe.pieces, safe.pictures, words, safe.is_text_only)
