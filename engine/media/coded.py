"""Coded pictures as the stages hand them to each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodedUnit:
    """One coded frame ready for a writer.

    Attributes:
        data: the packet in the source stream's own packet format (length-prefixed NAL units where the source has an
            avcC/hvcC, start codes where it has none, the bare frame for other codecs).
        pts, dts, duration: ticks of the source stream's time base.
        key: whether a decoder may start here.
        drop: of sound, samples at its end that are not to be heard.
    """

    data: bytes
    pts: int
    dts: int
    duration: int
    key: bool
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Splice:
    """Source units [start, stop) in decode order, and what stands in their place (as many units, same dts slots)."""

    start: int
    stop: int
    units: tuple[CodedUnit, ...]


@dataclass(frozen=True, slots=True)
class EncodedSegment:
    """An encoded run of frames.

    Attributes:
        units: in decode order, timestamps already those of the source's slots.
        extradata: the stream's extradata that a decoder needs for these units *and* for the source's (the source's with
            parameter sets added under free ids; equal to the source's where nothing had to be added).
        worst_psnr_db: the lowest PSNR of a decoded frame against the frame that entered the encoder.
        quality: the encoder's quality figure that was used (CRF, QP or the codec's own), for the report.
    """

    units: tuple[CodedUnit, ...]
    extradata: bytes
    worst_psnr_db: float
    quality: float
