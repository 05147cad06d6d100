"""Recurrence arithmetic: rules, series, edits, windows, free and busy time. Pure."""
