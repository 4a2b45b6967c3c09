"""`python -m tests.fakes`: start the fakes, print what to export, serve until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import threading

from tests.fakes.google import DRIFTS
from tests.fakes.media import TYPICAL
from tests.fakes.world import DEFAULT_VIDEO_HEIGHT, World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; by default a free one")
    parser.add_argument("--polls", type=int, default=2, help="how often a video is asked for before it is done")
    parser.add_argument("--video-height", type=int, default=DEFAULT_VIDEO_HEIGHT, help="of generated videos, in pixels")
    parser.add_argument("--drift", choices=sorted(DRIFTS), default="typical", help="what edits do outside the mask")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SERVICE:OPERATION:FAULT",
        help="let the next call fail, such as kling:submit:rate or gemini:submit:slow=5; may be repeated",
    )
    wish = parser.parse_args()
    world = World(
        polls=wish.polls, video_height=wish.video_height, drift=DRIFTS.get(wish.drift, TYPICAL), port=wish.port
    )
    for fault in wish.fault:
        service, operation, name = fault.split(":", 2)
        world.services[service].fail(operation, name)
    with world:
        for name, value in world.environment().items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"# fakes at {world.url}; Ctrl-C ends them", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


main()
