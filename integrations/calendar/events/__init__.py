"""
Writes of events. `event_service` validates, looks up calendar and right to write
(`event_access`), and calls `provider_backend` or `local_backend`.
"""
