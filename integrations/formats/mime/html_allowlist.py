from __future__ import annotations

from typing import Final

_TAGS_NAMES: Final = """
a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup
dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img
ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub
summary sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
TAGS: Final = frozenset(_TAGS_NAMES.split())
# Removed with their content; other unknown tags keep their text.
_DROPPED_WHOLE_NAMES: Final = """
applet audio base canvas embed frame frameset head iframe link math meta noembed noframes
noscript object script select style svg template textarea title video xml
"""
DROPPED_WHOLE: Final = frozenset(_DROPPED_WHOLE_NAMES.split())
# Void elements, and elements with optional end tags.
_SELF_CLOSING_NAMES: Final = """
area base br col dd dt embed hr img input li link meta option p param source tbody td tfoot th
thead tr track wbr
"""
SELF_CLOSING: Final = frozenset(_SELF_CLOSING_NAMES.split())
# Reopened in every following block until closed (HTML, 13.2.4.3).
_FORMATTING_NAMES: Final = "a b big code em font i nobr s small strike strong tt u"
FORMATTING: Final = frozenset(_FORMATTING_NAMES.split())
#: Image types in the text, as `data:` URLs or parts.
PICTURE_TYPES: Final = frozenset({"image/png", "image/gif", "image/jpeg", "image/webp"})

ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"style", "dir", "lang", "title", "align", "valign", "bgcolor", "width", "height"},
    "a": {"href"},
    "img": {"src", "alt", "border"},
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value"},
    "details": {"open"},
}
