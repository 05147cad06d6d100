"""
The evidence: sections, each from where the truth stands, in one signed bundle.

A section says what it rests on: the code, the settings, or what is live. It holds our
own words, counts, times and hashes: no content, no address, no id of a person.
"""
