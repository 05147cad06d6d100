"""
Create, change, delete and move events, and answer invitations.

`service` is the entry. It validates the event, looks up the calendar and the right to write once
(`access`), and passes both to a backend: `provider_backend` for calendars at a provider,
`local_backend` for local calendars.
"""
