"""Make packets for FFmpeg."""

from __future__ import annotations

import av
from av.packet import Packet
from av.stream import Stream


def packet_of(data: bytes) -> Packet[Stream]:
    """Return a packet that owns a copy of the bytes.

    `av.Packet(data)` would refer to the Python object, which FFmpeg's decoder threads then release under Python's lock:
    a decoder that is dropped with packets in flight waits for these threads while it holds that lock, for ever.
    """
    packet = av.Packet(len(data))
    packet.update(data)
    return packet
