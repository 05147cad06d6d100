"""Ids for labels without a provider id, such as Outlook's categories."""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "category:"


def make_label_id(name: str) -> str:
    return f"{_PREFIX}{name}"


def read_label_name(label_id: str) -> str | None:
    """Return None for a label with a provider id."""
    return label_id.removeprefix(_PREFIX) if label_id.startswith(_PREFIX) else None
