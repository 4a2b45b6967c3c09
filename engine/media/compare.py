"""Decoded stretches of films: hashed, or side by side with another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from engine.control import CancelToken
from engine.media.fidelity import psnr_db
from engine.media.replay import Broken, Seen, Shown

UNREAD = 0
"""Stands for the digest of a frame that was decoded and not hashed."""


def digest_of(packet: bytes) -> bytes:
    """Return a digest of a coded packet."""
    return sha256(packet).digest()


@dataclass(frozen=True, slots=True)
class Watched:
    """What a stretch showed.

    Attributes:
        digests: of each frame's pixels by pts, in the order of decoding; UNREAD where it was not asked for.
        corrupt: pts of the frames that the decoder calls incomplete.
        broken: what the decoder refused, in its own words.
    """

    digests: Mapping[int, int]
    corrupt: frozenset[int]
    broken: tuple[str, ...]


def watch(stretch: Iterator[Shown | Seen | Broken], wanted: Callable[[int], bool], cancel: CancelToken) -> Watched:
    """Decode a stretch and hash the frames whose pts is wanted.

    Raises:
        DamagedMedia: the entry is not found, or the file fails.
        Cancelled: on request.
    """
    digests: dict[int, int] = {}
    corrupt: set[int] = set()
    broken: list[str] = []
    for shown in stretch:
        cancel.check()
        if isinstance(shown, Broken):
            broken.append(shown.reason)
            continue
        digests[shown.pts] = shown.digest() if wanted(shown.pts) else UNREAD
        if shown.corrupt:
            corrupt.add(shown.pts)
    return Watched(digests, frozenset(corrupt), tuple(broken))


def psnr_of_pairs(
    source: Iterator[Shown | Broken], out: Iterator[Shown | Broken], wanted: Collection[int], cancel: CancelToken
) -> dict[int, float]:
    """Return the PSNR in dB of each wanted frame of one stretch against the other's, by pts.

    Args:
        source: the reference.
        out: the same stretch of another film; both give their frames in the order of pts.
        wanted: pts of the frames to measure.
        cancel: looked at before each frame.

    Raises:
        Cancelled: on request.
    """
    result: dict[int, float] = {}
    theirs = next(source, None)
    for ours in out:
        cancel.check()
        if isinstance(ours, Broken) or ours.pts not in wanted:
            continue
        while isinstance(theirs, Broken) or (theirs is not None and theirs.pts < ours.pts):
            theirs = next(source, None)
        if theirs is None:
            break
        if theirs.pts == ours.pts:
            result[ours.pts] = psnr_db(theirs.picture, ours.picture)
    return result
