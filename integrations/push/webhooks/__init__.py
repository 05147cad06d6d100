"""Webhooks for providers' notifications. They need no session and show no content."""
