"""`python -m limited_use.verify`: check signed documents and proofs offline."""

import sys

from .verifier import main

if __name__ == "__main__":
    sys.exit(main())
