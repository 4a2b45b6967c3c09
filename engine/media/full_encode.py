"""What re-encoding a whole film would take, measured on a stretch of it: the yardstick that a person knows."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import av

from engine.control import CancelToken, Progress
from engine.media.decode import FrameReader
from engine.media.pixels import Frame
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

_CRF = "20"


def seconds_per_frame(
    path: Path, info: MediaInfo, index: FrameIndex, frames: int, progress: Progress, cancel: CancelToken
) -> float:
    """Decode and encode the first frames of a film (x264 medium, all threads); return wall seconds for each.

    Args:
        path: the film.
        info: what probing it gave.
        index: its frame index.
        frames: how many to measure; nothing is written.
        progress: reports the share done.
        cancel: looked at before each frame.

    Raises:
        MediaError: a frame cannot be decoded.
    """
    encoder = av.VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height = info.video.width & ~1, info.video.height & ~1
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = info.video.rate
    encoder.time_base = 1 / info.video.rate
    encoder.options = {"preset": "medium", "crf": _CRF}
    started = time.monotonic()
    with FrameReader(path, info, index, threads=0) as reader:
        for number, frame in enumerate(islice(reader.frames(0, frames), frames)):
            cancel.check()
            progress.report("Measuring a full re-encode", number / frames)
            encoder.encode(_fitted(frame, encoder, number))
    encoder.encode(None)
    return (time.monotonic() - started) / max(1, frames)


def _fitted(frame: Frame, encoder: av.VideoCodecContext, number: int) -> Frame:
    fitted = frame.reformat(width=encoder.width, height=encoder.height, format=encoder.pix_fmt)
    fitted.pts, fitted.time_base = number, encoder.time_base
    fitted.pict_type = av.video.frame.PictureType.NONE
    return fitted
