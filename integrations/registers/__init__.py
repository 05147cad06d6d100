"""
What is proved by reading the project itself: which columns are in clear, who may hold plaintext.

Registers are generated or compared by tests; a difference fails the build.
"""
