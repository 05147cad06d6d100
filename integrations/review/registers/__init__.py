"""
Registers that a person reads: columns in clear, and modules that may handle plaintext.

Tests compare them with the models and the code.
"""
