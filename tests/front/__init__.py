"""The front of the web server, behind a real granian, with deadlines of a second."""
