"""The interface's figures: the viewer's, the timeline's and the window's, one after the other."""

from __future__ import annotations

import importlib
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run every `ui_*` bench; the arguments go to each."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("ui_*.py"))
    status = 0
    for name in names:
        print(f"--- {name.removeprefix('ui_')}", flush=True)
        status |= int(importlib.import_module(f"tests.bench.{name}").main(arguments) or 0)
    return status
