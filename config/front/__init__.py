"""
The asynchronous front of the web process: granian calls it by ASGI, and it calls the WSGI
application (PEP 3333).

A thread is busy only while our code runs. Slow clients wait in the event loop; only downloads
hold a thread for files, for a bounded time.
"""
