"""Sanitise a message's text for storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import html_sanitizer as markup

#: Increase with every change of the rules: older texts are sanitised again.
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SanitisedText:
    """
    Safe HTML in pieces, with an image between each two, and the plain text.

    `pictures` are content ids.
    """

    pieces: tuple[str, ...]
    pictures: tuple[str, ...]
    text: str
    is_text_only: bool = False


def sanitise_text(text: str, html: str) -> SanitisedText:
    if not html:
        return SanitisedText((markup.plain_to_html(text),), (), text)
    safe = markup.sanitise_html(html)
    words = text or markup.html_to_text(html)
    return SanitisedText(safe.pieces, safe.pictures, words, safe.is_text_only)
