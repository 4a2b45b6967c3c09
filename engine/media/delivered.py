"""Look at a delivery that was just written: what it holds, by its packets; the last picture is decoded too."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from engine.control import CancelToken
from engine.errors import DamagedMedia

_LOOK_EVERY = 512


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a file holds; last_picture_s: second at which the last picture shows, 0 where there is none."""

    pictures: int
    sounds: int
    last_picture_s: Fraction


def read_back(path: Path, cancel: CancelToken) -> Delivered:
    """Read all packets of a file, and decode its first picture.

    Raises:
        DamagedMedia: it cannot be read. Cancelled: on request.
    """
    pictures, last = 0, Fraction(0)
    heard: set[int] = set()
    try:
        with av.open(str(path)) as container:
            for count, packet in enumerate(container.demux()):
                if count % _LOOK_EVERY == 0:
                    cancel.check()
                if not packet.size:
                    continue
                if packet.stream.type == "video":
                    pictures += 1
                    if packet.pts is not None and packet.time_base is not None:
                        last = max(last, packet.pts * packet.time_base)
                elif packet.stream.type == "audio":
                    heard.add(packet.stream.index)
        if pictures:
            with av.open(str(path)) as container:
                next(container.decode(container.streams.video[0]))
    except (av.error.FFmpegError, ValueError, StopIteration) as error:
        raise DamagedMedia(f"{path} cannot be read back: {error}") from error
    return Delivered(pictures, len(heard), last)
