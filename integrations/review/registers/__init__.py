"""
Registers for people, compared by tests with models and code: columns in clear, and modules that
may handle plaintext.
"""
