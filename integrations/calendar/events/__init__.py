"""
Writes of events: `event_service` validates, checks access (`event_access`), and calls
`provider_backend` or `local_backend`.
"""
