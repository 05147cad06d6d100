"""
Parse untrusted mail to `ParsedMessage`.

Pure. Unreadable mail raises `UnreadableMailMessage` and nothing else.
"""
