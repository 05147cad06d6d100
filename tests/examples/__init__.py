"""Examples of the API reference, made from real calls."""

#: Set in the environment by `python -m tests.examples`.
WRITE = "WRITE_API_EXAMPLES"
