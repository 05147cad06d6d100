"""Settings, entry points and the schedule."""
