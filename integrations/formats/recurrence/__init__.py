"""Recurrence arithmetic. Pure."""
