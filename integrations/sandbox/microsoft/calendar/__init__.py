"""Outlook's calendars: the same store as Google's, in Graph's format."""
