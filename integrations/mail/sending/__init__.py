"""
Send mail: what an owner writes, from the form to the provider's draft.

The outbox (`integrations.outbox`) decides when a message is sent, and whether it was.
"""
