"""Load what a command needs without Python's cycle collector.

What modules make stays as long as the program; that the collector looks it all through while they load takes a fifth of
a command's start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Keep the collector off inside, and what was made there out of its way from then on (gc.freeze)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
