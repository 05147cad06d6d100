"""Antares calendars, which have no provider."""

from .config import LOCAL

__all__ = ["LOCAL"]
