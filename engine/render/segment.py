"""Render the cuts of a plan: decode, compose and encode the frames of each, or take them from the cache."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import numpy as np

from engine.control import CancelToken, Progress
from engine.media.coded import EncodedSegment, Splice
from engine.media.decode import FrameReader
from engine.media.encode import SegmentJob, decoding_threads, encode_segment
from engine.media.encoders.choose import choose_encoder
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.media.pixels import Frame
from engine.media.quality import UNKNOWN_QUALITY, SourceQuality, source_quality
from engine.media.unit_bytes import read_units
from engine.model.recipe import RecipeRun
from engine.model.time import Range
from engine.plan.export_plan import ExportPlan, frames_of_ranks
from engine.plan.seam import Cut
from engine.render import segment_blob
from engine.render.compose import Composer
from engine.render.film import Film
from engine.render.fonts_used import font_identities
from engine.render.splice import encoded_ranks, shown_units, slots, splice, with_carried_data

ENGINE_VERSION = 6
"""Part of every cache key: raised when the same inputs give other pixels or other packets."""

_PROBED_UNITS = 24
_CACHE_KIND = "segment"


class SegmentCache(Protocol):
    """Where encoded segments are kept; never raises, a miss costs time."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value, or None."""

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Keep a value."""


def encoder_for(film: Film, plan: ExportPlan | None = None) -> EncoderPlan | CannotEncode:
    """Choose the encoder of an export, or say why none fits.

    The film's first units tell how it was coded and which parameter set ids it uses; so do those around the cuts, since
    a stream may bring new sets on its way.
    """
    stops = [Range(0, min(_PROBED_UNITS, film.index.unit_count))]
    for cut in plan.cuts if plan is not None else ():
        for at in (cut.units.start, cut.units.stop):
            start = max(stops[-1].stop, at - _PROBED_UNITS // 2)
            stops.append(Range(start, max(start, min(film.index.unit_count, start + _PROBED_UNITS))))
    probed = [unit for part in stops if part for unit in units_of(film, part)]
    return choose_encoder(film.info.video, probed)


def units_of(film: Film, units: Range) -> Iterator[bytes]:
    """Yield the coded bytes of a film's units."""
    return read_units(film.path, film.info, film.index, units.start, units.stop)


def render_cuts(
    film: Film,
    runs: Sequence[RecipeRun],
    composer: Composer,
    plan: ExportPlan,
    encoder: EncoderPlan,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[tuple[Splice, EncodedSegment], ...]:
    """Render every cut of a plan, several at a time; return what stands in their places, in order.

    Raises:
        Cancelled: on request.
        MediaError: a frame cannot be decoded or encoded.
    """
    if not plan.cuts:
        return ()
    cores = os.cpu_count() or 2
    workers = max(1, min(len(plan.cuts), cores // 2))
    total = sum(len(cut.ranks) for cut in plan.cuts)
    done = [0.0] * len(plan.cuts)
    lock = threading.Lock()

    def render(number: int) -> tuple[Splice, EncodedSegment]:
        cut = plan.cuts[number]

        class Part(Progress):
            def report(self, label: str, fraction: float) -> None:
                with lock:
                    done[number] = fraction * len(cut.ranks)
                    share = sum(done) / total
                progress.report(label, share)

        segment = _segment(film, runs, composer, cut, encoder, max(1, cores // workers), cache, Part(), cancel)
        return splice(film, cut, encoder, segment), segment

    with ThreadPoolExecutor(workers, thread_name_prefix="segment") as pool:
        try:
            return tuple(pool.map(render, range(len(plan.cuts))))
        except BaseException:
            cancel.cancel()
            raise


def render_whole(
    film: Film,
    runs: Sequence[RecipeRun],
    composer: Composer,
    encoder: EncoderPlan,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
) -> EncodedSegment:
    """Render every shown frame of a film as one stream of its own, in the order of its frames.

    Raises:
        Cancelled: on request.
        MediaError: a frame cannot be decoded or encoded.
    """
    index = film.index
    frames = Range(0, index.frame_count)
    key = _key(film, runs, frames, encoder, "whole film")
    blob = cache.get(_CACHE_KIND, key)
    kept = segment_blob.from_bytes(blob) if blob is not None else None
    if kept is not None:
        return kept
    cores = os.cpu_count() or 2
    # Times that were made for the film leave room for reordering, which the new picture does without.
    early = 0 if index.exact_timestamps else max(0, int(index.frame_pts[0] - index.dts[0]))
    times = tuple((index.frame_pts - early).tolist())
    job = SegmentJob(
        plan=encoder,
        pts=times,
        dts=times,
        durations=tuple(index.duration[index.order].tolist()),
        replaced=tuple(index.size[index.order].tolist()),
        quality=lambda: UNKNOWN_QUALITY,
        threads=cores,
    )
    segment = encode_segment(
        job, lambda: _frames(film, composer, tuple(frames), decoding_threads(encoder)), progress, cancel
    )
    cache.put(_CACHE_KIND, key, segment_blob.to_bytes(segment))
    return segment


def segment_key(film: Film, runs: Sequence[RecipeRun], cut: Cut, encoder: EncoderPlan) -> str:
    """Return the cache key of a cut: everything that its packets depend on."""
    numbers = frames_of_ranks(film.index, cut.ranks)
    return _key(film, runs, Range(min(numbers), max(numbers) + 1), encoder, (cut.ranks, cut.units))


def _key(film: Film, runs: Sequence[RecipeRun], frames: Range, encoder: EncoderPlan, what: object) -> str:
    digest = hashlib.blake2b(digest_size=20, person=b"dcut-segment")
    inputs: list[object] = [ENGINE_VERSION, film.identity, repr(encoder), what]
    for run in runs:
        shared = run.timeline_range.intersection(frames)
        if shared:
            recipe = run.recipe.advanced(shared.start - run.timeline_range.start)
            inputs += [shared.start, shared.stop, recipe.key, *font_identities(recipe)]
    digest.update(repr(inputs).encode())
    digest.update(encoder.extradata)
    return digest.hexdigest()


def _segment(
    film: Film,
    runs: Sequence[RecipeRun],
    composer: Composer,
    cut: Cut,
    encoder: EncoderPlan,
    threads: int,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
) -> EncodedSegment:
    key = segment_key(film, runs, cut, encoder)
    blob = cache.get(_CACHE_KIND, key)
    kept = segment_blob.from_bytes(blob) if blob is not None else None
    if kept is not None:
        progress.report("Re-encoded frames from the cache", 1.0)
        return kept
    numbers = frames_of_ranks(film.index, encoded_ranks(film.index, cut))
    job = _job(film, cut, encoder, 4)
    encoded = encode_segment(job, lambda: _frames(film, composer, numbers, decoding_threads(encoder)), progress, cancel)
    segment = replace(encoded, units=with_carried_data(film, cut, encoded.units))
    cache.put(_CACHE_KIND, key, segment_blob.to_bytes(segment))
    return segment


def _job(film: Film, cut: Cut, encoder: EncoderPlan, threads: int) -> SegmentJob:
    index = film.index
    shown = shown_units(index, encoded_ranks(index, cut))
    return SegmentJob(
        plan=encoder,
        pts=tuple(index.pts[shown].tolist()),
        dts=tuple(index.dts[slots(index, cut)].tolist()),
        durations=tuple(index.duration[shown].tolist()),
        replaced=tuple(index.size[shown].tolist()),
        quality=lambda: _quality(film, cut),
        threads=threads,
    )


def _quality(film: Film, cut: Cut) -> SourceQuality:
    """Return how finely the source was coded around a cut: its quantisers from the keyframe before it."""
    keys = np.flatnonzero(film.index.kind[: cut.units.start + 1])
    start = int(keys[-1]) if keys.size else 0
    return source_quality(film.info.video, units_of(film, Range(start, min(film.index.unit_count, start + 40))))


def _frames(film: Film, composer: Composer, numbers: Sequence[int], threads: int) -> Iterator[Frame]:
    """Yield composed frames; numbers do not decrease, and may repeat."""
    with FrameReader(film.path, film.info, film.index, threads=threads) as reader:
        source = reader.frames(numbers[0], numbers[-1] + 1)
        at = numbers[0] - 1
        frame: Frame | None = None
        for number in numbers:
            while at < number:
                frame = next(source)
                at += 1
            assert frame is not None
            yield composer.compose(number, frame)
