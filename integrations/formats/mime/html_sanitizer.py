"""
Sanitise mail HTML, and convert text to HTML.

The result loads nothing: images are `data:` URLs or removed, and links open on a click. A
sandboxed frame, which forbids scripts and fetches, is a second wall.
"""

from __future__ import annotations

import html as entities
import re
import secrets
import threading
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import nh3

from . import css_allowlist, html_allowlist
from .headers import make_printable
from .html_bounds import is_within_bounds
from .message import MAX_TEXT

#: Growth limit, as a multiple of the input's length: escapes and link attributes lengthen it, and
#: reopened elements multiply it.
MAX_GROWTH: Final = 8
#: Output of this length is always allowed, in characters.
SMALL_LENGTH: Final = 64 * 1024
#: Links in plain text.
MAX_LINKS: Final = 5_000
#: `data:` images of one message, in characters.
MAX_PICTURES: Final = 8 * 1024 * 1024

_DATA: Final = re.compile(r"data:(image/[a-z]+);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_LINKS: Final = frozenset({"http", "https", "mailto", "tel"})
_REL: Final = "noopener noreferrer nofollow"

# A placeholder: a random word, and the image's index.
_PLACEHOLDER: Final = re.compile(r' src="data:([0-9a-f]{32})-(\d+)"')

_BREAKS: Final = re.compile(r"<(?=/?(?:p|div|br|td|th|tr|li|h[1-6]|blockquote)\b)", re.IGNORECASE)
_URL: Final = re.compile(r"https?://[^\s<>\"'`]{1,2000}[^\s<>\"'`.,;:!?)\]}]")


@dataclass(frozen=True, slots=True)
class SanitisedHtml:
    """
    Safe HTML in pieces, with an image of the message between each two.

    `pictures` are content ids without angle brackets. `blocked_count` remote images were removed.
    `is_text_only`: the markup was too costly to parse.
    """

    pieces: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    blocked_count: int = 0
    is_text_only: bool = False


class _AttributeFilter:
    """
    Replaces the message's own images by placeholders.

    Placeholders contain a random word, so that senders cannot forge them.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.word = secrets.token_hex(16)
        self.pictures: list[str] = []
        self.blocked_count = 0
        self._room = MAX_PICTURES

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        # nh3 keeps the value if the filter raises, so the filter must not raise.
        try:
            return self._filter_value(tag, name, value)
        except Exception:  # noqa: BLE001
            return None

    def _filter_value(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return css_allowlist.filter_style(value) or None
        if name == "src":
            return self._filter_picture(value.strip())
        if name == "href":
            return value if _is_external_link(value) else None
        return value if tag == "a" and name in {"rel", "target"} else make_printable(value)[:500]

    def _filter_picture(self, address: str) -> str | None:
        if address[:4].lower() == "cid:":
            self.pictures.append(address[4:].strip("<> "))
            return f"data:{self.word}-{len(self.pictures) - 1}"
        match = _DATA.fullmatch(address)
        if (
            not match
            or match[1].lower() not in html_allowlist.PICTURE_TYPES
            or len(address) > self._room
        ):
            self.blocked_count += 1
            return None
        self._room -= len(address)
        return address

    def split_pieces(self, safe: str) -> SanitisedHtml:
        pieces: list[str] = []
        pictures: list[str] = []
        end = 0
        for placeholder in _PLACEHOLDER.finditer(safe) if self.pictures else ():
            # A sender wrote another word.
            if placeholder[1] == self.word:
                pieces.append(safe[end : placeholder.start()])
                pictures.append(self.pictures[int(placeholder[2])])
                end = placeholder.end()
        return SanitisedHtml((*pieces, safe[end:]), tuple(pictures), self.blocked_count)


class _HtmlCleaner(threading.local):
    """One cleaner per thread: creating one takes as long as cleaning a short message."""

    def __init__(self) -> None:
        super().__init__()
        self._attributes = _AttributeFilter()
        self._nh3 = nh3.Cleaner(
            tags=set(html_allowlist.TAGS),
            clean_content_tags=set(html_allowlist.DROPPED_WHOLE),
            attributes=html_allowlist.ATTRIBUTES,
            attribute_filter=self._attributes,
            url_schemes={*_LINKS, "data", "cid"},
            link_rel=_REL,
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )

    def clean_html(self, html: str) -> SanitisedHtml:
        self._attributes.reset()
        return self._attributes.split_pieces(self._nh3.clean(html))


_cleaner: Final = _HtmlCleaner()
_without_markup: Final = nh3.Cleaner(
    tags=set(), clean_content_tags=set(html_allowlist.DROPPED_WHOLE), attributes={}
)


def _is_external_link(value: str) -> bool:
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in _LINKS and bool(parts.netloc or parts.path)


def sanitise_html(html: str) -> SanitisedHtml:
    """Remove and count images that are neither `data:` URLs nor parts of the message."""
    html = html[:MAX_TEXT]
    if not is_within_bounds(html):
        return _reduce_to_text(html)
    safe = _cleaner.clean_html(html)
    if sum(map(len, safe.pieces)) > MAX_GROWTH * len(html) + SMALL_LENGTH:
        return _reduce_to_text(html)
    return safe


def _reduce_to_text(html: str) -> SanitisedHtml:
    return SanitisedHtml((plain_to_html(_without_tags(html)),), is_text_only=True)


def _without_tags(html: str) -> str:
    return entities.unescape(re.sub(r"<[^>]{0,2000}>?", " ", html))


def html_to_text(html: str) -> str:
    """Return the text on one line."""
    html = html[:MAX_TEXT]
    if not is_within_bounds(html):
        return make_printable(_without_tags(html))
    return make_printable(entities.unescape(_without_markup.clean(_BREAKS.sub(" <", html))))


def plain_to_html(text: str) -> str:
    """Keep line breaks, and link web addresses."""
    text = text[:MAX_TEXT]
    out: list[str] = []
    end = 0
    for match in islice(_URL.finditer(text), MAX_LINKS):
        url = entities.escape(match[0])
        out.append(entities.escape(text[end : match.start()]))
        out.append(f'<a href="{url}" target="_blank" rel="{_REL}">{url}</a>')
        end = match.end()
    out.append(entities.escape(text[end:]))
    return f'<div style="white-space:pre-wrap">{"".join(out)}</div>'
