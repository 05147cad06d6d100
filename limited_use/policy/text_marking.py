"""
Marks texts of this pure package for translation.

Offline tools read the package without Django, so it cannot call Django's function of this name.
Tools that collect texts for translators find the marks by the name. Pages translate a text where
they show it.
"""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    return text
