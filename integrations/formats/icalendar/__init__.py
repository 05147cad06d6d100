"""Read and write calendar files (RFC 5545). Pure. See README.md."""
