"""
The outbox: commands that survive a crash at any moment, and the files that they send.

A command is a row in the caller's transaction. A worker claims it, stores a draft at the provider,
commits that it is sending, and sends once. Only the mailbox tells whether it was sent.

A file arrives in pieces (`upload_views`), is stored in sealed chunks (`uploads`), and leaves for
the provider chunk by chunk (`uploads.open_upload`). It is never whole in memory.
"""
