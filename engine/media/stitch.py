"""A new film from pieces: one picture track and sound tracks, given packet by packet, described as a reference film's.

Knows no timeline: times come with the packets. Nothing is decoded.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.layout import AudioLayout
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream

from engine.control import CancelToken, Progress
from engine.media.coded import CodedUnit
from engine.media.containers import Family, family, muxer_for, muxer_options, transport_packet_bytes
from engine.media.demux import opened
from engine.media.packets import mark_dropped, packet_of
from engine.media.remux import NewVideo
from engine.media.sound_cut import SoundForm
from engine.media.text_tracks import chapters_for_av
from engine.media.tracks import (
    EditedVideo,
    copied_track,
    copy_tags,
    edited_track,
    is_storage_error,
    storage_errors,
    words,
)
from engine.model.chapters import Chapter
from engine.model.media import MediaInfo

_REPORT_EVERY = 256

# These have no time before zero: the film begins a second later.
_LEAD_IN_S = {Family.TRANSPORT: 1, Family.PROGRAM: 1}


@dataclass(frozen=True, slots=True)
class StitchedSound:
    """A sound track of the new film.

    Attributes:
        stream: the stream of the reference film whose tags it takes, None for a track that it does not have.
        form: how its packets were encoded, None where they are the reference's own.
        time_base: seconds per tick of the units' times.
        units: its packets, in order.
        title: instead of the one there, "" to keep that.
    """

    stream: int | None
    form: SoundForm | None
    time_base: Fraction
    units: Iterable[CodedUnit]
    title: str = ""


@dataclass(frozen=True, slots=True)
class CannotStitch:
    """The target's format cannot hold the film, and why."""

    reason: str


def stitch(
    reference: Path,
    info: MediaInfo,
    video: NewVideo,
    unit_count: int,
    sounds: Sequence[StitchedSound],
    target: Path,
    *,
    chapters: Sequence[Chapter] = (),
    progress: Progress,
    cancel: CancelToken,
) -> CannotStitch | None:
    """Write a new film.

    Args:
        reference: the film whose tags and track descriptions the new one takes.
        info: of the reference.
        video: the picture; its units are taken one by one as they are needed.
        unit_count: how many there are, for the progress.
        sounds: the sound tracks, in order.
        target: written anew; on an error it is closed and left to the caller to remove.
        chapters: of the new film.
        progress: reports the share of the picture's units.
        cancel: looked at between packets.

    Raises:
        Cancelled: on request.
        NoSpace, StorageError: the target cannot be written.
    """
    try:
        muxer = muxer_for(target, info)
    except KeyError:
        return CannotStitch(f"nothing here writes {info.container}")
    with opened(reference) as reader, storage_errors(target):
        writer = av.open(
            str(target), "w", format=muxer, container_options=_options(muxer, info, reference, video, sounds)
        )
        try:
            tracks = _tracks(reader, writer, info, video, sounds, chapters)
            _write(writer, tracks, family(muxer), video, unit_count, sounds, progress, cancel)
            writer.close()
        except BaseException as error:
            # After a failed write the trailer fails too; the first error is the one to tell.
            with contextlib.suppress(Exception):
                writer.close()
            if isinstance(error, (av.error.FFmpegError, ValueError)) and not is_storage_error(error):
                return CannotStitch(f"{muxer} cannot hold it: {words(error)}")
            raise
    progress.report("Writing", 1.0)
    return None


def copied_sound(path: Path, stream: int, shift_s: Fraction) -> Iterator[CodedUnit]:
    """Yield a sound track's packets, `shift_s` seconds later; times in ticks of its own time base.

    Raises:
        MissingMedia, DamagedMedia: the film cannot be read.
    """
    with opened(path) as container:
        track = container.streams[stream]
        base = track.time_base or Fraction(1)
        shift = round(shift_s / base)
        for packet in container.demux(track):
            if not packet.size:
                continue
            pts = packet.pts if packet.pts is not None else packet.dts or 0
            dts = packet.dts if packet.dts is not None else pts
            yield CodedUnit(bytes(packet), pts + shift, dts + shift, packet.duration or 0, packet.is_keyframe)


def _options(
    muxer: str, info: MediaInfo, reference: Path, video: NewVideo, sounds: Sequence[StitchedSound]
) -> dict[str, str]:
    with reference.open("rb") as file:
        packet_bytes = transport_packet_bytes(file.read(4096))
    bases = [video.time_base, *(sound.time_base for sound in sounds)]
    options = muxer_options(muxer, info, bases, bases[:1], packet_bytes=packet_bytes, edit_list=True)
    if family(muxer) not in (Family.ISO, Family.MATROSKA, *_LEAD_IN_S):
        options["avoid_negative_ts"] = "make_non_negative"
    return options


def _tracks(
    reader: InputContainer,
    writer: OutputContainer,
    info: MediaInfo,
    video: NewVideo,
    sounds: Sequence[StitchedSound],
    chapters: Sequence[Chapter],
) -> list[Stream]:
    same_family = family(reader.format.name) is family(writer.format.name)
    edited = EditedVideo(info.video.stream, video.codec, video.extradata, video.time_base, video.pix_fmt)
    tracks = [edited_track(reader.streams[info.video.stream], writer, info, edited, same_family)]
    shown = False
    for sound in sounds:
        template = None if sound.stream is None else reader.streams[sound.stream]
        if sound.form is not None:
            track = _sound_track(writer, template, sound.form)
        elif template is not None:
            track = copied_track(template, writer, same_family)
        else:
            continue
        if sound.title:
            # Where MP4 has no place for a track's title, players show the name of its handler.
            track.metadata.update({"title": sound.title, "handler_name": sound.title})
            if shown:
                # A title of its own is given to what stands beside the track that players should take.
                track.disposition = track.disposition & ~Disposition.default
        shown = True
        tracks.append(track)
    copy_tags(reader, writer)
    writer.set_chapters(chapters_for_av(chapters))
    writer.start_encoding()
    return tracks


def _sound_track(writer: OutputContainer, template: Stream | None, form: SoundForm) -> Stream:
    """Give the target a track of newly encoded sound: an encoder that is not used lends its description."""
    track = writer.add_stream(form.encoder, rate=form.rate)
    context = track.codec_context
    assert isinstance(context, AudioCodecContext)
    context.layout = AudioLayout(form.layout)
    formats = av.Codec(form.encoder, "w").audio_formats
    context.format = formats[0].name if formats else "fltp"
    context.bit_rate = form.bit_rate
    context.time_base = Fraction(1, form.rate)
    track.time_base = Fraction(1, form.rate)
    if template is not None:
        track.metadata.update({k: v for k, v in template.metadata.items() if k.lower() in ("language", "title")})
        track.disposition = template.disposition
    return track


def _write(
    writer: OutputContainer,
    tracks: Sequence[Stream],
    kind: Family,
    video: NewVideo,
    unit_count: int,
    sounds: Sequence[StitchedSound],
    progress: Progress,
    cancel: CancelToken,
) -> None:
    lead_in = Fraction(_LEAD_IN_S.get(kind, 0))
    feeds = [_timed(0, video.time_base, video.units)]
    for number, sound in enumerate(sounds, 1):
        # An AVI knows the numbers of frames and of sound blocks, and no time before the first ones.
        units = sound.units if kind is not Family.AVI else _from_zero(sound.units)
        feeds.append(_timed(number, sound.time_base, units))
    bases = [video.time_base, *(sound.time_base for sound in sounds)]
    shifts = [round(lead_in / base) for base in bases]
    done = 0
    # Only times and track numbers are compared: of one track no two packets wait at once.
    for count, (_, number, unit) in enumerate(heapq.merge(*feeds, key=lambda item: item[:2])):
        if count % _REPORT_EVERY == 0:
            cancel.check()
            progress.report("Writing", done / max(1, unit_count))
        packet = packet_of(unit.data)
        packet.pts, packet.dts = unit.pts + shifts[number], unit.dts + shifts[number]
        packet.duration = unit.duration
        packet.time_base = bases[number]
        packet.is_keyframe = unit.key
        packet.stream = tracks[number]
        if unit.drop and kind is Family.MATROSKA:
            mark_dropped(packet, unit.drop)
        writer.mux_one(packet)
        done += number == 0


def _from_zero(units: Iterable[CodedUnit]) -> Iterator[CodedUnit]:
    """Leave out what sounds for its greater part before time 0."""
    for unit in units:
        if unit.pts + unit.duration // 2 > 0:
            yield replace(unit, pts=max(0, unit.pts), dts=max(0, unit.dts))


def _timed(number: int, base: Fraction, units: Iterable[CodedUnit]) -> Iterator[tuple[float, int, CodedUnit]]:
    for unit in units:
        yield float(unit.dts * base), number, unit
