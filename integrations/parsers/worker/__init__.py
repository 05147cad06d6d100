"""
The program that parses a stranger's bytes: isolated, and told what to do by `parsers.process_pool`.

Nothing of the service imports it. Its modules import no Django, no settings and no keys.
"""
