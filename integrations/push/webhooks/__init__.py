"""Webhooks that providers call with notifications. They need no session and show no content."""
