"""
Evidence about the service: sections, each from its source, in one signed bundle.

It holds our own words, counts, times and hashes: no content, address or personal id.
"""
