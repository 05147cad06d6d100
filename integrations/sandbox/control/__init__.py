"""Management, apart from the protocol: its own port, its own prefix, JSON in and out."""
