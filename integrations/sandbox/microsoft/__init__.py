"""Microsoft, as far as the service uses it: Entra and Graph, on the paths of the real ones."""
