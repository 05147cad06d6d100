"""Entra and Graph on their real paths."""
