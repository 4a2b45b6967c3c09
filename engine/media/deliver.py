"""Write a delivery: a picture track that is encoded as it comes, and sound tracks beside it, or sound alone, or a GIF.

Knows no timeline: frames and sound come with their times. Nothing is copied from a source's picture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.layout import AudioLayout
from av.container import OutputContainer
from av.filter import Graph
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream as AvVideoStream

from engine.control import CancelToken
from engine.errors import UnsupportedMedia
from engine.media.coded import CodedUnit
from engine.media.demux import opened
from engine.media.packets import packet_of
from engine.media.pixels import Frame
from engine.media.shape import Shape
from engine.media.sound_cut import SoundForm
from engine.media.tracks import is_storage_error, storage_errors, words

_HUNDREDTH = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class PictureEncoder:
    """How a delivery's picture is encoded: FFmpeg's name of the encoder, its options, frames between keyframes."""

    encoder: str
    options: tuple[tuple[str, str], ...] = ()
    keyframe_interval: int = 12


@dataclass(frozen=True, slots=True)
class DeliveredSound:
    """A sound track of a delivery.

    Attributes:
        form: how its packets were encoded, None where they are those of a film.
        source: the film, and its stream, that copied packets come from, or whose language the track takes.
        time_base: seconds per tick of the units' times.
        units: its packets, in order.
    """

    form: SoundForm | None
    source: tuple[Path, int] | None
    time_base: Fraction
    units: Iterable[CodedUnit] = field(repr=False)


def deliver_film(
    frames: Iterable[Frame],
    durations: Mapping[int, int],
    shape: Shape,
    encoder: PictureEncoder,
    rate: Fraction,
    time_base: Fraction,
    sounds: Sequence[DeliveredSound],
    target: Path,
    cancel: CancelToken,
) -> None:
    """Write an MP4 or MOV that plays while it still loads (its index stands in front).

    Args:
        frames: in the shape, `pts` in ticks of `time_base` from 0 on.
        durations: how long the frame of each pts shows, in ticks.
        shape: of the frames.
        encoder: of the picture.
        rate: frames per second, about; the times are the frames' own.
        time_base: seconds per tick.
        sounds: the sound tracks, in order.
        target: written anew; on an error it is closed and left to the caller to remove.
        cancel: looked at between frames.

    Raises:
        UnsupportedMedia: the encoder or the container refuses. NoSpace, StorageError: the target cannot be written.
        Cancelled: on request.
    """
    options = {"movflags": "+faststart", "avoid_negative_ts": "disabled"}
    with _written(target, options) as writer, contextlib.ExitStack() as stack:
        picture = _picture_track(writer, shape, encoder, rate, time_base)
        tracks = [_sound_track(writer, sound, stack) for sound in sounds]
        writer.start_encoding()
        waiting = [_Waiting(track, sound) for track, sound in zip(tracks, sounds, strict=True)]
        for frame in frames:
            cancel.check()
            frame.time_base = time_base
            for packet in picture.encode(frame):
                _put(writer, packet, durations, waiting)
        for packet in picture.encode(None):
            _put(writer, packet, durations, waiting)
        for sound in waiting:
            sound.put_all(writer, cancel)


def deliver_sound(sound: DeliveredSound, target: Path, muxer: str, cancel: CancelToken) -> None:
    """Write a sound track alone.

    Raises:
        UnsupportedMedia: the container cannot hold it. NoSpace, StorageError: the target cannot be written.
        Cancelled: on request.
    """
    options = {"avoid_negative_ts": "disabled"} if muxer in ("ipod", "mp4", "matroska") else {}
    with _written(target, options, muxer) as writer, contextlib.ExitStack() as stack:
        track = _sound_track(writer, sound, stack)
        writer.start_encoding()
        _Waiting(track, sound).put_all(writer, cancel)


def deliver_gif(frames: Iterable[Frame], target: Path, cancel: CancelToken) -> None:
    """Write frames (RGB, `pts` and `time_base` set) as a GIF that repeats, each with a palette of its own.

    Raises:
        UnsupportedMedia: they cannot be encoded. NoSpace, StorageError: the target cannot be written.
        Cancelled: on request.
    """
    with _written(target, {"loop": "0"}, "gif") as writer:
        track: AvVideoStream | None = None
        graph: Graph | None = None
        for frame in frames:
            cancel.check()
            if graph is None or track is None:
                graph = _palette_graph(frame)
                track = writer.add_stream("gif", rate=100)
                track.width, track.height, track.pix_fmt = frame.width, frame.height, "pal8"
                track.codec_context.time_base = _HUNDREDTH
            graph.vpush(frame)
            _drawn(writer, track, graph)
        if graph is not None and track is not None:
            graph.vpush(None)
            _drawn(writer, track, graph)
            writer.mux(track.encode(None))


@contextlib.contextmanager
def _written(target: Path, options: Mapping[str, str], muxer: str | None = None) -> Iterator[OutputContainer]:
    with storage_errors(target):
        writer = av.open(str(target), "w", format=muxer, container_options=dict(options))
        try:
            yield writer
            writer.close()
        except BaseException as error:
            # After a failed write the trailer fails too; the first error is the one to tell.
            with contextlib.suppress(Exception):
                writer.close()
            if isinstance(error, (av.error.FFmpegError, ValueError)) and not is_storage_error(error):
                raise UnsupportedMedia(f"{target.name} cannot be written: {words(error)}") from error
            raise


def _picture_track(
    writer: OutputContainer, shape: Shape, encoder: PictureEncoder, rate: Fraction, time_base: Fraction
) -> AvVideoStream:
    track = cast(AvVideoStream, writer.add_stream(encoder.encoder, rate=rate))
    track.width, track.height, track.pix_fmt = shape.width, shape.height, shape.pix_fmt
    context = track.codec_context
    context.time_base, context.framerate = time_base, rate
    track.time_base = time_base
    context.sample_aspect_ratio = shape.sar
    context.gop_size = encoder.keyframe_interval
    primaries, transfer, matrix = shape.colour
    context.options = {
        "color_primaries": str(primaries),
        "color_trc": str(transfer),
        "colorspace": str(matrix),
        "color_range": "2" if shape.full_range else "1",
        **dict(encoder.options),
    }
    return track


def _sound_track(writer: OutputContainer, sound: DeliveredSound, stack: contextlib.ExitStack) -> Stream:
    template: Stream | None = None
    if sound.source is not None:
        path, stream = sound.source
        template = stack.enter_context(opened(path)).streams[stream]
    if sound.form is None:
        assert template is not None
        track: Stream = writer.add_stream_from_template(template)
    else:
        track = writer.add_stream(sound.form.encoder, rate=sound.form.rate)
        context = track.codec_context
        assert isinstance(context, AudioCodecContext)
        # It only lends its description: the packets come from an encoder of their own.
        context.layout = AudioLayout(sound.form.layout)
        formats = av.Codec(sound.form.encoder, "w").audio_formats
        context.format = formats[0].name if formats else "fltp"
        context.bit_rate = sound.form.bit_rate
        context.time_base = Fraction(1, sound.form.rate)
        track.time_base = Fraction(1, sound.form.rate)
    if template is not None:
        track.metadata.update({k: v for k, v in template.metadata.items() if k.lower() in ("language", "title")})
    return track


class _Waiting:
    """A sound track whose packets are written as far as the picture has come."""

    def __init__(self, track: Stream, sound: DeliveredSound) -> None:
        self._track = track
        self._base = sound.time_base
        self._units = iter(sound.units)
        self._next = next(self._units, None)

    def put_until(self, writer: OutputContainer, time_s: Fraction) -> None:
        while self._next is not None and self._next.dts * self._base <= time_s:
            self._put(writer)

    def put_all(self, writer: OutputContainer, cancel: CancelToken) -> None:
        while self._next is not None:
            cancel.check()
            self._put(writer)

    def _put(self, writer: OutputContainer) -> None:
        unit = self._next
        assert unit is not None
        packet = packet_of(unit.data)
        packet.pts, packet.dts, packet.duration = unit.pts, unit.dts, unit.duration
        packet.time_base = self._base
        packet.is_keyframe = unit.key
        packet.stream = self._track
        writer.mux_one(packet)
        self._next = next(self._units, None)


def _put(
    writer: OutputContainer, packet: Packet[AvVideoStream], durations: Mapping[int, int], waiting: Sequence[_Waiting]
) -> None:
    base = packet.time_base
    if packet.dts is not None and base is not None:
        for sound in waiting:
            sound.put_until(writer, packet.dts * base)
    if packet.pts is not None:
        packet.duration = durations.get(packet.pts, packet.duration or 0)
    writer.mux_one(packet)


def _palette_graph(frame: Frame) -> Graph:
    graph = Graph()
    buffer = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or _HUNDREDTH
    )
    split, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single")
    use, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
    buffer.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _drawn(writer: OutputContainer, track: AvVideoStream, graph: Graph) -> None:
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        frame.pict_type = av.video.frame.PictureType.NONE
        writer.mux(track.encode(frame))
