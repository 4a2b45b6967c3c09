"""Encode a run of frames into units that take the places of the source's, and check what comes back.

One pass runs encoder and decoder side by side, each on a thread of its own: a frame is kept only until its packet was
decoded again and compared, so memory does not grow with the segment. The frames never change their order, so they fit
any slots, and the last frame of a segment is as good as the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from av.codec.context import ThreadType
from av.filter import Graph
from av.packet import Packet
from av.stream import Stream
from av.video.format import VideoFormat
from av.video.frame import PictureType, VideoFrame

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia
from engine.media.ahead import ahead
from engine.media.coded import CodedUnit, EncodedSegment
from engine.media.encoders.context import open_decoder, open_encoder
from engine.media.encoders.plan import Effort, EncoderPlan, FieldOrder, PictureTypes
from engine.media.fidelity import IDENTICAL_DB, in_format, psnr_db
from engine.media.heap import give_back
from engine.media.packets import packet_of
from engine.media.quality import MOST_GROWTH, Search, SourceQuality, better, starting_figure, tally

_MOST_PASSES = 5
# Below this care costs little time, and its bytes count: small films are poor ones.
_SMALL_PIXELS = 854 * 480
# One thread decodes 1080p slower than four encode it.
_CHECK_THREADS = 2
_LARGE_BYTES = 2 * 1920 * 1080
# How many frames and units wait between the stages: enough that none waits for another one's odd slow frame.
_FRAMES_AHEAD, _UNITS_AHEAD = 2, 4


@dataclass(frozen=True, slots=True)
class SegmentJob:
    """A run of frames to encode.

    Attributes:
        plan: the export's plan, the same for all its segments.
        pts: presentation times of the frames, ascending, in ticks of the source's time base.
        dts, durations: the slots of as many units, in decode order.
        replaced: sizes in bytes of the source's units that show these frames, in presentation order.
        quality: how finely the source was coded around here; asked for while the first frames are being decoded.
        threads: how many the encoder may use.
    """

    plan: EncoderPlan
    pts: tuple[int, ...]
    dts: tuple[int, ...]
    durations: tuple[int, ...]
    replaced: tuple[int, ...]
    quality: Callable[[], SourceQuality]
    threads: int = 4


Frames = Callable[[], Iterator[VideoFrame]]
"""Opens the frames of a segment anew, in presentation order, in the source's size and pixel format.

The encoder sets the time and the picture type of the frames it is given, nothing else.
"""


def encode_segment(job: SegmentJob, frames: Frames, progress: Progress, cancel: CancelToken) -> EncodedSegment:
    """Encode a run of frames.

    The figures move until no frame falls below quality.FLOOR_DB, as long as the size allows (quality.MOST_GROWTH).

    Args:
        job: what to encode and where its units stand.
        frames: opened once per pass; nearly always one pass is enough.
        progress: reports the share of frames that are through.
        cancel: looked at before each frame.

    Raises:
        UnsupportedMedia: the encoder refuses the frames, or a frame does not come back from its packets.
        Cancelled: on request.
        ValueError: the job's slots do not fit each other.
    """
    counts = [len(column) for column in (job.pts, job.dts, job.durations, job.replaced)]
    if not job.pts or len(set(counts)) != 1:
        raise ValueError(f"a segment needs as many times, slots, durations and sizes as frames, not {counts}")
    search: Search | None = None
    for passes_left in reversed(range(_MOST_PASSES)):
        # Source decoder, encoder and check take no turns: each works on a thread of its own on what the one before it
        # has ready.
        with ahead(_marked(job.plan, frames()), _at_most(job.plan, _FRAMES_AHEAD), "frames") as pictures:
            search = search or _first_search(job)
            encoding = _Pass(job, search, passes_left)
            found = encoding.run(pictures, progress, cancel)
        segment = encoding.segment() if found is None else None
        # Before the next encoder is opened, or the film is checked: together they would take twice the memory.
        del encoding
        give_back()
        if segment is not None:
            return segment
        search = found
    raise AssertionError("the last pass is kept as it is")


def _first_search(job: SegmentJob) -> Search:
    bits_per_pixel = 8 * sum(job.replaced) / len(job.pts) / (job.plan.width * job.plan.height)
    figure = starting_figure(job.quality(), job.plan.scale, bits_per_pixel)
    large = job.plan.width * job.plan.height > _SMALL_PIXELS
    return Search(figure, effort=Effort.QUICK if large and job.plan.careful else Effort.CAREFUL)


def decode_all(units: Iterable[bytes], codec: str, extradata: bytes) -> Iterator[VideoFrame]:
    """Decode units from the first one on.

    The time of a frame is the number of the unit it was decoded from.

    Raises:
        UnsupportedMedia: a unit cannot be decoded.
    """
    decoder = _Decoder(codec, extradata)
    for unit in units:
        yield from decoder.decode(unit)
    yield from decoder.finish()


def decoding_threads(plan: EncoderPlan) -> int:
    """Return how many threads each of the decoders beside an encoder should have."""
    return _at_most(plan, _CHECK_THREADS)


def _at_most(plan: EncoderPlan, count: int) -> int:
    """Return how many of some may hold a frame each: half as many of large or deep ones, whose encoders are slower."""
    bytes_per_sample = 1 if VideoFormat(plan.pix_fmt).components[0].bits <= 8 else 2
    return count // 2 if plan.width * plan.height * bytes_per_sample >= _LARGE_BYTES else count


class _Decoder:
    """A decoder that numbers what it is given."""

    def __init__(
        self, codec: str, extradata: bytes, size: tuple[int, int] | None = None, threads: int = _CHECK_THREADS
    ) -> None:
        self._context = open_decoder(codec, extradata, size=size)
        self._context.thread_count = threads
        self._context.thread_type = ThreadType.FRAME
        self._codec = codec
        self._given = 0

    def decode(self, unit: bytes) -> list[VideoFrame]:
        packet = packet_of(unit)
        packet.pts = packet.dts = self._given
        self._given += 1
        return self._decoded(packet)

    def finish(self) -> list[VideoFrame]:
        return self._decoded(None)

    def _decoded(self, packet: Packet[Stream] | None) -> list[VideoFrame]:
        try:
            return self._context.decode(packet)
        except Exception as error:
            raise UnsupportedMedia(f"a re-encoded {self._codec} frame cannot be decoded again: {error}") from error


class _Pass:
    """One encoding of the whole segment with one quality figure."""

    def __init__(self, job: SegmentJob, search: Search, passes_left: int) -> None:
        self._job = job
        self._search = search
        self._passes_left = passes_left
        self._encoder = open_encoder(job.plan, search.figure, job.threads, search.effort)
        self._decoder = _Decoder(
            job.plan.codec, job.plan.extradata, (job.plan.width, job.plan.height), decoding_threads(job.plan)
        )
        self._waiting: dict[int, VideoFrame] = {}
        self._units: list[CodedUnit] = []
        self._sizes: list[int] = []
        self._measured = 0
        self._worst_db = IDENTICAL_DB

    def run(self, pictures: Iterator[VideoFrame], progress: Progress, cancel: CancelToken) -> Search | None:
        """Encode everything, or stop early and say which pass to begin with instead."""
        total = len(self._job.pts)
        with ahead(self._coded(pictures, cancel), _at_most(self._job.plan, _UNITS_AHEAD), "encode") as coded:
            for unit in coded:
                self._units.append(unit)
                self._sizes.append(len(unit.data))
                if found := self._compare(self._decoder.decode(unit.data)):
                    return found
                progress.report("Encoding the changed frames", self._measured / total)
        if found := self._compare(self._decoder.finish()):
            return found
        if self._measured != total:
            raise UnsupportedMedia(
                f"only {self._measured} of {total} re-encoded {self._job.plan.codec} frames can be decoded again"
            )
        progress.report("Encoding the changed frames", 1.0)
        return None

    def segment(self) -> EncodedSegment:
        return EncodedSegment(tuple(self._units), self._job.plan.extradata, self._worst_db, self._search.figure)

    def _coded(self, frames: Iterator[VideoFrame], cancel: CancelToken) -> Iterator[CodedUnit]:
        """Yield the units of the frames in their slots."""
        total = len(self._job.pts)
        given, slot = 0, 0
        for number, frame in enumerate(frames):
            cancel.check()
            packets = self._encoded(self._prepared(number, frame))
            given = number + 1
            for packet in packets:
                yield self._unit(packet, slot)
                slot += 1
        if given != total:
            raise ValueError(f"{given} frames came for {total} slots")
        for packet in self._encoded(None):
            yield self._unit(packet, slot)
            slot += 1

    def _prepared(self, number: int, frame: VideoFrame) -> VideoFrame:
        """Keep a frame until it comes back, and return it as the encoder takes it."""
        plan = self._job.plan
        found = (frame.format.name, frame.width, frame.height)
        if found != (plan.pix_fmt, plan.width, plan.height):
            # FFmpeg would convert without a word, and the picture would no longer be the source's.
            raise UnsupportedMedia(
                f"a frame is {found[0]} {found[1]}x{found[2]}, not {plan.pix_fmt} {plan.width}x{plan.height}"
            )
        if number >= len(self._job.pts):
            raise ValueError(f"more frames than the {len(self._job.pts)} slots")
        self._waiting[number] = frame
        if plan.coded_pix_fmt != plan.pix_fmt:
            frame = in_format(frame, plan.coded_pix_fmt)
        frame.pts, frame.time_base = number, 1 / plan.rate
        frame.pict_type = _picture_type(plan, number)
        return frame

    def _encoded(self, frame: VideoFrame | None) -> list[bytes]:
        try:
            return [bytes(packet) for packet in self._encoder.encode(frame)]
        except Exception as error:
            raise UnsupportedMedia(f"the encoder {self._job.plan.encoder} failed: {error}") from error

    def _unit(self, packet: bytes, slot: int) -> CodedUnit:
        job = self._job
        pts, dts = job.pts[slot], job.dts[slot]
        if dts > pts:
            raise ValueError(f"the slot of frame {slot} is decoded at {dts}, after it is shown at {pts}")
        key = job.plan.picture_types is PictureTypes.INTRA or slot % job.plan.keyframe_interval == 0
        return CodedUnit(job.plan.form.unit(packet), pts, dts, job.durations[slot], key)

    def _compare(self, decoded: list[VideoFrame]) -> Search | None:
        """Measure frames that came back; say which pass to begin with instead as soon as one of them calls for it."""
        for frame in decoded:
            original = self._waiting.pop(int(frame.pts or 0), None)
            if original is None:
                raise UnsupportedMedia(f"a re-encoded {self._job.plan.codec} frame comes back twice")
            if frame.format.name != original.format.name:
                # Without the container's name of the profile FFmpeg decodes ProRes 4444 to the encoder's 10 bits.
                original = in_format(original, frame.format.name)
            self._worst_db = min(self._worst_db, psnr_db(original, frame))
            self._measured += 1
            if found := self._better():
                return found
        return None

    def _better(self) -> Search | None:
        if not self._measured or not self._passes_left:
            return None
        replaced = self._job.replaced
        shown = tally(self._sizes[: self._measured], replaced, self._worst_db)
        return better(self._search, shown, self._job.plan.scale, MOST_GROWTH * sum(replaced))


def _marked(plan: EncoderPlan, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Mark frames that do not say which of their fields comes first; no pixel is touched.

    Decoded frames say it themselves; one that is not marked as interlaced would be coded bottom field first.
    """
    if plan.field_order is FieldOrder.PROGRESSIVE:
        yield from frames
        return
    graph = Graph()
    source = graph.add_buffer(
        width=plan.width, height=plan.height, format=VideoFormat(plan.pix_fmt), time_base=1 / plan.rate
    )
    fields = graph.add("setfield", f"mode={plan.field_order.value}")
    sink = graph.add("buffersink")
    source.link_to(fields)
    fields.link_to(sink)
    graph.configure()
    for number, frame in enumerate(frames):
        if frame.interlaced_frame:
            yield frame
            continue
        frame.pts, frame.time_base = number, 1 / plan.rate
        graph.push(frame)
        yield cast(VideoFrame, graph.pull())


def _picture_type(plan: EncoderPlan, number: int) -> PictureType:
    if plan.picture_types is PictureTypes.INTRA:
        return PictureType.NONE
    return PictureType.I if number % plan.keyframe_interval == 0 else PictureType.P
