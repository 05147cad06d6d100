"""Google's protocols over the sandbox's state."""
