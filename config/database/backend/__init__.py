"""Django's backend for PostgreSQL, which tells each transaction whose rows it is for."""
