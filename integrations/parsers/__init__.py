"""
Parse untrusted bytes in separate processes.

Strangers write mail, calendar files and descriptions. The code that reads them runs in a process
without keys, database or network and with little time and memory (`parsers.worker`). The service
sends a task and receives a result in a fixed schema. A process that exceeds its limits is killed
and replaced (`process_pool`). See README.md.
"""
