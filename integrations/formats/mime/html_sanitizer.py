"""
Mail HTML made safe to show, and text made HTML.

What comes out loads nothing from anywhere: pictures are `data:` or gone, and a
link only leads where its reader clicks. It is still meant for a sandboxed
frame whose own response forbids scripts and fetches: two walls, not one.
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

#: How often its own length safe markup may have: escaping makes text longer, and so do the
#: attributes of links. Elements that a parser opens again and again make it much longer.
MAX_GROWTH: Final = 8
#: That little is always allowed, in characters.
SMALL_LENGTH: Final = 64 * 1024
#: Web addresses of a plain text that are made links.
MAX_LINKS: Final = 5_000
#: Pictures that stand in the markup itself, of one message, in characters.
MAX_PICTURES: Final = 8 * 1024 * 1024

_DATA: Final = re.compile(r"data:(image/[a-z]+);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_LINKS: Final = frozenset({"http", "https", "mailto", "tel"})
_REL: Final = "noopener noreferrer nofollow"

# A placeholder: a random word, and the picture's place among those of the message.
_PLACEHOLDER: Final = re.compile(r' src="data:([0-9a-f]{32})-(\d+)"')

_BREAKS: Final = re.compile(r"<(?=/?(?:p|div|br|td|th|tr|li|h[1-6]|blockquote)\b)", re.IGNORECASE)
_URL: Final = re.compile(r"https?://[^\s<>\"'`]{1,2000}[^\s<>\"'`.,;:!?)\]}]")


@dataclass(frozen=True, slots=True)
class SanitisedHtml:
    """
    Markup that is safe to frame, in pieces. A picture of the message stands between each two.

    `pictures` are their content ids, without angle brackets; one more piece than pictures.
    `blocked_count` pictures were left out, because they are elsewhere. `is_words_only` where the
    markup was too costly to parse: its words are kept.
    """

    pieces: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    blocked_count: int = 0
    is_text_only: bool = False


class _AttributeFilter:
    """
    Filters attributes, and puts placeholders where the message's own pictures stand.

    A placeholder holds a random word, so that nobody who writes a mail can write one.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the message before."""
        self.word = secrets.token_hex(16)
        self.pictures: list[str] = []
        self.blocked_count = 0
        self._room = MAX_PICTURES

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        # nh3 keeps the value when its filter raises: nothing may.
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
        """Return sanitised markup, cut where the placeholders stand, with their attributes."""
        pieces: list[str] = []
        pictures: list[str] = []
        end = 0
        for placeholder in _PLACEHOLDER.finditer(safe) if self.pictures else ():
            # Another word was written by the sender.
            if placeholder[1] == self.word:
                pieces.append(safe[end : placeholder.start()])
                pictures.append(self.pictures[int(placeholder[2])])
                end = placeholder.end()
        return SanitisedHtml((*pieces, safe[end:]), tuple(pictures), self.blocked_count)


class _HtmlCleaner(threading.local):
    """nh3 as mail needs it: made once, because that takes as long as a short message."""

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
    """
    Return `html` with what a mail may do: look like something, and be read.

    Pictures that are neither `data:` nor the message's own are left out and counted.
    """
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
    """Return the words of `html` on one line."""
    html = html[:MAX_TEXT]
    if not is_within_bounds(html):
        return make_printable(_without_tags(html))
    return make_printable(entities.unescape(_without_markup.clean(_BREAKS.sub(" <", html))))


def plain_to_html(text: str) -> str:
    """Return plain text as safe HTML: lines kept, web addresses made links."""
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
