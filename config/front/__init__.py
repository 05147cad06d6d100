"""
The asynchronous front of the web process reads requests and sends responses.

A thread is busy only while our code runs. Slow clients wait in the event loop; only downloads
hold a thread for files, for a bounded time. granian calls the front by ASGI; the front calls the
WSGI application (PEP 3333).
"""
