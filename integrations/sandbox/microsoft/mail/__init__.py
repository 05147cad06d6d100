"""Outlook's mail: the same store as Gmail's, shown as folders."""
