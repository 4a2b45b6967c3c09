"""The program that is killed: it opens a folder of jobs and runs its queue, as the application does when it starts.

To start it a thousand times without a thousand imports, one process imports everything and forks for each start. It
reads a line per start (the folder) and writes the child's process id, then, when that has ended, its exit status.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

# What the adapters import when they are first used.
import elevenlabs.client  # noqa: F401
import google.genai.types  # noqa: F401
import httpx  # noqa: F401

from providers.jobs import JobState
from tests.faults.jobs import open_desk


def main() -> None:
    variables = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run_queue(Path(line.strip()), variables)
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run_queue(folder: Path, variables: dict[str, str]) -> None:
    """Run everything that does not rest; what failed is tried again, as a person would."""
    desk = open_desk(folder, variables)
    for job in desk.jobs.all():
        if job.state is JobState.FAILED:
            desk.orchestrator.retry(job.job)

    async def run() -> None:
        try:
            await desk.orchestrator.run_queue(parallel=6)
        finally:
            for provider in desk.providers.values():
                await provider.close()

    asyncio.run(run())
    desk.close_files()


if __name__ == "__main__":
    main()
