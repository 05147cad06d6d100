"""
The isolated program that parses untrusted bytes.

No module of the service imports this package, which imports no Django, settings or keys.
"""
