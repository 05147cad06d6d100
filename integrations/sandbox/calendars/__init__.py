"""Calendars and their events, as Google keeps them. Knows nothing of HTTP."""
