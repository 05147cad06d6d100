"""
Finds texts of templates that are not marked for translation.

A text is marked inside ``{% blocktranslate %}`` or as the argument of ``{% translate %}``.
Names of products and formats, code, and values of variables are no texts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).resolve().parents[1] / "templates"

_COMMENT: Final = re.compile(
    r"{#.*?#}|{% comment.*?%}.*?{% endcomment %}|<!--.*?-->|<!doctype[^>]*>", re.DOTALL
)
_MARKED: Final = re.compile(
    r"{% blocktrans(?:late)?\b.*?{% endblocktrans(?:late)? %}"
    r"|<(script|style|svg|code|pre)\b.*?</\1>",
    re.DOTALL,
)
_TAG: Final = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_ATTRIBUTE: Final = re.compile(
    r'\b(?:alt|title|placeholder|aria-label|aria-description|data-label|content)="([^"]*)"'
)
_ELEMENT: Final = re.compile(r"<[^>]*>", re.DOTALL)
_META: Final = re.compile(r'<meta name="(?!description)[^>]*>')
_NO_TEXT: Final = frozenset(
    {"Antares", "Antares Integrations", "API", "CSV", "Google", "JSON", "Microsoft", "UTC"}
)
_ENTITY: Final = re.compile(r"&[a-z]+;|&#\d+;")


def find_unmarked_texts(source: str) -> Iterator[str]:
    """Yield each text of a template that is not marked."""
    rest = _TAG.sub("\x00", _MARKED.sub("\x00", _COMMENT.sub("", source)))
    rest = _META.sub("", rest)
    attributes = [text for value in _ATTRIBUTE.findall(rest) for text in value.split("\x00")]
    for part in [*attributes, *re.split(r"[\x00\n]", _ELEMENT.sub("\x00", rest))]:
        text = _ENTITY.sub("", part).strip(" ·:.,;()→–-“”\"'")  # noqa: RUF001 - a dash
        if re.search("[A-Za-z]{2}", text) and text not in _NO_TEXT:
            yield text


def list_templates() -> list[Path]:
    return sorted(path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt"})


def main(names: list[str]) -> None:
    """Print the unmarked texts of the templates whose paths contain one of `names`."""
    for path in list_templates():
        if not names or any(name in str(path) for name in names):
            for text in find_unmarked_texts(path.read_text(encoding="utf-8")):
                sys.stdout.write(f"{path.relative_to(TEMPLATES)}: {text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
