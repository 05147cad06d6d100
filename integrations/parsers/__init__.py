"""
Parse untrusted bytes in separate processes.

The code that reads mail, calendar files and descriptions runs without keys, database or network,
with little time and memory (`parsers.worker`). A process that exceeds its limits is killed and
replaced (`parser_pool`). See README.md.
"""
