"""
The isolated program. No module of the service imports it, and it imports no Django, settings or
keys.
"""
