"""`python -m tests.faults --kills 1000` and `python -m tests.faults --matrix`: the long versions."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fakes.world import World
from tests.faults.jobs import KINDS, Account
from tests.faults.kills import run_kills
from tests.faults.matrix import all_faults, cells, run_cell


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=0, help="SIGKILLs at random moments over queues of jobs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--matrix", action="store_true", help="each adapter x each fault x a crash at each save")
    parser.add_argument("--adapter", choices=sorted(KINDS), help="only this adapter's part of the matrix")
    parser.add_argument("--crashes", type=int, default=12, help="crash at each of the first so many saves")
    wish = parser.parse_args()
    wrong = 0
    if wish.matrix:
        wrong += run_matrix(wish.adapter, wish.crashes)
    if wish.kills:
        started = time.monotonic()
        kills, account = run_kills(wish.kills, wish.seed, told=lambda line: print(line, flush=True))
        print(f"{kills} kills in {time.monotonic() - started:.0f} s: {account.line()}")
        print("\n".join(account.wrong))
        wrong += len(account.wrong)
    return 1 if wrong else 0


def run_matrix(adapter: str | None, crashes: int) -> int:
    total = Account()
    number = 0
    for name in [adapter] if adapter else sorted(KINDS):
        part = Account()
        started = time.monotonic()
        with World(video_height=48) as world:
            for cell in cells(name, all_faults(name), crashes):
                number += 1
                part.add(run_cell(cell, world, number))
                world.received.clear()
            part.wrong += world.mistakes
        print(
            f"{name}: {sum(part.ends.values())} cells in {time.monotonic() - started:.0f} s: {part.line()}", flush=True
        )
        total.add(part)
    print(f"all: {sum(total.ends.values())} cells: {total.line()}")
    print("\n".join(total.wrong))
    return len(total.wrong)


if __name__ == "__main__":
    sys.exit(main())
