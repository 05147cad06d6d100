"""
The isolated program that parses untrusted bytes for `parsers.process_pool`.

No module of the service imports it. Its modules import no Django, settings or keys.
"""
