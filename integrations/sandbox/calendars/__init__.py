"""Calendars and events in Google's format. Knows nothing of HTTP."""
