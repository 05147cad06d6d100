"""Outlook's mail: Gmail's store, shown as folders."""
