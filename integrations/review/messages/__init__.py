"""Texts of the reviewer's pages."""
