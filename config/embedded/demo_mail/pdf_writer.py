"""
Writes plain text with the marks of `styled_text` as PDF 1.4 (A4, Helvetica).

No compression and no dates: the same bytes for the same text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from config.embedded.demo_mail import styled_text

_WIDTH, _HEIGHT, _MARGIN = 595, 842, 64
_NORMAL, _BOLD = "F1", "F2"
_AMOUNT_COLUMN: Final = 360
# Points of Helvetica per character, on average.
_CHARACTER: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Line:
    """:param above: space above the line, in points"""

    text: str
    font: str = _NORMAL
    size: float = 10.5
    above: float = 0
    x: float = _MARGIN

    @property
    def height(self) -> float:
        return self.size * 1.45 + self.above


def write_pdf(text: str) -> bytes:
    """Return a PDF of reflowed text."""
    pages = _paginate(text)
    first_page = 5
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        _describe_font("Helvetica"),
        _describe_font("Helvetica-Bold"),
    ]
    for number, content in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}]"
            f" /Resources << /Font << /{_NORMAL} 3 0 R /{_BOLD} 4 0 R >> >>"
            f" /Contents {first_page + 2 * number + 1} 0 R >>".encode()
        )
        objects.append(
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"
        )
    return _assemble(objects)


def _describe_font(name: str) -> bytes:
    return (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
    )


def _assemble(objects: list[bytes]) -> bytes:
    document = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(document))
        document += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    xref = len(document)
    document += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for offset in offsets:
        document += f"{offset:010} 00000 n \n".encode()
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n"
    return bytes(document) + trailer.encode()


def _paginate(text: str) -> list[bytes]:
    pages: list[list[str]] = [[]]
    y = float(_HEIGHT - _MARGIN)
    for row in _lay_out(text):
        height = max(line.height for line in row)
        if y - height < _MARGIN:
            pages.append([])
            y = float(_HEIGHT - _MARGIN)
        y -= height
        pages[-1] += [_show(line, y) for line in row]
    return ["\n".join(page).encode("cp1252", "replace") for page in pages]


def _show(line: _Line, y: float) -> str:
    escaped = line.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{line.font} {line.size} Tf {line.x} {y:.1f} Td ({escaped}) Tj ET"


def _lay_out(text: str) -> Iterator[list[_Line]]:
    """Yield rows of lines side by side."""
    for block in styled_text.parse_blocks(text):
        if block.kind == "table":
            for number, row in enumerate(block.lines):
                yield _make_row(row, above=6 if number == 0 else 2)
            continue
        font, size = {
            "title": (_BOLD, 18.0),
            "heading": (_BOLD, 12.0),
            "small": (_NORMAL, 8.5),
        }.get(block.kind, (_NORMAL, 10.5))
        prefix = "\u2022 " if block.kind == "items" else ""
        above = 10.0
        for line in block.lines:
            plain = f"{prefix}{styled_text.strip_emphasis(line)}"
            for piece in _wrap(plain, size):
                yield [_Line(piece, font, size, above)]
                above = 0


def _wrap(text: str, size: float) -> list[str]:
    return textwrap.wrap(text, int((_WIDTH - 2 * _MARGIN) / (size * _CHARACTER))) or [""]


def _make_row(row: str, *, above: float) -> list[_Line]:
    font = _BOLD if "**" in row else _NORMAL
    first, *others = styled_text.strip_emphasis(row).split(" | ")
    step = (_WIDTH - _MARGIN - _AMOUNT_COLUMN) / max(len(others), 1)
    start = _AMOUNT_COLUMN if len(others) == 1 else _AMOUNT_COLUMN - 80
    return [
        _Line(first, font, above=above),
        *(
            _Line(value, font, above=above, x=start + number * step)
            for number, value in enumerate(others)
        ),
    ]
