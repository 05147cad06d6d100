"""Microsoft's Entra and Graph, as far as the service uses them, on the real paths."""
