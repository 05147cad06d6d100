"""
The template of a proposed text: equal for texts that differ only as a mail merge makes them
differ. Pure.

Numbers, addresses, links, names of owner and recipients, punctuation, letter case, width, accents
and invisible characters do not count. A text that is written anew for each person has a template
of its own each time: no hash recognises it.

A name counts only if the service knows it. Names that the feature gives to its recipients would
let it remove any word, and so give one text many templates.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_LINK: Final = re.compile(r"(?:https?://|www\.)\S+")
_ADDRESS: Final = re.compile(r"\S+@\S+")
_NUMBER: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"\w+")
# Words that no text has: `_WORD` matches them, and `casefold` keeps no capitals.
_LINK_WORD: Final = " LINK "
_ADDRESS_WORD: Final = " ADDRESS "
_NUMBER_WORD: Final = "0"
# Shorter parts of names are ordinary words, too.
_MIN_NAME: Final = 2


def normalise_template(subject: str, text: str, names: Iterable[str]) -> str:
    """
    Return the words that stay the same when a text is sent to other people.

    :param names: of owner and recipients, as the service knows them; their words are removed
    """
    name_words = {word for name in names for word in _split_words(name) if len(word) >= _MIN_NAME}
    words = (word for word in _split_words(f"{subject}\n{text}") if word not in name_words)
    return " ".join(words)


def _split_words(text: str) -> list[str]:
    folded = _fold_characters(text)
    folded = _LINK.sub(_LINK_WORD, folded)
    folded = _ADDRESS.sub(_ADDRESS_WORD, folded)
    return _WORD.findall(_NUMBER.sub(_NUMBER_WORD, folded).replace("_", " "))


def _fold_characters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(
        character for character in decomposed if unicodedata.category(character) not in _IGNORED
    )


# Combining marks and invisible characters.
_IGNORED: Final = frozenset({"Mn", "Me", "Cf"})
