"""
Parse untrusted bytes in separate processes, without keys, database or network.

A process that exceeds its limits of time and memory is killed and replaced. See README.md.
"""
