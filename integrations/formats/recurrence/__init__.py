"""Recurrence arithmetic: rules, series, edits of series, windows, free and busy time. Pure."""
