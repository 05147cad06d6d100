"""A stand-in for Google in a process of its own. Imports nothing of the service."""
