"""
Mail as it came, made readable: RFC 5322 bytes or a provider's part tree in, `ParsedMessage` out.

Pure: no Django, no tables, no network. Nothing here trusts what a stranger
wrote; what cannot be read safely raises `Poison` and nothing else.
"""
