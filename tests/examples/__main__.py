"""`python -m tests.examples` writes the examples of the API reference from real calls."""

from __future__ import annotations

import os
import sys

import pytest

from tests.examples import WRITE


def main() -> int:
    os.environ[WRITE] = "yes"
    return pytest.main(
        ["-q", "-p", "no:randomly", "tests/examples/test_examples.py::test_are_those_of_real_calls"]
    )


if __name__ == "__main__":
    sys.exit(main())
