"""Look at a frame with a network that the person supplies: depth as a picture, or the joints of a body."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from app.workflows.first_look import look_at
from engine.control import CancelToken, Progress
from engine.errors import StorageError, UsageError
from engine.features.measures import UInt8
from engine.features.vision import KeyPoint, depth_map, key_points, load_network
from engine.media.decode import FrameReader
from engine.media.pixels import to_rgb


def depth_picture(
    path: Path, frame: int, model: Path | None, size_px: int, target: Path, progress: Progress, cancel: CancelToken
) -> None:
    """Write the depth of a frame as a 16-bit PNG, near places bright where the network gives those high values.

    Raises:
        UsageError: there is no such network or frame. InputError: the network cannot be used.
        MediaError: the film cannot be used. StorageError: the picture cannot be written.
    """
    network = load_network(model, size_px)
    depth = depth_map(network, _picture(path, frame, progress, cancel))
    done, data = cv2.imencode(".png", np.rint(depth * 65535).astype(np.uint16))
    if not done:
        raise StorageError(f"{target} cannot be written as PNG")
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_bytes(data.tobytes())
        os.replace(draft, target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def pose(
    path: Path, frame: int, model: Path | None, size_px: int, progress: Progress, cancel: CancelToken
) -> tuple[KeyPoint, ...]:
    """Return the joints of the person in a frame.

    Raises:
        UsageError: there is no such network or frame. InputError: the network cannot be used.
        MediaError: the film cannot be used.
    """
    network = load_network(model, size_px)
    return key_points(network, _picture(path, frame, progress, cancel))


def _picture(path: Path, frame: int, progress: Progress, cancel: CancelToken) -> UInt8:
    info, index = look_at(path, progress, cancel)
    if not 0 <= frame < index.frame_count:
        raise UsageError(f"{path} has the frames 0:{index.frame_count}; {frame} is none of them")
    with FrameReader(path, info, index) as reader:
        return to_rgb(reader.frame(frame), rotation=info.video.rotation)
