"""Stand-in for Google and Microsoft in its own process. Imports nothing of the service."""
