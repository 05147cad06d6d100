"""
Calendars: agenda, free and busy times, sharing, local calendars, writes of events, and their
sync.
"""
