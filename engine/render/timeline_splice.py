"""A cut sound track of copied packets, encoded anew around the joins only.

Packets lie in a grid of frames, and a clip begins at any sample: so at every join there is one packet of which not all
samples count. Its neighbour's time says so in every container; Matroska can also say how many to drop (RFC 9559,
DiscardPadding), and an MP4's edit list trims the film's start. Players that count samples, and look at no time between,
are never more than half a frame off: what one join adds the next leaves out, less than a frame at the cut. Nothing is
left out in Matroska.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from itertools import accumulate

import numpy as np

from engine.control import CancelToken
from engine.media.coded import CodedUnit
from engine.media.samples import Samples
from engine.media.sound_cut import FADE_MS, JoinedSound, SoundForm, SoundPart
from engine.media.sound_packets import FRAME_SAMPLES, SETTLING_PACKETS, CannotSplice, SoundPackets, packet_data
from engine.media.sound_seam import decodes_alike
from engine.media.sound_splice import Misfit, Neighbours, encoded_run, encoder_delay

_LEAST_COPIED = 8
"""Packets below which a run is not worth its two seams."""

_LEAST_SHARE = 0.5
_LEAST_MIX = 96
"""Samples over which the sound slides to its new place in the grid."""

_MOST_TRIES = 12
_CONTEXT = 3
"""Copied packets that are decoded before and behind a seam to see whether it holds."""


class GridRule(Enum):
    """What the target's container can say about packets of which not all samples count."""

    DROP = "samples at a packet's end are marked as dropped"
    TRIMMED_START = "the film's start is trimmed to the sample, else times alone tell"
    TIMES = "times alone tell"


@dataclass(frozen=True, slots=True, eq=False)
class CopiedPackets:
    """Packets [start, stop) of a source, moved by `shift` samples."""

    packets: SoundPackets
    start: int
    stop: int
    shift: int

    @property
    def begin(self) -> int:
        """Return the sample of the timeline at which it begins."""
        return int(self.packets.at[self.start]) + self.shift

    @property
    def end(self) -> int:
        """Return the sample at which it ends."""
        return int(self.packets.at[self.stop - 1]) + self.shift + self.packets.frame


@dataclass(frozen=True, slots=True)
class EncodedPackets:
    """Newly encoded packets, their times in samples of the timeline; `cut` is the sample around which they stand."""

    units: tuple[CodedUnit, ...]
    cut: int


@dataclass(frozen=True, slots=True)
class SplicedSound:
    """A sound track of copied and encoded packets.

    Attributes:
        parts: what is joined, and `samples` how long it is; for listening to the result.
        left_out: samples left out at each join where that is so; a fade lies around them.
    """

    form: SoundForm
    pieces: tuple[CopiedPackets | EncodedPackets, ...]
    parts: tuple[SoundPart, ...]
    samples: int
    left_out: tuple[int, ...] = ()

    @property
    def frame(self) -> int:
        """Return the samples of a packet."""
        return FRAME_SAMPLES[self.form.codec]

    @property
    def copied(self) -> int:
        """Return the number of copied packets."""
        return sum(piece.stop - piece.start for piece in self.pieces if isinstance(piece, CopiedPackets))

    @property
    def encoded(self) -> int:
        """Return the number of encoded packets."""
        return sum(len(piece.units) for piece in self.pieces if isinstance(piece, EncodedPackets))

    def units(self, cancel: CancelToken) -> Iterator[CodedUnit]:
        """Yield all packets, times in samples.

        Raises:
            MissingMedia, DamagedMedia: a source cannot be read.
            Cancelled: on request.
        """
        for piece in self.pieces:
            cancel.check()
            if isinstance(piece, EncodedPackets):
                yield from piece.units
                continue
            at = piece.packets.at[piece.start : piece.stop] + piece.shift
            steps = np.append(np.diff(at), piece.packets.frame).tolist()
            data = packet_data(piece.packets, piece.start, piece.stop)
            for unit, begin, step in zip(data, at.tolist(), steps, strict=True):
                yield CodedUnit(unit, begin, begin, step, True)


def spliced_sound(
    parts: Sequence[SoundPart],
    form: SoundForm,
    packets: Mapping[tuple[str, int], SoundPackets],
    rule: GridRule,
    cancel: CancelToken,
) -> SplicedSound | CannotSplice:
    """Plan a track, its seams already encoded.

    Args:
        parts: in order.
        form: of what is encoded; rate and channels are those of the copied packets.
        packets: by path and stream, those that may be copied; they share one config and one size of frame.
        rule: of the target's container.
        cancel: looked at often.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia: sound cannot be read or encoded.
        Cancelled: on request.
    """
    if not packets:
        return CannotSplice("no clip has sound of the same kind")
    runs = _copyable(parts, form, packets, rule)
    total = sum(part.samples for part in parts)
    alike = next(iter(packets.values()))
    frame, config = alike.frame, alike.config
    if sum(run.stop - run.start for run in runs) * frame < total * _LEAST_SHARE:
        return CannotSplice("less than half of it could be copied")
    with JoinedSound(parts, form) as joined:
        splicer = _Splicer(joined, form, config, frame, rule, cancel)
        pieces = splicer.pieces(runs, list(accumulate((part.samples for part in parts), initial=0)))
    if isinstance(pieces, CannotSplice):
        return pieces
    return SplicedSound(form, pieces, tuple(parts), total, tuple(splicer.left_out))


def _copyable(
    parts: Sequence[SoundPart], form: SoundForm, packets: Mapping[tuple[str, int], SoundPackets], rule: GridRule
) -> list[CopiedPackets]:
    """Return the packets that sound wholly within a part, clear of the fades at its joins."""
    fade = form.rate * FADE_MS // 1000
    frame = next(iter(packets.values())).frame
    # Where a join may have to give back what others took, at least one packet must stand there to do it.
    clear = fade if rule is GridRule.DROP else max(fade, frame // 2 + 1)
    settling = SETTLING_PACKETS.get(form.codec, 1)
    runs, begun = [], 0
    for number, part in enumerate(parts):
        start, begun = begun, begun + part.samples
        found = packets.get((str(part.path), part.stream)) if part.path is not None else None
        if found is None or part.gain_db != 0.0:
            continue
        shift = start - round(part.start_s * form.rate)
        low = start + (clear + (settling - 1) * frame if number else 0) - shift
        high = begun - (clear if number + 1 < len(parts) else 0) - shift
        # The window of a packet rises over what the one before it also holds: that one must be there.
        first = max(settling, int(np.searchsorted(found.at, low)))
        stop = int(np.searchsorted(found.at, high - found.frame, side="right"))
        run = _begun_later(_ended_earlier(CopiedPackets(found, first, stop, shift)))
        if run.stop - run.start >= _LEAST_COPIED:
            runs.append(run)
    return runs


def _begun_later(run: CopiedPackets) -> CopiedPackets:
    start = run.start
    while start < run.stop and not run.packets.begins[start]:
        start += 1
    return replace(run, start=start)


def _ended_earlier(run: CopiedPackets) -> CopiedPackets:
    stop = run.stop
    while stop > run.start and not run.packets.ends[stop - 1]:
        stop -= 1
    return replace(run, stop=stop)


@dataclass(frozen=True, slots=True)
class _Gap:
    """What lies between two copied runs: `count` packets from `begin` on, the first `early` of them in its grid.

    The others are in the grid of what follows, and the last of the early ones gives `surplus` samples too many (or too
    few, where it is negative).
    """

    begin: int
    count: int
    early: int
    surplus: int


class _Splicer:
    """Fills the gaps between copied runs; keeps in mind how far a player is off that counts samples."""

    def __init__(
        self, joined: JoinedSound, form: SoundForm, config: bytes, frame: int, rule: GridRule, cancel: CancelToken
    ) -> None:
        self._joined = joined
        self._form = form
        self._config = config
        self._frame = frame
        self._rule = rule
        self._cancel = cancel
        self._off = 0
        self.left_out: list[int] = []

    def pieces(
        self, runs: Sequence[CopiedPackets], cuts: Sequence[int]
    ) -> tuple[CopiedPackets | EncodedPackets, ...] | CannotSplice:
        """Return the copied runs, shortened where a seam needs it, and what stands between them."""
        result: list[CopiedPackets | EncodedPackets] = []
        waiting = list(runs)
        before: CopiedPackets | None = None
        while True:
            behind = waiting.pop(0) if waiting else None
            seam = self._seam(before, behind, cuts)
            if isinstance(seam, CannotSplice):
                return seam
            before, filling, behind = seam
            if before is not None:
                result.append(before)
            if filling.units:
                result.append(filling)
            if behind is None:
                return tuple(result)
            before = behind

    def _seam(
        self, before: CopiedPackets | None, behind: CopiedPackets | None, cuts: Sequence[int]
    ) -> tuple[CopiedPackets | None, EncodedPackets, CopiedPackets | None] | CannotSplice:
        """Encode what stands between two runs; where it does not fit, more of them is encoded."""
        for _ in range(_MOST_TRIES):
            self._cancel.check()
            gap, cut = self._gap(before, behind, cuts)
            if not gap.count:
                return before, EncodedPackets((), cut), behind
            neighbours = Neighbours(
                None if before is None else int(before.packets.shape[before.stop - 1]),
                None if behind is None else int(behind.packets.shape[behind.start - 1]),
            )
            made = encoded_run(partial(self._sound, gap, behind), gap.count, self._form, neighbours)
            if not isinstance(made, Misfit):
                made = self._checked(made, gap, before, behind)
            if not isinstance(made, Misfit):
                self._off += gap.surplus
                if gap.surplus < 0:
                    self.left_out.append(-gap.surplus)
                return before, EncodedPackets(self._units(made, gap, behind), cut), behind
            if made.at_start and before is not None:
                before = _ended_earlier(replace(before, stop=before.stop - 1))
                if before.stop - before.start < 2:
                    break
            if made.at_end and behind is not None:
                behind = _begun_later(replace(behind, start=behind.start + 1))
                if behind.stop - behind.start < 2:
                    break
        return CannotSplice("around a join no packet fits beside an encoded one")

    def _gap(self, before: CopiedPackets | None, behind: CopiedPackets | None, cuts: Sequence[int]) -> tuple[_Gap, int]:
        frame = self._frame
        begin = -encoder_delay(self._form) if before is None else before.end
        if behind is None:
            end = self._joined.sample_count
            count = max(0, -(-(end - begin) // frame))
            return _Gap(begin, count, count, 0), end
        length = behind.begin - begin
        if before is None and self._rule is GridRule.TRIMMED_START:
            count = -(-length // frame)
            return _Gap(behind.begin - count * frame, count, count, 0), 0
        more, fewer = -(-length // frame), length // frame
        count = more
        if self._rule is not GridRule.DROP and fewer and abs(self._off + more * frame - length) > frame // 2:
            count = fewer
        cut = next((cut for cut in cuts if begin <= cut <= behind.begin), begin) if before is not None else 0
        surplus = count * frame - length
        # At the film's start, the first packet is there for the decoder alone.
        least = min(count, 1 if before is not None else 2)
        # What is left out, or there twice, shall lie around the cut.
        early = min(count, max(least, round((cut - begin + surplus / 2) / frame)))
        return _Gap(begin, count, early, surplus), cut

    def _sound(self, gap: _Gap, behind: CopiedPackets | None, at: int, count: int) -> Samples:
        """Return what is encoded: sample 0 is the gap's first. It slides from one grid into the other."""
        early = self._joined.read(gap.begin + at, count)
        turn = gap.early * self._frame
        if behind is None or not gap.surplus:
            return early
        late = self._joined.read(gap.begin + at - gap.surplus, count)
        where = np.arange(at, at + count) + 0.5 - turn
        if gap.surplus < 0:
            # Some samples are left out: a player that looks at times is silent for as long.
            fade = self._form.rate * FADE_MS // 1000
            dip = np.sin(np.clip(np.abs(where) / fade, 0, 1) * (np.pi / 2)).astype(np.float32)
            joined: Samples = np.where(where < 0, early, late) * dip
            return joined
        # Some are there twice, and the first time over they are not to be heard: they lead over into the second.
        width = max(_LEAST_MIX, gap.surplus)
        share = np.clip(1 + where / width, 0, 1).astype(np.float32)
        return early * (1 - share) + late * share

    def _units(self, made: Sequence[bytes], gap: _Gap, behind: CopiedPackets | None) -> tuple[CodedUnit, ...]:
        frame, begin = self._frame, gap.begin
        at = [begin + n * frame - (gap.surplus if n >= gap.early else 0) for n in range(gap.count)]
        end = self._joined.sample_count if behind is None else behind.begin
        steps = [b - a for a, b in zip(at, [*at[1:], end], strict=True)]
        return tuple(
            CodedUnit(data, pts, pts, step, True, drop=max(0, frame - step))
            for data, pts, step in zip(made, at, steps, strict=True)
        )

    def _checked(
        self, made: tuple[bytes, ...], gap: _Gap, before: CopiedPackets | None, behind: CopiedPackets | None
    ) -> tuple[bytes, ...] | Misfit:
        """Decode the seams: return the packets, or which end does not fit."""
        frame = self._frame
        ahead = min(_CONTEXT, before.stop - before.start) if before is not None else 0
        after = min(_CONTEXT, behind.stop - behind.start) if behind is not None else 0
        data = list(made)
        if before is not None:
            data = [*packet_data(before.packets, before.stop - ahead, before.stop), *data]
        if behind is not None:
            data += packet_data(behind.packets, behind.start, behind.start + after)
        wanted = self._sound(gap, behind, -ahead * frame, len(data) * frame)
        fits = [
            not places or decodes_alike(data, wanted, places, self._form, self._config, frame)
            for places in ([ahead] if before is not None else [], [ahead + gap.count] if behind is not None else [])
        ]
        return made if all(fits) else Misfit(not fits[0], not fits[1])
