"""Parse untrusted bytes in processes without keys, database or network. See README.md."""
