"""Django's PostgreSQL backend, extended: it tells each transaction for which person it runs."""
