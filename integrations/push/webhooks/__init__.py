"""Webhooks for providers' notifications, without sessions or content."""
