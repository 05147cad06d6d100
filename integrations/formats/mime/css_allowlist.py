"""Filter inline styles: appearance is allowed; positioning and fetching are not."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = """
background-color border border-bottom border-bottom-color border-bottom-style
border-bottom-width border-collapse border-color border-left border-left-color
border-left-style border-left-width border-radius border-right border-right-color
border-right-style border-right-width border-spacing border-style border-top border-top-color
border-top-style border-top-width border-width color direction display font font-family
font-size font-style font-variant font-weight height letter-spacing line-height list-style-type
margin margin-bottom margin-left margin-right margin-top max-height max-width min-width padding
padding-bottom padding-left padding-right padding-top table-layout text-align text-decoration
text-indent text-transform vertical-align white-space width word-break word-spacing word-wrap
overflow-wrap
"""
_PROPERTIES: Final = frozenset(_NAMES.split())
# A shorthand, reduced to its plain colour.
_SHORTHANDS: Final = {"background": "background-color"}
_DISPLAYS: Final = frozenset(
    {"block", "inline", "inline-block", "none", "table", "table-cell", "table-row", "list-item"}
)
# No backslash, other bracket, at-sign or slash-star, so that no new rule can start.
_PLAIN: Final = re.compile(r"[\w\s#%.,+\-'\"!/]*")
_COLOUR: Final = re.compile(r"\b(?:rgba?|hsla?)\([\d\s.,%/]{1,60}\)", re.IGNORECASE)
_NEGATIVE: Final = re.compile(r"(?:^|\s)-")
MAX_LENGTH: Final = 4_000


def filter_style(style: str) -> str:
    declarations: list[str] = []
    for declaration in style[:MAX_LENGTH].split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), " ".join(value.split())
        name = _SHORTHANDS.get(name, name)
        if colon and name in _PROPERTIES and _is_plain(name, value):
            declarations.append(f"{name}:{value}")
    return ";".join(declarations)


def _is_plain(name: str, value: str) -> bool:
    if not value or "/*" in value or value.count('"') % 2 or value.count("'") % 2:
        return False
    if name == "display":
        return value.lower() in _DISPLAYS
    if name.startswith(("margin", "text-indent")) and _NEGATIVE.search(value):
        # Negative margins move content out of its box.
        return False
    return _PLAIN.fullmatch(_COLOUR.sub("", value)) is not None
