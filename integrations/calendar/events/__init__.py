"""
Writing events: create, change, delete, move, and answer invitations.

`service` is the entry. It validates the event, finds the calendar and may-write once (`access`),
and hands both to a backend: `provider_backend` for calendars at a provider, `local_backend` for
calendars that Antares keeps.
"""
