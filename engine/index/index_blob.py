"""A frame index as bytes for the cache: compact, self-checking, independent of pickling.

Layout: magic, format version, BLAKE2b-128 of the rest; then a zlib stream of a JSON header and the arrays. Arrays of
times and places are stored as differences, which compress well.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.index.frame_index import build_index
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

INDEX_VERSION = 1
"""Raised whenever an index built from the same file would come out otherwise, or be stored otherwise."""

_MAGIC = b"DCIX"
_KIND = "frame-index"
_HEAD_BYTES = len(_MAGIC) + 2
_DIGEST_BYTES = 16
_LONGEST = 1 << 31  # bytes unpacked: ten times a day of film at 60 frames/s

_ARRAYS = ("pts", "dts", "duration", "size", "position", "first_packet", "packet_count")


class IndexCache(Protocol):
    """Where built indexes are kept; may forget anything at any time, and never raises."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value, or None."""

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep a value."""


def load_or_build(
    path: Path, info: MediaInfo, identity_key: str, cache: IndexCache, progress: Progress, cancel: CancelToken
) -> FrameIndex:
    """Return a film's index from the cache, or build it and put it there.

    What the cache holds is believed only if it passes its digest and is of this version; else the index is built anew.

    Args:
        path: the film.
        info: what probing it gave.
        identity_key: changes whenever the file does.
        cache: where indexes are kept.
        progress: reports the share done.
        cancel: looked at on the way.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia, Cancelled: as `build_index`.
    """
    key = _key(info, identity_key)
    kept = cache.get(_KIND, key)
    index = from_bytes(kept) if kept is not None else None
    if index is None:
        index = build_index(path, info, progress, cancel)
        cache.put(_KIND, key, to_bytes(index))
    return index


def kept_index(info: MediaInfo, identity_key: str, data: bytes, cache: IndexCache) -> FrameIndex:
    """Put an index that was built elsewhere into the cache, and return it.

    Raises:
        ValueError: the bytes are none of `to_bytes`.
    """
    index = from_bytes(data)
    if index is None:
        raise ValueError(f"{len(data)} bytes are no frame index")
    cache.put(_KIND, _key(info, identity_key), data)
    return index


def _key(info: MediaInfo, identity_key: str) -> str:
    return f"{identity_key}:{info.video.stream}:{INDEX_VERSION}"


def to_bytes(index: FrameIndex) -> bytes:
    """Return an index as bytes."""
    header = json.dumps(
        {
            "codec": index.codec,
            "time_base": [index.time_base.numerator, index.time_base.denominator],
            "exact_timestamps": index.exact_timestamps,
            "units": index.unit_count,
            "frames": index.frame_count,
        }
    ).encode()
    parts = [len(header).to_bytes(4, "big"), header]
    parts += [np.diff(getattr(index, name), prepend=0).astype("<i8").tobytes() for name in _ARRAYS]
    parts += [index.kind.tobytes(), index.presented.tobytes(), index.order.astype("<i8").tobytes()]
    body = zlib.compress(b"".join(parts), 1)
    head = _MAGIC + INDEX_VERSION.to_bytes(2, "big")
    return head + hashlib.blake2b(head + body, digest_size=_DIGEST_BYTES).digest() + body


def from_bytes(data: bytes) -> FrameIndex | None:
    """Return the index that bytes hold, or None: of another version, or damaged."""
    head, digest, body = data[:_HEAD_BYTES], data[_HEAD_BYTES:][:_DIGEST_BYTES], data[_HEAD_BYTES + _DIGEST_BYTES :]
    if head != _MAGIC + INDEX_VERSION.to_bytes(2, "big"):
        return None
    if hashlib.blake2b(head + body, digest_size=_DIGEST_BYTES).digest() != digest:
        return None
    try:
        return _parsed(zlib.decompressobj().decompress(body, _LONGEST))
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


def _parsed(data: bytes) -> FrameIndex:
    """Read what `to_bytes` packed.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    body = 4 + int.from_bytes(data[:4], "big")
    header = json.loads(data[4:body])
    units, frames = int(header["units"]), int(header["frames"])
    reader = _Reader(data, body)
    rows = {name: np.cumsum(reader.take("<i8", units)).astype(np.int64) for name in _ARRAYS}
    kind = reader.take("u1", units)
    presented = reader.take("u1", units).astype(np.bool_)
    order = reader.take("<i8", frames).astype(np.int64)
    frame_of = np.full(units, -1, np.int64)
    if frames and (order.min() < 0 or order.max() >= units):
        raise ValueError("a frame names a unit that is not there")
    frame_of[order] = np.arange(frames)
    return FrameIndex(
        codec=str(header["codec"]),
        time_base=Fraction(*header["time_base"]),
        kind=kind.astype(np.uint8),
        presented=presented,
        order=order,
        frame_of=frame_of,
        exact_timestamps=bool(header["exact_timestamps"]),
        **rows,
    )


class _Reader:
    """Takes arrays off a buffer, one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, dtype: str, count: int) -> NDArray[Any]:
        """Return the next `count` values.

        Raises:
            ValueError: fewer are left.
        """
        values = np.frombuffer(self._data, dtype, count, self._at)
        self._at += values.nbytes
        return values
