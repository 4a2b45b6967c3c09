"""Make packets for FFmpeg."""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.packet import Packet, PacketSideData
from av.stream import Stream


def packet_of(data: bytes) -> Packet[Stream]:
    """Return a packet that owns a copy of the bytes.

    `av.Packet(data)` would refer to the Python object, which FFmpeg's decoder threads then release under Python's lock:
    a decoder that is dropped with packets in flight waits for these threads while it holds that lock, for ever.
    """
    packet = av.Packet(len(data))
    packet.update(data)
    return packet


def mark_dropped(packet: Packet[Stream], samples: int) -> None:
    """Say of a packet of sound that so many samples at its end are not to be heard (AV_PKT_DATA_SKIP_SAMPLES)."""
    mark = _blank_mark()
    mark.update(struct.pack("<IIBB", 0, samples, 0, 0))
    packet.set_sidedata(mark)


@lru_cache(maxsize=1)
def _blank_mark() -> PacketSideData:
    """Return side data of that kind: PyAV makes none, but an MP3 encoder does, for the silence that it adds."""
    encoder = av.CodecContext.create("libmp3lame", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "fltp"
    encoder.time_base = Fraction(1, 48_000)
    frame = AudioFrame.from_ndarray(np.zeros((1, 100), np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return next(packet.get_sidedata("skip_samples") for packet in packets if packet.has_sidedata("skip_samples"))
