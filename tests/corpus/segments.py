"""Re-encode a run of a film, put it between the film's own packets, and decode the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from engine.control import CancelToken, Progress
from engine.media.coded import EncodedSegment
from engine.media.encode import SegmentJob, encode_segment
from engine.media.encoders.choose import choose_encoder
from engine.media.encoders.context import open_decoder
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.media.entry import with_header
from engine.media.fidelity import planes, psnr_db
from engine.media.packets import packet_of
from engine.media.probe import probe
from engine.media.quality import UNKNOWN_QUALITY, SourceQuality
from engine.model.media import VideoStream


@dataclass(frozen=True, slots=True)
class Unit:
    """A packet of the film."""

    data: bytes
    pts: int
    dts: int
    duration: int
    key: bool


@dataclass(frozen=True, slots=True)
class Film:
    """A film of one packet a frame, in decode order, with its frames by presentation time."""

    video: VideoStream
    units: tuple[Unit, ...]
    frames: dict[int, VideoFrame]

    def plan(self) -> EncoderPlan:
        """Return the plan for the film, which must have one."""
        plan = self.choice()
        assert isinstance(plan, EncoderPlan), plan
        return plan

    def choice(self) -> EncoderPlan | CannotEncode:
        """Return what is chosen for the film."""
        return choose_encoder(self.video, [unit.data for unit in self.units])


def film(path: Path, most: int | None = None) -> Film:
    """Read a film, or its first `most` packets."""
    video = probe(path).video
    with av.open(str(path)) as container:
        coded = (packet for packet in container.demux(container.streams[video.stream]) if packet.size)
        packets = list(islice(coded, most))
    units = tuple(
        Unit(
            bytes(packet),
            int(packet.pts or 0),
            int(packet.pts or 0) if packet.dts is None else packet.dts,
            packet.duration or 1,
            packet.is_keyframe,
        )
        for packet in packets
    )
    return Film(video, units, decoded(video, [(unit.data, unit.pts) for unit in units], video.extradata))


def decoded(video: VideoStream, units: Sequence[tuple[bytes, int]], extradata: bytes) -> dict[int, VideoFrame]:
    """Decode units, each with its presentation time."""
    context = open_decoder(video.codec, extradata)
    result: dict[int, VideoFrame] = {}
    for data, pts in units:
        packet = packet_of(data)
        packet.pts = pts
        result |= {int(frame.pts or 0): frame for frame in context.decode(packet)}
    return result | {int(frame.pts or 0): frame for frame in context.decode(None)}


def job(source: Film, plan: EncoderPlan, start: int, stop: int, quality: SourceQuality = UNKNOWN_QUALITY) -> SegmentJob:
    """Return the job that encodes units [start, stop), a closed run, anew.

    It is told of ten times the bytes that are replaced: so short a run of so noisy a picture would not fit its room.
    """
    run = source.units[start:stop]
    shown = sorted(run, key=lambda unit: unit.pts)
    return SegmentJob(
        plan=plan,
        pts=tuple(unit.pts for unit in shown),
        # Matroska tells no decode times.
        dts=tuple(min(unit.dts, show.pts) for unit, show in zip(run, shown, strict=True)),
        durations=tuple(unit.duration for unit in run),
        replaced=tuple(10 * len(unit.data) for unit in shown),
        quality=lambda: quality,
        threads=2,
    )


def unchanged(source: Film, times: Sequence[int]) -> Callable[[], Iterator[VideoFrame]]:
    """Return the factory of copies of the film's own frames."""

    def frames() -> Iterator[VideoFrame]:
        for pts in times:
            yield copied(source.frames[pts])

    return frames


def copied(frame: VideoFrame) -> VideoFrame:
    """Return a frame with the same pixels in memory of its own."""
    result = VideoFrame(frame.width, frame.height, frame.format.name)
    for ours, theirs in zip(planes(result), planes(frame), strict=True):
        ours[...] = theirs
    return result


@dataclass(frozen=True, slots=True)
class Joined:
    """A film with a run encoded anew, decoded.

    Attributes:
        differing: presentation times of copied frames that are not what they were.
        missing: presentation times that no frame has any more.
        worst_db: of the re-encoded frames, against the source's.
    """

    segment: EncodedSegment
    differing: tuple[int, ...]
    missing: tuple[int, ...]
    worst_db: float


def joined(source: Film, start: int, stop: int, quality: SourceQuality = UNKNOWN_QUALITY) -> Joined:
    """Encode units [start, stop) anew without a change, put them between the film's packets and decode the whole."""
    plan = source.plan()
    work = job(source, plan, start, stop, quality)
    segment = encode_segment(work, unchanged(source, work.pts), Progress(), CancelToken())
    return compared(source, plan, segment, start, stop)


def compared(source: Film, plan: EncoderPlan, segment: EncodedSegment, start: int, stop: int) -> Joined:
    """Put a segment between the film's packets, decode the whole and compare it with the source."""
    units = [(unit.data, unit.pts) for unit in source.units]
    behind = units[stop:]
    if behind:
        behind[0] = (with_header(plan.codec, behind[0][0], plan.entry_header), behind[0][1])
    whole = units[:start] + [(unit.data, unit.pts) for unit in segment.units] + behind
    shown = decoded(source.video, whole, segment.extradata)
    run = {unit.pts for unit in segment.units}
    return Joined(
        segment,
        tuple(
            pts for pts in source.frames if pts not in run and pts in shown and not same(source.frames[pts], shown[pts])
        ),
        tuple(sorted(set(source.frames) - set(shown))),
        min(psnr_db(source.frames[pts], shown[pts]) for pts in run if pts in shown),
    )


def same(one: VideoFrame, other: VideoFrame) -> bool:
    """Tell whether two frames hold the same pixels."""
    return all(np.array_equal(ours, theirs) for ours, theirs in zip(planes(one), planes(other), strict=True))
