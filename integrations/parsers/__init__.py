"""
Parsers of untrusted bytes, in processes of their own.

A mail, a calendar file or a description was written by a stranger. Whatever reads it runs in a
process that has no keys, no database, no network and little time and memory (`parsers.worker`).
The service sends it a task and receives a result in a fixed schema; a process that exceeds its
limits is killed and replaced (`pool`). See README.md.
"""
