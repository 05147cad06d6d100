"""Bringing calendars in: which there are, and the copy of each, which is temporary."""

from .calendar_turn import opened
from .work_items import LISTING, resource_of

__all__ = ["LISTING", "opened", "resource_of"]
