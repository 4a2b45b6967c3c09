"""Encode the rendered pieces of a timeline, or take them from the cache: their times count from their own start."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia
from engine.media.bitstream import carried
from engine.media.coded import CodedUnit, EncodedSegment
from engine.media.encode import SegmentJob, encode_segment
from engine.media.encoders.choose import choose_encoder
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.media.quality import UNKNOWN_QUALITY, SourceQuality, source_quality
from engine.model.frame_index import Int64
from engine.model.time import Range, merged
from engine.plan.timeline_plan import RenderPiece, TimelinePlan
from engine.render import segment_blob
from engine.render.compose import Composer
from engine.render.fonts_used import font_identities
from engine.render.segment import ENGINE_VERSION, SegmentCache, units_of
from engine.render.timeline import Joined, Timeline, framing_of

_CACHE_KIND = "segment"
_PROBED_UNITS = 24
_QUALITY_UNITS = 40

LONGEST_PART = 240
"""Frames that are encoded in one go: a long piece is divided, so that several are encoded at a time."""


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """Output frames and the units that show them."""

    frames: Range
    segment: EncodedSegment


def encoder_of(timeline: Timeline, stream: Joined) -> EncoderPlan | CannotEncode:
    """Choose the encoder for the rendered pieces of a timeline, or say why none fits."""
    probed: list[bytes] = []
    for source_id in sorted(stream.sources, key=lambda source_id: source_id != timeline.reference):
        film = timeline.films[source_id]
        probed += units_of(film, Range(0, min(_PROBED_UNITS, film.index.unit_count)))
    return choose_encoder(stream.video, probed)


def render_pieces(
    timeline: Timeline,
    plan: TimelinePlan,
    starts: Int64,
    composer: Composer,
    encoder: EncoderPlan,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[RenderedPart, ...]:
    """Encode every rendered piece, several at a time.

    Args:
        timeline: what is rendered.
        plan: says which frames.
        starts: int64 [frames + 1], the start of each output frame in ticks.
        composer: makes them.
        encoder: of all of them.
        cache: of encoded segments.
        progress: reports the share of frames.
        cancel: looked at often.

    Raises:
        Cancelled: on request.
        MediaError: a frame cannot be decoded, composed or encoded.
    """
    parts = [
        Range(start, min(piece.frames.stop, start + LONGEST_PART))
        for piece in plan.pieces
        if isinstance(piece, RenderPiece)
        for start in range(piece.frames.start, piece.frames.stop, LONGEST_PART)
    ]
    if not parts:
        return ()
    cores = os.cpu_count() or 2
    workers = max(1, min(len(parts), cores // 2))
    threads = max(1, cores // workers)
    total = sum(map(len, parts))
    done = [0.0] * len(parts)
    lock = threading.Lock()

    def render(number: int) -> RenderedPart:
        class Share(Progress):
            def report(self, label: str, fraction: float) -> None:
                with lock:
                    done[number] = fraction * len(parts[number])
                    share = sum(done) / total
                progress.report(label, share)

        segment = _segment(timeline, parts[number], starts, composer, encoder, threads, cache, Share(), cancel)
        return RenderedPart(parts[number], segment)

    with ThreadPoolExecutor(workers, thread_name_prefix="segment") as pool:
        try:
            return tuple(pool.map(render, range(len(parts))))
        except BaseException:
            cancel.cancel()
            raise


def _segment(
    timeline: Timeline,
    part: Range,
    starts: Int64,
    composer: Composer,
    encoder: EncoderPlan,
    threads: int,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
) -> EncodedSegment:
    times = tuple((starts[part.start : part.stop] - starts[part.start]).tolist())
    key = _key(timeline, part, times, encoder)
    blob = cache.get(_CACHE_KIND, key)
    kept = segment_blob.from_bytes(blob) if blob is not None else None
    if kept is not None:
        progress.report("Re-encoded frames from the cache", 1.0)
        return kept
    shown = [composer.source_frame(number) for number in part]
    job = SegmentJob(
        plan=encoder,
        pts=times,
        dts=times,
        durations=tuple(np.diff(starts[part.start : part.stop + 1]).tolist()),
        replaced=_sizes(timeline, shown),
        quality=lambda: _quality(timeline, shown),
        threads=threads,
    )
    encoded = encode_segment(job, lambda: map(composer.compose, part), progress, cancel)
    segment = replace(encoded, units=_with_carried_data(timeline, shown, encoder, encoded.units))
    cache.put(_CACHE_KIND, key, segment_blob.to_bytes(segment))
    return segment


def _with_carried_data(
    timeline: Timeline, shown: Sequence[tuple[str, int] | None], encoder: EncoderPlan, units: Sequence[CodedUnit]
) -> tuple[CodedUnit, ...]:
    """Return the units with the captions and the like that the sources' units of the same frames carry."""
    result = list(units)
    for source_id, film in timeline.films.items():
        video, index = film.info.video, film.index
        own = framing_of(timeline.film.info.video)
        if video.codec not in carried.CODECS or video.codec != encoder.codec or framing_of(video) is not own:
            continue
        places: dict[int, list[int]] = {}
        for number, source in enumerate(shown):
            if source is not None and source[0] == source_id:
                places.setdefault(int(index.order[source[1]]), []).append(number)
        for run in merged(Range(unit, unit + 1) for unit in places):
            for unit, data in enumerate(units_of(film, run), run.start):
                for number in places[unit]:
                    # What cannot be read in the source cannot be kept.
                    with suppress(DamagedMedia):
                        new = carried.with_carried(video.codec, result[number].data, data, own)
                        result[number] = replace(result[number], data=new)
    return tuple(result)


def _key(timeline: Timeline, part: Range, times: Sequence[int], encoder: EncoderPlan) -> str:
    """Return the cache key of a part: everything that its packets depend on, but not where it stands."""
    digest = hashlib.blake2b(digest_size=20, person=b"dcut-timeline")
    films = sorted((source_id, film.identity) for source_id, film in timeline.films.items())
    inputs: list[object] = [ENGINE_VERSION, films, repr(timeline.film.info.video), repr(encoder), times]
    for run in timeline.runs:
        shared = run.timeline_range.intersection(part)
        if shared:
            recipe = run.recipe.advanced(shared.start - run.timeline_range.start)
            inputs += [shared.start - part.start, shared.stop - part.start, recipe.key, *font_identities(recipe)]
    digest.update(repr(inputs).encode())
    digest.update(encoder.extradata)
    return digest.hexdigest()


def _sizes(timeline: Timeline, shown: Sequence[tuple[str, int] | None]) -> tuple[int, ...]:
    """Return how many bytes the source's unit of each frame takes; the reference's mean where there is none."""
    mean = max(1, int(timeline.film.index.size.mean()))
    result = []
    for source in shown:
        index = None if source is None else timeline.films[source[0]].index
        result.append(mean if index is None or source is None else int(index.size[index.order[source[1]]]))
    return tuple(result)


def _quality(timeline: Timeline, shown: Sequence[tuple[str, int] | None]) -> SourceQuality:
    """Return how finely the first source frame of a part was coded: its quantisers from the keyframe before it."""
    first = next((source for source in shown if source is not None), None)
    if first is None:
        return UNKNOWN_QUALITY
    film = timeline.films[first[0]]
    unit = int(film.index.order[first[1]])
    keys = np.flatnonzero(film.index.kind[: unit + 1])
    start = int(keys[-1]) if keys.size else 0
    units = units_of(film, Range(start, min(film.index.unit_count, start + _QUALITY_UNITS)))
    return source_quality(film.info.video, units)
