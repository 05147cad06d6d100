"""The control plane: its own port and prefix, JSON in and out."""
