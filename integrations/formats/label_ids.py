"""Ids of labels that have none at their provider, such as Outlook's categories. Pure."""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "category:"


def make_id(name: str) -> str:
    """Return the id of a label that its provider knows by its name alone."""
    return f"{_PREFIX}{name}"


def read_name(label_id: str) -> str | None:
    """Return the name that an id holds; None for a label that has an id at its provider."""
    return label_id.removeprefix(_PREFIX) if label_id.startswith(_PREFIX) else None
