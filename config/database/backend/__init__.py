"""Django's PostgreSQL backend; it tells each transaction its person."""
