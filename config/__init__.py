"""Settings, entry points and periodic tasks."""
