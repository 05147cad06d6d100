"""Outlook's calendars: Google's store in Graph's format."""
