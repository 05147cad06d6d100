"""Calendars: one's own in one view, whatever they come from, and those that others share."""
