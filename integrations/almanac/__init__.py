"""Calendar arithmetic: zones, series, edits of series, files, free time. Pure."""
