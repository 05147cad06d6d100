"""
Parse untrusted mail to `ParsedMessage`.

Pure. Unreadable mail raises `PoisonMessage` and nothing else.
"""
