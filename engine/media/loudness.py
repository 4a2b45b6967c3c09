"""The loudness of sound as EBU R 128 and ITU-R BS.1770 measure it; FFmpeg's ebur128 filter counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.filter.context import FilterContext
from av.filter.graph import Graph

from engine.control import CancelToken
from engine.errors import UnsupportedMedia
from engine.media.samples import PACKED, Samples, frame_of

SILENCE_LUFS = -70.0
"""What the absolute gate (ITU-R BS.1770-4, annex 1) leaves out; sound that is all below has no loudness."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """The loudness of a whole programme.

    Attributes:
        integrated_lufs: None for silence.
        range_lu: the loudness range (EBU Tech 3342).
        true_peak_dbtp: of the oversampled wave (ITU-R BS.1770-4, annex 2), None for silence.
    """

    integrated_lufs: float | None
    range_lu: float
    true_peak_dbtp: float | None


def measured_loudness(blocks: Iterable[Samples], rate: int, layout: str, cancel: CancelToken) -> Loudness:
    """Measure sound from start to end.

    Args:
        blocks: float32 [channels, n] each.
        rate: samples per second.
        layout: the channels in FFmpeg's words; they weigh as BS.1770 says.
        cancel: looked at between blocks.

    Raises:
        UnsupportedMedia: the filter takes no such layout.
        Cancelled: on request.
    """
    graph = Graph()
    try:
        source = graph.add_abuffer(format=PACKED, sample_rate=rate, layout=layout, time_base=Fraction(1, rate))
        meter = graph.add("ebur128", "metadata=1:peak=true:framelog=quiet")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
    except (ValueError, av.error.FFmpegError) as error:
        raise UnsupportedMedia(f"the loudness of {layout} sound cannot be measured: {error}") from error
    last: dict[str, str] = {}
    at = 0
    for block in blocks:
        cancel.check()
        if not block.shape[1]:
            continue
        frame = frame_of(block, layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
        at += block.shape[1]
        source.push(frame)
        last = _pulled(sink) or last
    source.push(None)
    last = _pulled(sink) or last
    return Loudness(
        _above(last.get("lavfi.r128.I"), SILENCE_LUFS),
        float(last.get("lavfi.r128.LRA", "0")),
        _decibels(float(last.get("lavfi.r128.true_peak", "0"))),
    )


def _pulled(sink: FilterContext) -> dict[str, str]:
    """Take what the filter has ready; return the figures that the last frame carries."""
    figures: dict[str, str] = {}
    while True:
        try:
            frame = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return figures
        assert isinstance(frame, AudioFrame)
        figures = dict(frame.metadata)


def _above(text: str | None, floor: float) -> float | None:
    value = -math.inf if text is None else float(text)
    return value if value > floor else None


def _decibels(peak: float) -> float | None:
    return 20 * math.log10(peak) if peak > 0 else None
