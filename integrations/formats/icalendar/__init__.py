"""Calendars as files (RFC 5545), read and written. Pure: see README.md."""
