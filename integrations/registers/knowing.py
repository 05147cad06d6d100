"""Whose objects a module may hold, by the import contracts. Pure."""

from __future__ import annotations

from typing import Final

from .source import PACKAGES, Function, Module

# What knows nothing of the rest, by contract; the first that a module is of says what it knows.
_PURE: Final = (
    ("integrations.mime",),
    ("integrations.zones",),
    ("integrations.providers", "integrations.mime", "integrations.zones"),
    ("integrations.almanac", "integrations.providers", "integrations.zones"),
    (
        "integrations.icalendars",
        "integrations.almanac",
        "integrations.providers",
        "integrations.zones",
    ),
)
# What reads the code, and is run beside the service.
_READING: Final = "integrations.registers"


def knows(module: Module, other: Function) -> bool:
    """Return whether the import contracts let a module hold an object of that class."""
    if other.module.startswith(_READING):
        return module.name.startswith(_READING)
    for known in _PURE:
        if module.name.startswith(known[0]):
            return other.module.startswith(known)
    own, theirs = module.name.split(".")[0], other.module.split(".")[0]
    return PACKAGES.index(theirs) <= PACKAGES.index(own)
