"""Captions as a track of text beside the picture, and chapters: no picture is decoded or encoded, every packet stays.

An MP4 or MOV keeps its bytes and gets a track behind them; other files are written anew, packet by packet.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from engine.control import CancelToken, Progress
from engine.errors import CaptionError
from engine.media.containers import Family, family, muxer_for, muxer_options, patience, transport_packet_bytes
from engine.media.demux import opened, reading_options
from engine.media.feeds import time_of
from engine.media.mp4.added_tracks import add_tracks
from engine.media.mp4.boxes import Malformed
from engine.media.mp4.chapter_track import TimedChapter
from engine.media.mp4.text_track import TextTrack, TimedText
from engine.media.probe import probe
from engine.media.text_tracks import chapter_ms, chapters_for_av
from engine.media.tracks import EditedVideo, copied_track, copy_tracks, storage_errors
from engine.model.caption_files import CaptionFile, CaptionFormat, Cue, write_captions
from engine.model.chapters import Chapter
from engine.model.media import MediaInfo

_REPORT_EVERY = 512
_TAG = re.compile(r"</?(?:[ibucv]|lang|ruby|rt|font)(?:[. \t][^<>\n]*)?>|\{\\[^{}\n]*\}")


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """Captions to go into a film's file.

    Attributes:
        cues: in order of time, in the film's time from its start.
        language: ISO 639-2 code of three letters, "und" where unknown.
    """

    cues: tuple[Cue, ...]
    title: str = ""
    language: str = "und"


def write_with_texts(
    source: Path,
    target: Path,
    tracks: Sequence[CaptionTrack],
    chapters: Sequence[Chapter],
    progress: Progress,
    cancel: CancelToken,
) -> None:
    """Write `target` from a film with tracks of captions added (mov_text, SubRip or WebVTT), or with other chapters.

    Args:
        source: the film; not modified.
        target: written anew, in the source's format.
        tracks: the first is shown unasked.
        chapters: in the film's time from its start, in place of those that it has; none to leave them as they are.
        progress: of the writing.
        cancel: looked at between packets.

    Raises:
        CaptionError: the format holds neither.
        MediaError: the film cannot be read. StorageError: the target cannot be written.
        Cancelled: on request.
    """
    info = probe(source)
    later_s = max(Fraction(0), info.video.start_pts * info.video.time_base)
    tracks = [_shifted(track, round(later_s * 1000)) for track in tracks if track.cues]
    chapters = [replace(c, start_s=c.start_s + later_s, stop_s=c.stop_s + later_s) for c in chapters]
    with storage_errors(target):
        if family(info.container) is Family.ISO and not info.fragmented:
            texts = [_text_track(track, number) for number, track in enumerate(tracks)]
            try:
                timed = [TimedChapter(chapter_ms(c.start_s), chapter_ms(c.stop_s), c.title) for c in chapters]
                add_tracks(source, target, texts, timed, info.video.display_size, _duration_ms(info))
            except Malformed as error:
                raise CaptionError(f"captions and chapters cannot be added to {source.name}: {error}") from error
        elif family(info.container) is Family.MATROSKA:
            _remuxed(source, info, target, tracks, chapters, progress, cancel)
        else:
            raise CaptionError(
                f"{source.suffix or info.container} holds no captions as text; export MP4, MOV, MKV or WebM, "
                "burn them in, or export them as a file of their own"
            )
    progress.report("Writing", 1.0)


def packet_digests(film: Path, cancel: CancelToken) -> dict[int, str]:
    """Return a digest over the times and bytes of all packets, for each track that is not text.

    Raises:
        MediaError: the film cannot be read.
        Cancelled: on request.
    """
    found: dict[int, blake2b] = {}
    with opened(film, {}) as reader:
        for n, packet in enumerate(reader.demux()):
            if n % _REPORT_EVERY == 0:
                cancel.check()
            if packet.size and packet.stream.type != "subtitle":
                digest = found.setdefault(packet.stream_index, blake2b(digest_size=20))
                digest.update(f"{packet.pts} {packet.dts} {packet.size} {packet.is_keyframe} ".encode())
                digest.update(memoryview(packet))
    return {stream: digest.hexdigest() for stream, digest in found.items()}


def holds_captions(target: Path) -> bool:
    """Tell whether a film of this name can hold captions as text."""
    return target.suffix.lower() in (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".mkv", ".webm")


def takes_texts(film: Path) -> bool:
    """Tell whether captions and chapters can be put into a film as it is.

    Raises:
        MediaError: it cannot be read.
    """
    info = probe(film)
    return family(info.container) is Family.MATROSKA or (family(info.container) is Family.ISO and not info.fragmented)


def _duration_ms(info: MediaInfo) -> int:
    return max(1, round(info.duration_s * 1000))


def plain_text(text: str) -> str:
    """Return a caption's text without its tags."""
    return _TAG.sub("", text)


def _shifted(track: CaptionTrack, by_ms: int) -> CaptionTrack:
    """Return a track in the file's time: its first picture need not stand at 0."""
    cues = (replace(cue, start_ms=cue.start_ms + by_ms, stop_ms=cue.stop_ms + by_ms) for cue in track.cues)
    return replace(track, cues=tuple(cues))


def _text_track(track: CaptionTrack, number: int) -> TextTrack:
    return TextTrack(tuple(flattened(track.cues)), track.title, track.language, shown=number == 0)


def flattened(cues: Sequence[Cue]) -> list[TimedText]:
    """Return cues without overlaps: where several show at once, their texts stand below each other."""
    edges = sorted({edge for cue in cues for edge in (cue.start_ms, cue.stop_ms)})
    waiting = deque(sorted(cues, key=lambda cue: (cue.start_ms, cue.stop_ms)))
    showing: list[Cue] = []
    result: list[TimedText] = []
    for start, stop in pairwise(edges):
        while waiting and waiting[0].start_ms <= start:
            showing.append(waiting.popleft())
        showing = [cue for cue in showing if cue.stop_ms > start]
        text = "\n".join(plain_text(cue.text) for cue in showing)
        if not text:
            continue
        if (
            result
            and result[-1].text == text
            and result[-1].stop_ms == start
            and len(showing) == 1
            and showing[0].start_ms < start
        ):
            result[-1] = replace(result[-1], stop_ms=stop)
        else:
            result.append(TimedText(start, stop, text))
    return result


def _remuxed(
    source: Path,
    info: MediaInfo,
    target: Path,
    tracks: Sequence[CaptionTrack],
    chapters: Sequence[Chapter],
    progress: Progress,
    cancel: CancelToken,
) -> None:
    muxer = muxer_for(target, info)
    format = CaptionFormat.VTT if muxer == "webm" else CaptionFormat.SRT
    files = [write_captions(CaptionFile(format, _kept(track.cues, format))).encode() for track in tracks]
    size = max(1, source.stat().st_size)
    with opened(source, reading_options(info.container) | patience(info.container)) as reader:
        writer = av.open(str(target), "w", format=muxer, container_options=_options(muxer, info, source, reader))
        try:
            sources = [_opened(data, format) for data in files]
            added: list[Stream] = []

            def further(output: OutputContainer) -> None:
                if chapters:
                    output.set_chapters(chapters_for_av(chapters))
                for text, track in zip(sources, tracks, strict=True):
                    stream = copied_track(text.streams[0], output, same_family=False)
                    stream.metadata.update({"title": track.title} if track.title else {})
                    stream.metadata["language"] = track.language
                    added.append(stream)

            video = EditedVideo(info.video.stream, info.video.codec, info.video.extradata)
            streams, _ = copy_tracks(reader, writer, info, video, (), further)
            cues = deque(_timed(sources, added))
            for n, packet in enumerate(reader.demux()):
                if n % _REPORT_EVERY == 0:
                    cancel.check()
                    progress.report("Writing", (packet.pos or 0) / size)
                if packet.size == 0 and packet.dts is None and packet.pts is None:
                    continue
                now = time_of(packet)
                while cues and now is not None and cues[0][0] <= now:
                    writer.mux_one(cues.popleft()[1])
                if packet.stream_index in streams:
                    packet.stream = streams[packet.stream_index]
                    writer.mux_one(packet)
            for _, packet in cues:
                writer.mux_one(packet)
        finally:
            writer.close()


def _opened(data: bytes, format: CaptionFormat) -> InputContainer:
    return av.open(io.BytesIO(data), "r", format={CaptionFormat.SRT: "srt", CaptionFormat.VTT: "webvtt"}[format])


def _kept(cues: Sequence[Cue], format: CaptionFormat) -> tuple[Cue, ...]:
    return tuple(cues) if format is CaptionFormat.VTT else tuple(replace(cue, name="") for cue in cues)


def _timed(sources: Sequence[InputContainer], added: Sequence[Stream]) -> list[tuple[Fraction, Packet[Stream]]]:
    packets: list[tuple[Fraction, Packet[Stream]]] = []
    for text, stream in zip(sources, added, strict=True):
        for packet in text.demux():
            if packet.size and packet.pts is not None and packet.time_base is not None:
                time = packet.pts * packet.time_base
                packet.stream = stream
                packets.append((time, packet))
    return sorted(packets, key=lambda timed: timed[0])


def _options(muxer: str, info: MediaInfo, source: Path, reader: InputContainer) -> dict[str, str]:
    bases = [stream.time_base for stream in reader.streams if stream.time_base]
    with source.open("rb") as file:
        packet_bytes = transport_packet_bytes(file.read(4096))
    return muxer_options(muxer, info, bases, bases, packet_bytes=packet_bytes, edit_list=False)
