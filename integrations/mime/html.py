"""
Mail HTML made safe to show, and text made HTML.

What comes out loads nothing from anywhere: pictures are `data:` or gone, and a
link only leads where its reader clicks. It is still meant for a sandboxed
frame whose own response forbids scripts and fetches: two walls, not one.
"""

from __future__ import annotations

import base64
import html as entities
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import nh3

from . import allowed, styles
from .headers import printable
from .message import MAX_TEXT

# Content type and bytes; pictures go by their content id, without angle brackets.
Picture = tuple[str, bytes]

MAX_PICTURE: Final = 2 * 1024 * 1024
MAX_PICTURES: Final = 8 * 1024 * 1024
MAX_OPEN_TAGS: Final = 1_000

_PICTURES: Final = frozenset({"image/png", "image/gif", "image/jpeg", "image/webp"})
_DATA: Final = re.compile(r"data:(image/[a-z]+);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_LINKS: Final = frozenset({"http", "https", "mailto", "tel"})
_REL: Final = "noopener noreferrer nofollow"

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_BREAKS: Final = re.compile(r"<(?=/?(?:p|div|br|td|th|tr|li|h[1-6]|blockquote)\b)", re.IGNORECASE)
_URL: Final = re.compile(r"https?://[^\s<>\"'`]{1,2000}[^\s<>\"'`.,;:!?)\]}]")


@dataclass(frozen=True, slots=True)
class Sanitised:
    """`html` is safe to frame; `blocked_count` pictures were left out, being elsewhere."""

    html: str
    blocked_count: int


@dataclass(slots=True)
class _Attributes:
    pictures: Mapping[str, Picture]
    blocked_count: int = 0
    room: int = field(default=MAX_PICTURES)

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        # nh3 keeps the value when its filter raises: nothing may.
        try:
            return self._kept(tag, name, value)
        except Exception:  # noqa: BLE001
            return None

    def _kept(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return styles.filtered(value) or None
        if name == "src":
            return self._picture(value)
        if name == "href":
            return value if _leads_out(value) else None
        return value if tag == "a" and name in {"rel", "target"} else printable(value)[:500]

    def _picture(self, value: str) -> str | None:
        address = value.strip()
        if address[:4].lower() == "cid:":
            address = self._embedded(address[4:])
        known = _DATA.fullmatch(address)
        if not known or known[1].lower() not in _PICTURES or len(address) > self.room:
            self.blocked_count += 1
            return None
        self.room -= len(address)
        return address

    def _embedded(self, content_id: str) -> str:
        found = self.pictures.get(_bare(content_id))
        if found is None or len(found[1]) > MAX_PICTURE:
            return ""
        content_type, data = found
        return f"data:{content_type};base64,{base64.b64encode(data).decode('ascii')}"


def _bare(content_id: str) -> str:
    return content_id.strip("<> ")


@dataclass(slots=True)
class _Wanted:
    """Takes note of the pictures that are shown by their content ids."""

    ids: dict[str, None] = field(default_factory=dict)

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src" and value.strip()[:4].lower() == "cid:":
            self.ids[_bare(value.strip()[4:])] = None
        return None


def pictures_in(html: str) -> list[str]:
    """Return the content ids of the pictures that `html` shows, in order, each once."""
    html = html[:MAX_TEXT]
    if "cid:" not in html.lower() or _is_bomb(html):
        return []
    wanted = _Wanted()
    nh3.clean(
        html,
        tags={"img"},
        attributes={"img": {"src"}},
        attribute_filter=wanted,
        url_schemes={"cid"},
    )
    return list(wanted.ids)


def _leads_out(value: str) -> bool:
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in _LINKS and bool(parts.netloc or parts.path)


def sanitise(html: str, *, pictures: Mapping[str, Picture] | None = None) -> Sanitised:
    """
    Return `html` with what a mail may do: look like something, and be read.

    Pictures by content id are put in where they are among `pictures`; any others
    that are not `data:` are left out and counted.
    """
    html = html[:MAX_TEXT]
    if _is_bomb(html):
        # Deep nesting takes the parser quadratic time; its words are kept.
        return Sanitised(plain_to_html(_without_tags(html)), 0)
    attributes = _Attributes(pictures or {})
    safe = nh3.clean(
        html,
        tags=set(allowed.TAGS),
        clean_content_tags=set(allowed.DROPPED_WHOLE),
        attributes=allowed.ATTRIBUTES,
        attribute_filter=attributes,
        url_schemes={*_LINKS, "data", "cid"},
        link_rel=_REL,
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Sanitised(safe, attributes.blocked_count)


def _is_bomb(html: str) -> bool:
    open_by_name: Counter[str] = Counter()
    depth = 0
    for closing, written in _TAG.findall(html):
        name = written.lower()
        if name in allowed.SELF_CLOSING:
            continue
        if not closing:
            open_by_name[name] += 1
            depth += 1
            if depth > MAX_OPEN_TAGS:
                return True
        elif open_by_name[name]:
            open_by_name[name] -= 1
            depth -= 1
    return False


def _without_tags(html: str) -> str:
    return entities.unescape(re.sub(r"<[^>]{0,2000}>?", " ", html))


def html_to_text(html: str) -> str:
    """Return the words of `html` on one line."""
    html = html[:MAX_TEXT]
    if _is_bomb(html):
        return printable(_without_tags(html))
    bare = nh3.clean(
        _BREAKS.sub(" <", html),
        tags=set(),
        clean_content_tags=set(allowed.DROPPED_WHOLE),
        attributes={},
    )
    return printable(entities.unescape(bare))


def plain_to_html(text: str) -> str:
    """Return plain text as safe HTML: lines kept, web addresses made links."""
    text = text[:MAX_TEXT]
    out: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        shown = entities.escape(match[0])
        out.append(entities.escape(text[end : match.start()]))
        out.append(f'<a href="{shown}" target="_blank" rel="{_REL}">{shown}</a>')
        end = match.end()
    out.append(entities.escape(text[end:]))
    return f'<div style="white-space:pre-wrap">{"".join(out)}</div>'
