"""
Small platform features for the demo: each uses the Python client, and nothing else of Antares.

They know the client's id, its key and an address, as a feature of another team would.
"""
