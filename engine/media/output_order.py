"""In which order a decoder shows the packets of a film, where timestamps do not tell.

Decodes, and throws the pictures away.
"""

from __future__ import annotations

from itertools import dropwhile, islice
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream as AvVideoStream

from engine.control import CancelToken, Progress
from engine.media.demux import media_packets, opened, reading_options, translated, video_stream
from engine.model.frame_index import Int64
from engine.model.media import MediaInfo


def output_order(
    path: Path, info: MediaInfo, begin: int, packets: int, progress: Progress, cancel: CancelToken
) -> Int64:
    """Return the ordinals of the packets whose pictures come out of the decoder, in the order they come out.

    Args:
        path: the film.
        info: what probing it gave.
        begin: byte position of the packet to begin with, which is number 0; the film's first one where it is negative.
        packets: how many packets of the edited stream to decode. What the decoder then holds back is not returned,
            unless the film ends before.
        progress: reports the share of packets decoded.
        cancel: looked at before each packet.

    Raises:
        MissingMedia, DamagedMedia: the file fails.
        Cancelled: on request.
    """
    shown: list[int] = []
    with opened(path, reading_options(info.container)) as container:
        stream = video_stream(container, info.video.stream)
        stream.codec_context.thread_count = 1  # more would hold more pictures back
        count = 0
        given = media_packets(container, stream)
        if begin >= 0:
            given = dropwhile(lambda packet: packet.pos != begin, given)
        for ordinal, packet in enumerate(islice(given, packets)):
            count += 1
            cancel.check()
            progress.report("Finding the order of frames", ordinal / packets)
            # The decoder carries a packet's pts to its picture: here it carries the packet's number.
            packet.pts, packet.dts = ordinal, None
            shown.extend(_shown_by(path, stream, packet))
        if count < packets:
            shown.extend(_shown_by(path, stream, None))
    return np.array(shown, np.int64)


def _shown_by(path: Path, stream: AvVideoStream, packet: Packet[AvVideoStream] | None) -> list[int]:
    with translated(path):
        try:
            frames = stream.codec_context.decode(packet)
        except (av.error.InvalidDataError, EOFError):
            return []  # a player shows nothing for such a packet and goes on
        return [frame.pts for frame in frames if frame.pts is not None]
