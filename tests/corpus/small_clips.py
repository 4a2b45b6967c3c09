"""Small films that tests make for themselves, and re-encoded runs to put into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from engine.media.coded import CodedUnit, Splice
from engine.model.frame_index import FrameIndex
from engine.model.media import Colour, MediaInfo, VideoStream

SAMPLE_RATE = 48000
RATE = 25


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a film is made of.

    Attributes:
        options: of the video encoder. gop: frames from key frame to key frame.
        sounds: number of audio tracks, each with its own tone. tags: of the container.
        muxing: options of the container.
    """

    codec: str = "libx264"
    frames: int = 50
    width: int = 160
    height: int = 96
    gop: int = 10
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    sounds: int = 1
    sound_codec: str = "aac"
    tags: dict[str, str] = field(default_factory=dict)
    muxing: dict[str, str] = field(default_factory=dict)


def picture(number: int, recipe: Recipe) -> VideoFrame:
    """Return frame `number`: a moving gradient with a seeded texture, no two frames alike."""
    y, x = np.mgrid[0 : recipe.height, 0 : recipe.width]
    texture = np.random.default_rng(7).integers(0, 40, (recipe.height, recipe.width))
    luma = (x * 2 + y + number * 5) % 160 + np.roll(texture, number, 1)
    rgb = np.stack([luma, np.roll(luma, number * 2, 0), 255 - luma], axis=2).astype(np.uint8)
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=recipe.pix_fmt)


def make(path: Path, recipe: Recipe = Recipe()) -> Path:
    """Write the film and return its path."""
    x264 = {"g": str(recipe.gop), "bf": "2", "sc_threshold": "0", "preset": "veryfast", "x264-params": "open-gop=0"}
    with av.open(str(path), "w", container_options=recipe.muxing) as out:
        out.metadata.update(recipe.tags)
        options = (x264 if recipe.codec == "libx264" else {"g": str(recipe.gop)}) | recipe.options
        video = out.add_stream(recipe.codec, rate=RATE, options=options)
        video.width, video.height, video.pix_fmt = recipe.width, recipe.height, recipe.pix_fmt
        video.codec_context.time_base = Fraction(1, RATE)
        video.metadata["language"] = "eng"
        sounds = [out.add_stream(recipe.sound_codec, rate=SAMPLE_RATE) for _ in range(recipe.sounds)]
        for i, sound in enumerate(sounds):
            sound.codec_context.bit_rate = 64_000
            sound.metadata["language"] = ("eng", "deu", "fra")[i % 3]
        heard = 0
        for number in range(recipe.frames):
            frame = picture(number, recipe)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(video.encode(frame))
            while heard * RATE < (number + 1) * SAMPLE_RATE and sounds:
                for i, sound in enumerate(sounds):
                    out.mux(sound.encode(_tone(heard, 300 + 200 * i, sound)))
                heard += 1024
        out.mux(video.encode(None))
        for sound in sounds:
            out.mux(sound.encode(None))
    return path


def _tone(start: int, hertz: int, sound: av.AudioStream) -> AudioFrame:
    t = np.arange(start, start + 1024) / SAMPLE_RATE
    wave = (np.sin(2 * np.pi * hertz * t) * 8000).astype(np.int16)
    frame = AudioFrame.from_ndarray(np.repeat(wave[None, :], 1, 0), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
    resampler = av.AudioResampler(
        format=sound.codec_context.format, layout=sound.codec_context.layout, rate=SAMPLE_RATE
    )
    return resampler.resample(frame)[0]


def facts(path: Path) -> tuple[MediaInfo, FrameIndex]:
    """Return what a film is and its index, for films of one packet a frame without an edit list."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        video = VideoStream(
            stream=stream.index,
            track_id=stream.id,
            codec=context.name,
            codec_tag="",
            profile=str(context.profile),
            level=context.level or 0,
            pix_fmt=context.pix_fmt or "",
            bit_depth=8,
            width=context.width,
            height=context.height,
            sar=stream.sample_aspect_ratio or Fraction(1),
            rotation=0,
            field_order="progressive",
            time_base=stream.time_base,
            rate=stream.average_rate or Fraction(RATE),
            start_pts=stream.start_time or 0,
            reorder_depth=context.reorder_depth,
            bit_rate=0,
            colour=Colour(),
            extradata=context.extradata or b"",
        )
        info = MediaInfo(
            path=str(path),
            container=container.format.name,
            duration_s=Fraction(container.duration or 0, av.time_base),
            bit_rate=0,
            fragmented=b"moof" in path.read_bytes() and "mov" in container.format.name,
            encrypted=False,
            video=video,
            audio=(),
            others=(),
            chapters=len(container.chapters()),
            metadata=tuple(container.metadata.items()),
        )
        packets = [p for p in container.demux(stream) if p.size]
        count = len(packets)
        pts = np.array([p.pts for p in packets], np.int64)
        dts = np.array([p.pts if p.dts is None else p.dts for p in packets], np.int64)
        order = np.argsort(pts, kind="stable").astype(np.int64)
        frame_of = np.empty(count, np.int64)
        frame_of[order] = np.arange(count)
        return info, FrameIndex(
            codec=video.codec,
            time_base=video.time_base,
            pts=pts,
            dts=np.minimum(dts, pts),
            duration=np.array([p.duration or 0 for p in packets], np.int64),
            size=np.array([p.size for p in packets], np.int64),
            position=np.array([-1 if p.pos is None else p.pos for p in packets], np.int64),
            kind=np.array([int(p.is_keyframe) for p in packets], np.uint8),
            presented=np.ones(count, np.bool_),
            first_packet=np.arange(count, dtype=np.int64),
            packet_count=np.ones(count, np.int64),
            order=order,
            frame_of=frame_of,
            exact_timestamps=True,
        )


def pictures(path: Path) -> list[VideoFrame]:
    """Decode the film's video."""
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def inverted(frame: VideoFrame) -> VideoFrame:
    """Return the picture with a box in its middle inverted."""
    planes = frame.to_ndarray(format="yuv420p").copy()
    height, width = frame.height, frame.width
    box = planes[height // 4 : height // 2, width // 4 : width // 2]
    box[...] = 255 - box
    return VideoFrame.from_ndarray(planes, format="yuv420p")


def recoded(
    path: Path,
    info: MediaInfo,
    index: FrameIndex,
    start: int,
    stop: int,
    options: dict[str, str],
    change: Callable[[VideoFrame], VideoFrame] = inverted,
    codec: str = "libx264",
) -> tuple[Splice, bytes]:
    """Encode the closed run of units [start, stop) anew, changed; with start codes and headers in band.

    Returns the splice in the source's slots and the encoder's extradata.
    """
    first = index.frame_of[start:stop].min()
    frames = pictures(path)[first : first + stop - start]
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = info.video.width, info.video.height, info.video.pix_fmt
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.options = {"g": "250", "bf": "2", "sc_threshold": "0", "preset": "veryfast"} | options
    packets = []
    for number, frame in enumerate(frames):
        changed = change(frame)
        changed.pts, changed.time_base, changed.pict_type = number, Fraction(1, RATE), 0
        packets += encoder.encode(changed)
    packets += encoder.encode(None)
    shown = np.sort(index.pts[start:stop])
    units = tuple(
        CodedUnit(
            data=bytes(packet),
            pts=int(shown[packet.pts]),
            dts=int(index.dts[start + i]),
            duration=int(index.duration[start + i]),
            key=packet.is_keyframe,
        )
        for i, packet in enumerate(packets)
    )
    return Splice(start, stop, units), encoder.extradata or b""


def with_units(splice: Splice, change: Callable[[bytes], bytes]) -> Splice:
    """Return the splice with the data of its units changed."""
    return replace(splice, units=tuple(replace(unit, data=change(unit.data)) for unit in splice.units))


def own_units(path: Path, index: FrameIndex, start: int, stop: int) -> Splice:
    """Return the film's own units [start, stop) as a splice, for films of one packet a unit."""
    with av.open(str(path)) as container:
        packets = [bytes(p) for p in container.demux(container.streams.video[0]) if p.size]
    units = tuple(
        CodedUnit(packets[n], int(index.pts[n]), int(index.dts[n]), int(index.duration[n]), bool(index.kind[n]))
        for n in range(start, stop)
    )
    return Splice(start, stop, units)
