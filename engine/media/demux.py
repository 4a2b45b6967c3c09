"""Open a media file with FFmpeg and read the packets of its edited stream: facts, no pictures.

The one edge at which foreign errors become ours. Only files are read: no network, no playlists that name further files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream as AvVideoStream
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia, DeltacutError, MissingMedia, UnsupportedMedia
from engine.media.bitstream.units import UnitFacts, classify, is_known
from engine.model.frame_index import UnitKind
from engine.model.media import MediaInfo

NO_TIME = np.iinfo(np.int64).min
"""Stands in a packet table where the file gives no timestamp."""

_MOV = "mov,mp4,m4a,3gp,3g2,mj2"

# Sound alone is here so that it can be named for what it is. Playlists (hls, dash, concat) and images are not.
_FORMATS = (
    f"{_MOV},matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,live_flv,asf,asf_o,ogg,mxf,mxf_opatom,gxf,nut,dv,"
    "h264,hevc,ivf,obu,av1,m4v,mjpeg,mjpeg_2000,gif,apng,yuv4mpegpipe,rm,wtv,nsv,"
    "mp3,wav,flac,aac,ac3,eac3,aiff,amr,caf,w64,wv,ape,tta,dts,truehd,au,voc"
)

_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """Every packet of one stream as the demuxer gives it, in file order.

    Attributes:
        pts, dts: int64 ticks, NO_TIME where the file gives none. duration: int64 ticks, 0 where unknown.
        size: int64 bytes. position: int64 byte offset in the file, -1 where unknown.
        discard: bool, decoded but not shown (the demuxer applied an edit list).
        truncated: bool, the demuxer says that bytes are missing.
        facts: what each packet's own bytes say.
    """

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    duration: NDArray[np.int64]
    size: NDArray[np.int64]
    position: NDArray[np.int64]
    discard: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    facts: tuple[UnitFacts, ...]

    def only(self, kept: NDArray[np.bool_]) -> PacketTable:
        """Return the packets for which `kept` is true."""
        return PacketTable(
            pts=self.pts[kept],
            dts=self.dts[kept],
            duration=self.duration[kept],
            size=self.size[kept],
            position=self.position[kept],
            discard=self.discard[kept],
            truncated=self.truncated[kept],
            facts=tuple(compress(self.facts, kept.tolist())),
        )


def read_packets(path: Path, info: MediaInfo, progress: Progress, cancel: CancelToken) -> PacketTable:
    """Read the edited stream from start to end without decoding it.

    Raises:
        MissingMedia, DamagedMedia: the file cannot be read to its end.
        Cancelled: on request.
    """
    rows: list[tuple[int, int, int, int, int, bool, bool]] = []
    facts: list[UnitFacts] = []
    total = check_file(path)
    codec, extradata = info.video.codec, info.video.extradata
    known = is_known(codec)
    with opened(path, reading_options(info.container)) as container:
        stream = video_stream(container, info.video.stream)
        for packet in media_packets(container, stream):
            position = -1 if packet.pos is None else packet.pos
            rows.append(
                (
                    NO_TIME if packet.pts is None else packet.pts,
                    NO_TIME if packet.dts is None else packet.dts,
                    packet.duration or 0,
                    packet.size,
                    position,
                    packet.is_discard,
                    packet.is_corrupt,
                )
            )
            facts.append(classify(codec, bytes(packet), extradata) if known else _flagged(packet))
            if len(rows) % 1024 == 0:
                cancel.check()
                progress.report("Reading the film's index", max(0, position) / total)
    pts, dts, duration, size, where, discard, truncated = zip(*rows, strict=True) if rows else ((),) * 7
    return PacketTable(
        pts=np.array(pts, np.int64),
        dts=np.array(dts, np.int64),
        duration=np.array(duration, np.int64),
        size=np.array(size, np.int64),
        position=np.array(where, np.int64),
        discard=np.array(discard, np.bool_),
        truncated=np.array(truncated, np.bool_),
        facts=tuple(facts),
    )


def _flagged(packet: Packet[AvVideoStream]) -> UnitFacts:
    """Take the container's word for what a packet is: nothing here reads this codec."""
    return UnitFacts(UnitKind.OPEN_I if packet.is_keyframe else UnitKind.OTHER)


@dataclass(frozen=True, slots=True, eq=False)
class EditedPackets:
    """An MP4's packets as FFmpeg gives them under its edit list: int64 byte position and pts of each, bool hidden."""

    position: NDArray[np.int64]
    pts: NDArray[np.int64]
    hidden: NDArray[np.bool_]


def read_edited(path: Path, info: MediaInfo, cancel: CancelToken) -> EditedPackets:
    """Read an MP4's edited stream as FFmpeg presents it.

    Raises:
        MissingMedia, DamagedMedia: the file cannot be read to its end.
        Cancelled: on request.
    """
    rows: list[tuple[int, int, bool]] = []
    with opened(path) as container:
        stream = video_stream(container, info.video.stream)
        for packet in media_packets(container, stream):
            cancel.check()
            if packet.pos is not None and packet.pts is not None:
                rows.append((packet.pos, packet.pts, packet.is_discard))
    table = np.array(rows, np.int64).reshape(-1, 3)
    return EditedPackets(position=table[:, 0], pts=table[:, 1], hidden=table[:, 2] != 0)


@contextmanager
def opened(
    path: Path,
    options: Mapping[str, str] | None = None,
    stream: BinaryIO | None = None,
    probing: Mapping[str, str] | None = None,
) -> Iterator[InputContainer]:
    """Open a file for reading and close it afterwards.

    Args:
        path: the file.
        options: FFmpeg's options of the demuxer.
        stream: read in place of the file, where it shows what the file will be; the caller closes it.
        probing: FFmpeg's options for its look at the first packets, of the demuxer and of every decoder.

    Raises:
        MissingMedia: there is no such file, it is a folder, or it may not be read.
        DamagedMedia: it is empty or not media, or FFmpeg fails on it inside the `with`.
        UnsupportedMedia: media of a kind that is not read.
    """
    check_file(path)
    with translated(path):
        container = av.open(
            str(path.absolute()) if stream is None else stream,
            "r",
            container_options={"protocol_whitelist": "file", "format_whitelist": _FORMATS, **(options or {})},
            options=dict(probing or {}),
            metadata_errors="replace",
        )
        with container:
            yield container


def check_file(path: Path) -> int:
    """Return the size of a file in bytes.

    Raises:
        MissingMedia: there is no such file, it is a folder, or it may not be read.
        DamagedMedia: it is empty.
    """
    try:
        if path.is_dir():
            raise MissingMedia(f"{path} is a folder; give the film inside it")
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise MissingMedia(f"{path} does not exist; check the name, or say where the film is now") from None
    except OSError as error:
        raise MissingMedia(f"{path} cannot be read ({error.strerror}); check its permissions") from error
    if size == 0:
        raise DamagedMedia(f"{path} is empty (0 bytes); copy or record it again")
    return size


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn whatever FFmpeg raises inside the `with` into our errors.

    Raises:
        MissingMedia: the file went away.
        UnsupportedMedia: a format or codec that is not read.
        DamagedMedia: everything else.
    """
    try:
        yield
    except DeltacutError:
        raise
    except (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError, av.error.PatchWelcomeError) as error:
        raise UnsupportedMedia(
            f"{path} cannot be decoded here ({error.strerror}); convert it to H.264 or HEVC first"
        ) from error
    except Exception as error:  # UnicodeDecodeError and AttributeError also escape from there
        if not path.exists():
            raise MissingMedia(f"{path} is gone; say where the film is now") from error
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DamagedMedia(
            f"{path} cannot be read as a film ({what}); it is damaged or not a film: try another copy"
        ) from error


def video_stream(container: InputContainer, index: int) -> AvVideoStream:
    """Return the video stream with an index; the demuxer skips all others from now on.

    Raises:
        DamagedMedia: the file has no such stream any more.
    """
    for other in container.streams:
        if other.index != index:
            other.discard = Discard.all
    if index < len(container.streams):
        found = container.streams[index]
        if isinstance(found, AvVideoStream):
            return found
    raise DamagedMedia(f"{container.name}: stream {index} is not a video stream any more; open the film again")


def media_packets(container: InputContainer, stream: AvVideoStream) -> Iterator[Packet[AvVideoStream]]:
    """Yield the stream's packets without the empty one that PyAV adds to flush a decoder."""
    for packet in container.demux(stream):
        if packet.size or packet.pts is not None or packet.dts is not None:
            yield packet


def is_still(stream: AvVideoStream) -> bool:
    """Tell whether a video stream is a cover or a thumbnail, not a film."""
    return bool(stream.disposition & _PICTURES)


def reading_options(container: str) -> dict[str, str]:
    """Return the demuxer's options under which packets are numbered.

    With its "advanced" edit lists FFmpeg leaves out samples of an MP4 or gives them twice; without them the packets are
    the file's samples, each once.
    """
    return {"advanced_editlist": "0"} if is_mov(container) else {}


def is_mov(container: str) -> bool:
    """Tell whether FFmpeg's name of a format is that of MP4 and QuickTime."""
    return container == _MOV
