"""
Evidence about the service: our own words, counts, times and hashes; no content, address or
personal id.
"""
