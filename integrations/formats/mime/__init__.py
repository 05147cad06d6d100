"""
Parse untrusted mail: RFC 5322 bytes or a provider's part tree to `ParsedMessage`.

Pure: no Django, no tables, no network. Unreadable mail raises `PoisonMessage` and nothing else.
"""
