"""An encoded segment as bytes for the cache, and back; a blob that does not check out is a miss, not an error."""

from __future__ import annotations

import hashlib
import json
import struct

from engine.media.coded import CodedUnit, EncodedSegment

_MAGIC = b"DCSEG001"
_DIGEST_BYTES = 16


def to_bytes(segment: EncodedSegment) -> bytes:
    """Return the segment as bytes that carry their own digest."""
    header = json.dumps(
        {
            "units": [[len(u.data), u.pts, u.dts, u.duration, u.key] for u in segment.units],
            "extradata": segment.extradata.hex(),
            "worst_psnr_db": segment.worst_psnr_db,
            "quality": segment.quality,
        }
    ).encode()
    body = struct.pack("<I", len(header)) + header + b"".join(unit.data for unit in segment.units)
    return _MAGIC + hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest() + body


def from_bytes(blob: bytes) -> EncodedSegment | None:
    """Return the segment of a blob, or None where the blob is not whole."""
    start = len(_MAGIC) + _DIGEST_BYTES
    body = blob[start:]
    digest = hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()
    if blob[: len(_MAGIC)] != _MAGIC or blob[len(_MAGIC) : start] != digest:
        return None
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    units = []
    at = 4 + length
    for size, pts, dts, duration, key in header["units"]:
        units.append(CodedUnit(body[at : at + size], pts, dts, duration, key))
        at += size
    return EncodedSegment(tuple(units), bytes.fromhex(header["extradata"]), header["worst_psnr_db"], header["quality"])
