"""The demo's data folder, which the launcher names."""

from __future__ import annotations

import os
from pathlib import Path


def get_demo_folder() -> Path:
    return Path(os.environ["DEMO_FOLDER"])
