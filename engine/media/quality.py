"""How well the source was coded, and which quality figure the re-encoded frames need.

One pass nearly always does: the figure starts from the source's own quantiser, and the first frames that come back from
the encoder correct it while little is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from av.sidedata.encparams import VideoEncParams, VideoEncParamsType
from av.video.frame import VideoFrame

from engine.media.encoders.context import open_decoder
from engine.media.encoders.plan import Effort, QualityControl, QualityScale
from engine.media.heap import give_back
from engine.media.packets import packet_of
from engine.model.media import VideoStream

FLOOR_DB = 42.0
"""The PSNR below which a re-encoded frame is tried again."""

MOST_GROWTH = 2.0
"""How many times the bytes that they replace re-encoded frames may take."""

# Bits per pixel of a film at the bit rate of a small download, and at that of a good camera.
_POOR, _RICH = 0.015, 0.4
_MARGIN_DB = 0.6
_SPARE_DB = 1.0
# How many steps of the figure the bytes of a careful encoder are worth.
_SAVED_BY_CARE = 1
# A pass that takes too many bytes is repeated with the aim of this share of what it may take.
_AIM = 0.8
# So many frames, two rounds of a usual pattern of B-frames, tell the bytes of the rest once they are a fair share.
_SURE_AFTER = 10
_EARLY = 5
_SURE_SHARE = 0.3
# Frames that come back like this are flat: they tell nothing of the rest, and coarser they would take no fewer bytes.
_FLAT_DB = 70.0
_QUANTISERS_FROM = 12
_TELL_QUANTISERS = {"export_side_data": "venc_params", "skip_loop_filter": "all"}
# delta_qp of AVVideoBlockParams, behind four ints (libavutil/video_enc_params.h).
_DELTA_QP = slice(16, 20)
# FFmpeg's decoders that export their quantisers.
_TELLING = frozenset({"h264", "mpeg1video", "mpeg2video", "mpeg4", "vp9"})


@dataclass(frozen=True, slots=True)
class SourceQuality:
    """How finely a stretch of the source was coded.

    Attributes:
        quantiser: mean quantiser of its frames in the codec's own terms (H.264 QP above the bit depth's offset, MPEG-2
            quantiser_scale, VP9 base index), None where the decoder does not tell.
    """

    quantiser: float | None


UNKNOWN_QUALITY = SourceQuality(None)


def source_quality(video: VideoStream, units: Iterable[bytes]) -> SourceQuality:
    """Read the quantisers of the first frames of a stretch that starts at a keyframe.

    Args:
        video: the stream.
        units: its units from a keyframe on; about a dozen are read.
    """
    if video.codec not in _TELLING:
        return UNKNOWN_QUALITY
    try:
        means = _quantisers(video, units)
    except Exception:  # a damaged picture only costs the estimate: the encoder's own check has the last word
        return UNKNOWN_QUALITY
    finally:
        give_back()
    return SourceQuality(float(np.mean(means))) if means else UNKNOWN_QUALITY


def _quantisers(video: VideoStream, units: Iterable[bytes]) -> list[float]:
    decoder = open_decoder(video.codec, video.extradata, _TELL_QUANTISERS)
    # In one thread: with several FFmpeg 8.1 tells of pictures that another one is still decoding.
    means: list[float] = []
    for unit in units:
        for frame in decoder.decode(packet_of(unit)):
            means += _mean_quantiser(frame)
        if len(means) >= _QUANTISERS_FROM:
            break
    for frame in decoder.decode(None):
        means += _mean_quantiser(frame)
    return means


def _mean_quantiser(frame: VideoFrame) -> list[float]:
    data = frame.side_data.get("VIDEO_ENC_PARAMS")
    if not isinstance(data, VideoEncParams):
        return []
    if data.codec_type is VideoEncParamsType.VP9 or not data.nb_blocks:
        return [float(data.qp)]
    blocks = np.frombuffer(cast(bytes, data), np.uint8, data.nb_blocks * data.block_size, data.blocks_offset)
    deltas = blocks.reshape(data.nb_blocks, data.block_size)[:, _DELTA_QP].copy().view(np.int32)
    return [float(data.qp + deltas.mean())]


def starting_figure(quality: SourceQuality, scale: QualityScale, bits_per_pixel: float) -> float:
    """Return the figure of the first pass.

    Args:
        quality: of the source around the segment.
        scale: the encoder's.
        bits_per_pixel: of the source's frames that the segment replaces; tells where the quantiser is not known.
    """
    lowest, highest = scale.first
    if quality.quantiser is None:
        fineness = math.log(max(bits_per_pixel, _POOR) / _POOR) / math.log(_RICH / _POOR)
        return float(round(highest - (highest - lowest) * min(1.0, fineness)))
    known = quality.quantiser
    if scale.control is QualityControl.QUANTISER:
        known = 6 * math.log2(max(1.0, known))
    return float(round(min(highest, max(lowest, scale.per_quantiser * known + scale.offset))))


@dataclass(frozen=True, slots=True)
class Tally:
    """What a pass has shown so far.

    Attributes:
        frames, total: frames that were measured, and that there are.
        worst_db: the lowest PSNR so far.
        spent_bytes: the size of the units so far.
        projected_bytes: the size of the whole segment if it goes on like this.
    """

    frames: int
    total: int
    worst_db: float
    spent_bytes: int
    projected_bytes: float


def tally(sizes: Sequence[int], replaced: Sequence[int], worst_db: float) -> Tally:
    """Count what a pass has shown so far.

    The first unit, a keyframe, stands for itself; the others take so many times the bytes that they replace, and so
    will the rest.

    Args:
        sizes: of the units so far, at least one.
        replaced: of all units that the segment replaces, in presentation order.
        worst_db: the lowest PSNR so far.
    """
    spent = sum(sizes)
    projected = sizes[0] + (spent - sizes[0]) * sum(replaced[1:]) / max(1, sum(replaced[1 : len(sizes)]))
    return Tally(len(sizes), len(replaced), worst_db, spent, projected)


@dataclass(frozen=True, slots=True)
class Search:
    """Where the search for the right figure stands.

    Attributes:
        figure: of the pass that runs, or is to be run.
        too_many_bytes: the last figure that seemed to take too many, None where none did.
        failed: whether a figure was too coarse; from then on the figure only gets finer.
        effort: of the encoder; it rises once, where quality and bytes cannot both be had.
    """

    figure: float
    too_many_bytes: float | None = None
    failed: bool = False
    effort: Effort = Effort.CAREFUL


def better(search: Search, tally: Tally, scale: QualityScale, budget_bytes: float) -> Search | None:
    """Say whether the pass that runs should be given up, and for which.

    Quality comes first: a figure rises on the evidence of some frames, and falls again when a later one fails.

    Args:
        search: where the search stands.
        tally: what the pass has shown so far.
        scale: the encoder's.
        budget_bytes: what the segment may take.

    Returns:
        The pass to begin with instead, None to go on.
    """
    if scale.control in (QualityControl.LOSSLESS, QualityControl.FIXED):
        return None
    growth = math.log(scale.growth_per_step)
    steps_over = math.log(max(tally.projected_bytes, 1.0) / max(budget_bytes, 1.0)) / growth
    figure = search.figure
    # Worse frames may follow the first ones, and it costs least to begin anew while few are through.
    early = tally.frames <= _EARLY and tally.total > 3 * _EARLY
    if tally.worst_db < FLOOR_DB + (_MARGIN_DB if early else 0.0):
        margin = _MARGIN_DB if tally.frames * 2 > tally.total else 2 * _MARGIN_DB
        wanted = figure - max(2, math.ceil((FLOOR_DB + margin - tally.worst_db) / scale.db_per_step))
        if search.too_many_bytes is not None and search.too_many_bytes < figure:
            wanted = min(wanted, math.floor((search.too_many_bytes + figure) / 2))
        wanted = max(wanted, scale.finest)
        finer = max(wanted, figure - math.floor(-steps_over))
        if finer > wanted and search.effort is Effort.QUICK:
            finer = max(wanted, figure - math.floor(_SAVED_BY_CARE - steps_over))
            return Search(min(finer, figure), search.too_many_bytes, True, Effort.CAREFUL)
        return replace(search, figure=finer, failed=True) if finer <= figure - 1 else None
    if steps_over <= 0 or not _tells_the_size(tally, budget_bytes):
        return None
    if search.effort is Effort.QUICK:
        steps_over -= _SAVED_BY_CARE
    elif search.failed:
        return None
    spare = math.floor((tally.worst_db - FLOOR_DB - _SPARE_DB) / scale.db_per_step)
    over = math.ceil(steps_over - math.log(_AIM) / growth)
    coarser = min(figure + max(0, min(over, spare)), scale.coarsest)
    if search.effort is Effort.QUICK:
        return Search(figure if search.failed else coarser, figure, search.failed, Effort.CAREFUL)
    return replace(search, figure=coarser, too_many_bytes=figure) if coarser >= figure + 1 else None


def _tells_the_size(tally: Tally, budget_bytes: float) -> bool:
    """Tell whether the frames so far say how many bytes the rest will take."""
    if tally.worst_db > _FLAT_DB:
        return False
    early = tally.frames >= _SURE_AFTER and tally.spent_bytes > _SURE_SHARE * budget_bytes
    return early or tally.frames == tally.total
