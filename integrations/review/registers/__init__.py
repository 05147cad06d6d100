"""Registers for people, compared by tests with models and code."""
