"""
The evidence: one signed bundle of sections.

Each section states its basis: code, settings, or live data. It holds our own words, counts, times
and hashes: no content, no address, no id of a person.
"""
