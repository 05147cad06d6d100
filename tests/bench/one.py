"""One benchmark in a process of its own: ``python -m tests.bench.one NAME OUTPUT``."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import django

from config.front import preload
from config.parent_process import follow_parent
from integrations.coordination import process_memory
from tests.bench import figures


def main(name: str, output: str) -> None:
    follow_parent()
    process_memory.release_freed_memory()
    django.setup()
    benchmark = importlib.import_module(f"tests.bench.{name}")
    # As the service's processes do.
    preload.load_views()
    process_memory.collect_rarely()
    found = benchmark.run_benchmark()
    Path(output).write_text(json.dumps(figures.as_json(found)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
