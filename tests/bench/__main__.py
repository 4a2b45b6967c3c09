"""Run a benchmark by its name: `python -m tests.bench NAME [ARGS...]`."""

import importlib
import sys
from pathlib import Path

import engine  # noqa: F401 # first, since it says how many threads NumPy's products take


def main() -> int:
    names = sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if not path.stem.startswith("_") and "def main(" in path.read_text(encoding="utf-8")
    )
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print("usage: python -m tests.bench NAME [ARGS...]\nbenchmarks: " + ", ".join(names), file=sys.stderr)
        return 2
    status = importlib.import_module(f"tests.bench.{sys.argv[1]}").main(sys.argv[2:])
    return int(status or 0)


if __name__ == "__main__":
    sys.exit(main())
