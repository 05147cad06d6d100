"""Outlook's calendars: the store that Google's have too, in Graph's shapes."""
