"""The coded pictures of a timeline's output, one by one in decode order, with their times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.media.coded import CodedUnit
from engine.media.entry import standing_alone, with_header
from engine.media.in_band import HeaderSyntax, header_syntax
from engine.model.frame_index import Int64, UnitKind
from engine.model.time import Range
from engine.plan.timeline_plan import CodedOrder, CopyPiece, RenderPiece, TimelinePlan, decode_times
from engine.render.film import Film
from engine.render.segment import units_of
from engine.render.timeline import Timeline, framing_of
from engine.render.timeline_render import RenderedPart

_ENTRIES = (UnitKind.IDR, UnitKind.CRA, UnitKind.BLA, UnitKind.OPEN_I, UnitKind.RECOVERY)


def stitched_units(
    timeline: Timeline,
    plan: TimelinePlan,
    order: CodedOrder,
    starts: Int64,
    rendered: Sequence[RenderedPart],
    entry_header: bytes,
) -> Iterator[CodedUnit]:
    """Yield the output's units: copied ones byte for byte, entries changed only where they must stand alone.

    Args:
        timeline: gives the films.
        plan: the pieces, in order.
        order: of the plan.
        starts: int64 [frames + 1], the start of each output frame in ticks.
        rendered: the parts of the rendered pieces, in order.
        entry_header: what must stand in front of an entry behind a rendered piece that brings no header of its own.
    """
    dts = decode_times(starts, order).tolist()
    parts = iter(rendered)
    at = 0
    for piece in plan.pieces:
        if isinstance(piece, RenderPiece):
            count = 0
            while count < len(piece.frames):
                part = next(parts)
                for unit in part.segment.units:
                    yield _unit(unit.data, unit.key, int(order.frames[at]), dts[at], starts)
                    at += 1
                count += len(part.frames)
            continue
        for data, key in copied_units(timeline.films, piece, entry_header):
            yield _unit(data, key, int(order.frames[at]), dts[at], starts)
            at += 1


def copied_units(films: Mapping[str, Film], piece: CopyPiece, entry_header: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the bytes of each unit of a copied piece, and whether a player may start there."""
    film = films[piece.source_id]
    video, index = film.info.video, film.index
    skipped = Range(piece.units.start + 1, piece.units.start + 1 + piece.skipped)
    syntax = header_syntax(video.codec, framing_of(video))
    for unit, data in enumerate(units_of(film, piece.units), piece.units.start):
        if unit in skipped:
            continue
        if unit == piece.units.start:
            if entry_header:
                data = with_header(video.codec, data, entry_header)
            elif syntax is not None:
                data = _with_own_headers(syntax, data, video.extradata)
            if piece.skipped or (index.kind[unit] == UnitKind.CRA and piece.frames.start > 0):
                data = standing_alone(video.codec, data, video.extradata)
        yield data, index.kind[unit] in _ENTRIES


def _with_own_headers(syntax: HeaderSyntax, data: bytes, extradata: bytes) -> bytes:
    if syntax.headers(data) or extradata[:1] == b"\x01":
        return data
    return syntax.with_headers(data, syntax.headers(extradata))


def _unit(data: bytes, key: bool, frame: int, dts: int, starts: Int64) -> CodedUnit:
    return CodedUnit(data, int(starts[frame]), dts, int(starts[frame + 1] - starts[frame]), key)
