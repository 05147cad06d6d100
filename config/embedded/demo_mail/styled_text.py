"""
Text with a few marks, rendered as HTML and as plain text.

`# ` title, `## ` heading, `- ` or `1. ` item, `| a | b |` table row, `> ` quotation, `~ ` small
print, `![alternative](file)` picture, `[label](address)` link, which is a button on a line of its
own, `**bold**`, `*italic*`, `` `code` ``. A line ends a paragraph's line only if it is short;
longer ones were wrapped in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_SHORT: Final = 80
_MARKED: Final = re.compile(r"(#|##|-|\d+\.|\||>|~|!\[[^\]]*\]\([^)]*\)) ?")
_PICTURE: Final = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
_BUTTON: Final = re.compile(r"\[([^\]]*)\]\(([^)]*)\)$")


@dataclass(frozen=True, slots=True)
class Block:
    """:param kind: title, heading, items, table, quote, small, picture or paragraph"""

    kind: str
    lines: tuple[str, ...]


def reflow(text: str) -> str:
    """Join the lines that were wrapped in the file."""
    lines: list[str] = []
    previous = ""
    for line in text.splitlines():
        wrapped = len(previous) >= _SHORT and line and not _MARKED.match(line)
        if wrapped:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        previous = line
    return "\n".join(lines)


def parse_blocks(text: str) -> list[Block]:
    """Return the blocks of reflowed text."""
    return [
        _make_block(paragraph.splitlines()) for paragraph in text.split("\n\n") if paragraph.strip()
    ]


def _make_block(lines: Sequence[str]) -> Block:
    first = lines[0]
    for mark, kind in (("# ", "title"), ("## ", "heading"), ("> ", "quote"), ("~ ", "small")):
        if first.startswith(mark):
            return Block(kind, tuple(line.removeprefix(mark) for line in lines))
    if first.startswith("| "):
        return Block("table", tuple(line.strip("| ") for line in lines))
    if first.startswith("- "):
        return Block("items", tuple(line.removeprefix("- ") for line in lines))
    return Block("picture" if _PICTURE.match(first) else "paragraph", tuple(lines))


def list_pictures(text: str) -> list[str]:
    """Return the file names of the pictures in `text`."""
    return [match[2] for match in _PICTURE.finditer(text)]


def render_plain(text: str) -> str:
    """Return reflowed text without marks."""
    text = _PICTURE.sub(r"\1", text)
    text = _LINK.sub(r"\1: \2", text)
    text = re.sub(r"^(#+|~) ", "", text, flags=re.MULTILINE)
    text = re.sub(
        r"^\| (.*) \|$", lambda match: match[1].replace(" | ", ": "), text, flags=re.MULTILINE
    )
    return strip_emphasis(text)


def strip_emphasis(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`", lambda m: m[1] or m[2] or m[3], text)


def render_page(text: str, *, accent: str, name: str) -> str:
    """Return reflowed text as the HTML of a newsletter or notice from `name`."""
    content = "".join(_render_block(block, accent) for block in parse_blocks(text))
    return (
        '<!DOCTYPE html><html lang="en"><body style="margin:0">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:16px 8px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"'
        ' style="max-width:600px;font-family:Helvetica,Arial,sans-serif;font-size:15px">'
        f'<tr><td style="padding:0 0 8px;border-bottom:3px solid {accent};font-weight:bold">'
        f'<span style="color:{accent}">{escape(name)}</span></td></tr>'
        f'<tr><td style="padding:20px 0 0">{content}</td></tr></table></td></tr></table>'
        "</body></html>"
    )


def render_letter(text: str) -> str:
    """Return reflowed text as the HTML of a personal message, without the end of the page."""
    paragraphs = "".join(
        f"<p>{'<br>'.join(escape(line) for line in paragraph.splitlines())}</p>"
        for paragraph in text.split("\n\n")
    )
    return f'<div dir="ltr">{paragraphs}</div>'


#: HTML by kind of block; `{0}` is its text, `{1}` the accent.
_TEMPLATES: Final = {
    "title": '<h1 style="margin:0 0 14px;font-size:24px;line-height:1.25">{0}</h1>',
    "heading": '<h2 style="margin:22px 0 8px;font-size:18px">{0}</h2>',
    "quote": (
        '<blockquote style="margin:0 0 14px;padding:4px 0 4px 14px;border-left:3px solid {1};'
        'line-height:1.55">{0}</blockquote>'
    ),
    "small": (
        '<p style="margin:26px 0 0;padding:10px 0 0;border-top:1px solid #8889;font-size:12px">'
        "{0}</p>"
    ),
    "picture": '<p style="margin:0 0 18px">{0}</p>',
    "paragraph": '<p style="margin:0 0 14px;line-height:1.55">{0}</p>',
    "items": '<ul style="margin:0 0 14px;padding:0 0 0 20px;line-height:1.6">{0}</ul>',
    "table": (
        '<table width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 18px">{0}</table>'
    ),
    "button": '<p style="margin:0 0 22px">{0}</p>',
}
_BUTTON_STYLE: Final = (
    "display:inline-block;padding:9px 16px;border:1px solid {0};border-radius:4px;color:{0};"
    "text-decoration:none"
)


def _render_block(block: Block, accent: str) -> str:
    lines = [_render_inline(line, accent) for line in block.lines]
    kind, content = block.kind, "<br>".join(lines)
    if button := _BUTTON.match(block.lines[0]):
        address, style = escape(button[2]), _BUTTON_STYLE.format(accent)
        kind = "button"
        content = f'<a href="{address}" style="{style}">{escape(button[1])}</a>'
    elif kind == "items":
        content = "".join(f"<li>{line}</li>" for line in lines)
    elif kind == "table":
        content = "".join(_render_row(line) for line in lines)
    return _TEMPLATES[kind].format(content, accent)


def _render_row(row: str) -> str:
    cell = "padding:8px 0;border-bottom:1px solid #8885;vertical-align:top"
    *first, last = row.split(" | ")
    cells = "".join(f'<td width="38%" style="{cell}">{value}</td>' for value in first)
    end = cell.replace("8px 0;", "8px 0 8px 16px;")
    return f'<tr>{cells}<td style="{end}" align="right">{last}</td></tr>'


def _render_inline(text: str, accent: str) -> str:
    text = escape(text, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    text = _PICTURE.sub(
        r'<img src="cid:\2" alt="\1" width="600" style="width:100%;max-width:600px;height:auto">',
        text,
    )
    return _LINK.sub(rf'<a href="\2" style="color:{accent}">\1</a>', text)
