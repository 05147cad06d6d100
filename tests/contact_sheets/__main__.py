"""
Make the contact sheets: ``python -m tests.contact_sheets [--out FOLDER] [-k NAME]``.

Opens every state in a browser, as `test_sheets` does, and leaves the pictures in a folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

from tests.contact_sheets.options import FOLDER, ONLY

HERE = Path(__file__).parent
DEFAULT = HERE.parents[1] / ".data" / "contact-sheets"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contact_sheets")
    parser.add_argument("--out", type=Path, default=DEFAULT, metavar="FOLDER")
    parser.add_argument("-k", default="", metavar="NAME", help="states with NAME in their names")
    given = parser.parse_args()
    os.environ |= {FOLDER: str(given.out.resolve()), ONLY: given.k}
    status = pytest.main([str(HERE / "test_sheets.py"), "-q"])
    sys.stdout.write(f"{given.out / 'index.html'}\n")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
