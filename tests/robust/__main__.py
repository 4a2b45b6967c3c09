"""Run the long robustness tests.

python -m tests.robust [--kills 1000] [--cuts 1000] [--full 200] [--mutations 10000] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.robust.disk_full import limited_series, refused_series
from tests.robust.kills import Outcome, kill_series
from tests.robust.mutations import mutation_series
from tests.robust.power_cuts import cut_series
from tests.robust.sqlite_vfs import available


def main() -> int:
    """Print a table; the status is 1 if anything went wrong, or if the control went well."""
    parser = argparse.ArgumentParser(prog="tests.robust")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--full", type=int, default=200)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seed = arguments.seed
    series: list[tuple[str, Callable[[Path], Outcome], bool]] = [
        ("SIGKILL", lambda folder: kill_series(folder, arguments.kills, seed), False),
        ("full disk (RLIMIT_FSIZE)", lambda folder: limited_series(folder, arguments.full, seed), False),
        ("mutated files", lambda folder: mutation_series(folder, arguments.mutations, seed), False),
    ]
    if available():
        series += [
            ("power cut", lambda folder: cut_series(folder, arguments.cuts, seed), False),
            (
                "power cut, control: synchronous=OFF",
                lambda folder: cut_series(folder, max(1, arguments.cuts // 10), seed, synchronous="OFF"),
                True,
            ),
            ("full disk (SQLITE_FULL)", lambda folder: refused_series(folder, arguments.full, seed), False),
        ]
    else:
        print("this interpreter's SQLite cannot be wrapped: no power cuts, no SQLITE_FULL")
    status = 0
    print(f"{'':38}{'trials':>8}{'corrupt':>9}{'lost':>6}{'s':>8}")
    for name, run, must_fail in series:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            outcome = run(Path(folder))
        seconds = time.monotonic() - started
        print(f"{name:38}{outcome.trials:8}{outcome.corrupt:9}{outcome.lost:6}{seconds:8.1f}", flush=True)
        if must_fail and not outcome.bad:
            print("    the control found nothing: the test proves nothing")
            status = 1
        if not must_fail and outcome.bad:
            print(f"    {outcome.first_trouble}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
