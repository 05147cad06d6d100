"""Markup that took a parser seconds to minutes, or made a page of many megabytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_COLOURS: Final = [f"<font color=#{number:06x}>" for number in range(900)]

COSTLY: Final[Mapping[str, str]] = {
    "fonts-in-paragraphs": "<p>" + "<font>" * 900 + "<p>x" * 6_000,
    "fonts-of-all-colours": "<p>" + "".join(_COLOURS) + "<p>x" * 6_000,
    "fonts-without-end": "".join(f"{one}x" for one in _COLOURS * 60),
    "ruby": "<rt>" * 60_000,
    "references": "&" * 400_000,
    "attributes": "<p " + " ".join(f"a{number}=1" for number in range(50_000)) + ">",
    "table-of-blocks": "<table>" + "<div>" * 40_000,
    "nesting": "<div>" * 100_000,
    "nesting-closed-by-others": "<div></b>" * 100_000,
}
