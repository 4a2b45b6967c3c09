"""The samples of an MP4's or QuickTime file's edited track without demuxing: numpy tables, and a look at key samples.

Says so where only a demuxer can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import UnsupportedMedia
from engine.media.bitstream import h264
from engine.media.bitstream.intra import CODECS as INTRA_CODECS
from engine.media.bitstream.units import classify
from engine.media.demux import NO_TIME
from engine.media.mp4.edits import MAX_EDITS
from engine.media.mp4.movie import Track, read_movie
from engine.media.mp4.samples import SampleReader
from engine.media.mp4.tables import Samples
from engine.model.frame_index import Int64, UnitKind
from engine.model.media import MediaInfo, VideoStream

# One sample of these is one shown frame. Others may hide frames in samples of their own, or spread a frame over two.
_ONE_FRAME_PER_SAMPLE = frozenset({"h264", "hevc", "vp9", "av1", "ffv1"}) | INTRA_CODECS

# Parameter sets and the notes of encoders stand before the first slice; hardly ever more than this.
_HEAD_BYTES = 2048


@dataclass(frozen=True, slots=True, eq=False)
class SampleTable:
    """The samples of a track that FFmpeg gives packets of, in decode order. All arrays have one element per sample.

    Where its edit list makes FFmpeg give samples twice, these are all samples, each once.

    Attributes:
        pts, dts: int64 ticks of the media, before the edit list.
        shown_pts: int64 ticks with the edit list applied as FFmpeg does, NO_TIME where it hides the sample.
        duration: int64 ticks. size: int64 bytes. position: int64 byte offset in the file.
        kind: uint8, a UnitKind; samples that are not marked as key are OTHER.
    """

    pts: Int64
    dts: Int64
    shown_pts: Int64
    duration: Int64
    size: Int64
    position: Int64
    kind: NDArray[np.uint8]


def read_sample_table(path: Path, info: MediaInfo, cancel: CancelToken) -> SampleTable | None:
    """Read the edited track's samples, or return None where the film has to be demuxed.

    Raises:
        MissingMedia: the file is gone.
        DamagedMedia: its tables contradict themselves, or it ends before its samples do.
        Cancelled: on request.
    """
    if info.fragmented or info.video.codec not in _ONE_FRAME_PER_SAMPLE or _may_spread_frames(info):
        return None
    try:
        track = read_movie(path).track(info.video.track_id)
    except (UnsupportedMedia, KeyError):
        return None
    packets, samples = track.packets, track.samples
    shown = ~packets.hidden
    shown_samples = packets.sample[shown]
    # What the tables cannot tell is for the demuxer; that samples are given twice they can tell.
    if not _is_plain(track) or not _is_forward(track) or (track.demux_reason and packets.linear):
        return None
    if np.bincount(shown_samples).max(initial=0) > 1:
        return None
    rows = packets.sample if packets.linear else np.arange(samples.count)
    shown_pts = np.full(samples.count, NO_TIME, np.int64)
    shown_pts[shown_samples] = packets.pts[shown]
    return SampleTable(
        pts=(samples.dts + samples.offset)[rows],
        dts=(samples.dts - samples.dts_shift)[rows],
        shown_pts=shown_pts[rows],
        duration=samples.duration[rows],
        size=samples.size[rows],
        position=samples.position[rows],
        kind=_kinds(path, info.video, samples, cancel)[rows],
    )


def _may_spread_frames(info: MediaInfo) -> bool:
    """Tell whether the fields of a frame may lie in two samples: only a look at every sample would tell."""
    if info.video.codec == "h264":
        _, sets = h264.stream(info.video.extradata)
        return not sets.sps or not all(sps.frame_mbs_only for sps in sets.sps.values())
    return info.video.codec == "hevc" and info.video.field_order not in ("progressive", "unknown")


def _is_plain(track: Track) -> bool:
    """Tell whether the samples are in this file, of one codec, and under an edit list that was followed to its end."""
    kinds = {entry.kind for entry in track.entries}
    return track.samples.count > 0 and not track.external and len(kinds) == 1 and len(track.edits) <= MAX_EDITS


def _is_forward(track: Track) -> bool:
    """Tell whether the edit list goes through the media in its order."""
    starts = [edit.media_time for edit in track.edits if edit.media_time >= 0]
    return starts == sorted(starts)


def _kinds(path: Path, video: VideoStream, samples: Samples, cancel: CancelToken) -> NDArray[np.uint8]:
    kinds = np.full(samples.count, UnitKind.OTHER, np.uint8)
    if video.codec in INTRA_CODECS:
        kinds[:] = UnitKind.IDR
        return kinds
    with SampleReader(path) as reader:
        for sample in np.flatnonzero(samples.sync).tolist():
            cancel.check()
            position, size = int(samples.position[sample]), int(samples.size[sample])
            for length in dict.fromkeys((min(size, _HEAD_BYTES), size)):
                kinds[sample] = classify(video.codec, reader.read(position, length), video.extradata).kind
                if kinds[sample] != UnitKind.OTHER:
                    break
    return kinds
