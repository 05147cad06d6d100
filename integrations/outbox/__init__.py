"""
The outbox: what an owner sends to their provider, and the files that belong to it.

A file arrives in pieces (`upload_views`), is stored in sealed chunks (`uploads`), and leaves for
the provider chunk by chunk (`uploads.open_upload`). It is never whole in memory.
"""
