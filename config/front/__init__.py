"""
The asynchronous front of the web process: reads requests and sends answers.

A thread is busy only while our own code runs. A client that sends its body slowly, or reads a page
slowly, waits in the event loop; only downloads keep one of the threads for files, for a bounded
time. granian calls the front by ASGI; the front calls the WSGI application (PEP 3333).
"""
