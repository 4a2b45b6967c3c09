"""The packets of a sound stream and where each sounds: what is needed to cut a stream without decoding it.

A packet's position is that of the first sample which a decoder gives for it, in samples from second 0 of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream as AvAudioStream
from av.packet import Packet
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import DamagedMedia
from engine.media.demux import opened, translated
from engine.media.sound_read import frame_grid
from engine.model.media import AudioStream

FRAME_SAMPLES = {"aac": 1024, "ac3": 1536, "eac3": 1536, "mp2": 1152, "opus": 960}
"""Samples per packet of the codecs whose packets stand for themselves, but for the overlap with the one before."""

SETTLING_PACKETS = {"opus": 4}
"""After how many packets a decoder that began elsewhere gives the same: 80 ms (RFC 7845 4.6)."""

_WHY_NOT = {
    "mp3": "an MP3 frame borrows bits of earlier ones",
    "vorbis": "a Vorbis stream has one set of code books, its encoder's own",
    "wmav2": "Windows Media packets share their bits",
    "wmav1": "Windows Media packets share their bits",
}
_AAC_LC = 2
_LONG, _START, _SHORT, _STOP = range(4)
_CHANNEL_ELEMENTS = {1: 0, 2: 1}
"""By the number of channels: SCE and CPE (ISO/IEC 14496-3 table 4.85)."""


@dataclass(frozen=True, slots=True)
class CannotSplice:
    """Why a stream's packets cannot stand beside newly encoded ones."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class SoundPackets:
    """The packets of one sound stream, in order.

    Attributes:
        frame: samples that each gives.
        config: what a decoder must be told: for AAC the first two bytes of its AudioSpecificConfig, else b"".
        ticks: int64 [n], the container's times. at: int64 [n], positions.
        begins: bool [n], a copied run may begin here. ends: bool [n], it may end behind it.
        shape: int8 [n], the shape of the window's falling half, which is that of the next packet's rising half.
    """

    path: Path
    stream: int
    frame: int
    config: bytes
    ticks: NDArray[np.int64]
    at: NDArray[np.int64]
    begins: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    shape: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class AacWindow:
    """How a packet's window looks (ISO/IEC 14496-3 4.6.11): sequence and shape, and the bit that says the shape."""

    sequence: int
    shape: int
    shape_bit: int

    @property
    def rises_long(self) -> bool:
        """Whether its first half has the slope of a long window."""
        return self.sequence in (_LONG, _START)

    @property
    def falls_long(self) -> bool:
        """Whether its second half has the slope of a long window."""
        return self.sequence in (_LONG, _STOP)


def aac_window(data: bytes, channels: int) -> AacWindow | None:
    """Read the window of an AAC-LC packet that is a single channel element; None where it cannot be told.

    ISO/IEC 14496-3: raw_data_block 4.4.2.1, single_channel_element and channel_pair_element, ics_info table 4.6.
    """
    bits = int.from_bytes(data[:8].ljust(8, b"\0"), "big")

    def read(at: int, count: int) -> int:
        return bits >> (64 - at - count) & ((1 << count) - 1)

    if read(0, 3) != _CHANNEL_ELEMENTS.get(channels):
        return None
    if channels == 1:
        at = 3 + 4 + 8  # behind the element's tag and global_gain
    elif read(7, 1):
        at = 3 + 4 + 1  # common_window: one ics_info for both channels
    else:
        # The first channel's; where the second has another window, the seam does not decode as it should.
        at = 3 + 4 + 1 + 8
    return AacWindow(read(at + 1, 2), read(at + 3, 1), at + 3)


def unspliceable(sound: AudioStream) -> CannotSplice | None:
    """Return why a stream of this kind cannot be cut without encoding it anew, as far as that is known unread."""
    if sound.codec not in FRAME_SAMPLES:
        return CannotSplice(_WHY_NOT.get(sound.codec, f"{sound.codec} packets are not spliced here"))
    if sound.codec == "opus" and sound.channels not in (1, 2):
        return CannotSplice(f"Opus of {sound.channels} channels is not spliced here")
    if sound.codec == "aac" and (sound.profile != "LC" or sound.channels not in _CHANNEL_ELEMENTS):
        return CannotSplice(f"AAC {sound.profile} of {sound.channels} channels is not spliced here")
    return None


def read_sound_packets(path: Path, sound: AudioStream, cancel: CancelToken) -> SoundPackets | CannotSplice:
    """Look at every packet of a sound stream, or say why the stream cannot be cut without encoding it anew.

    Raises:
        MissingMedia, DamagedMedia: it cannot be read.
        Cancelled: on request.
    """
    refusal = unspliceable(sound)
    if refusal is not None:
        return refusal
    frame = FRAME_SAMPLES[sound.codec]
    rows: list[tuple[int, bool, bool, int]] = []
    config = b""
    with opened(path) as container, translated(path):
        stream = _stream(path, container.streams[sound.stream])
        base = stream.time_base or sound.time_base
        extradata = stream.codec_context.extradata or b""
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.pts is None:
                return CannotSplice("its packets have no times of their own")
            if len(rows) % 512 == 0:
                cancel.check()
            begins = ends = True
            shape = 0
            if sound.codec == "aac":
                data = bytes(packet)
                config = config or extradata[:2] or _adts_config(data)
                window = aac_window(raw_packet(data), sound.channels)
                begins = window is not None and window.rises_long
                ends = window is not None and window.falls_long
                shape = 0 if window is None else window.shape
            elif sound.codec == "opus" and opus_samples(bytes(packet)) != frame:
                return CannotSplice("its Opus packets do not last 20 ms each")
            rows.append((packet.pts, begins, ends, shape))
    if sound.codec == "aac" and (len(config) < 2 or config[0] >> 3 != _AAC_LC or not config[1] >> 3 & 15):
        return CannotSplice("its AAC is not of the kind that encoders here write")
    if sound.codec == "aac" and config[1] & 7:
        return CannotSplice("its AAC has frames of 960 samples")
    table = np.array(rows, np.int64).reshape(-1, 4)
    if (np.diff(table[:, 0]) <= 0).any():
        return CannotSplice("its times jump back")
    grid = frame_grid(path, sound.stream)
    at = [round(grid.snapped(int(ticks) * base) * sound.sample_rate) for ticks in table[:, 0]]
    return SoundPackets(
        path,
        sound.stream,
        frame,
        config,
        table[:, 0],
        np.array(at, np.int64),
        table[:, 1].astype(np.bool_),
        table[:, 2].astype(np.bool_),
        table[:, 3].astype(np.int8),
    )


def opus_samples(data: bytes) -> int:
    """Return the samples at 48 kHz of an Opus packet, 0 where it is none (RFC 6716 3.1, 3.2)."""
    if not data:
        return 0
    config, code = data[0] >> 3, data[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = 120 << (config & 3)
    count = (1, 2, 2, data[1] & 63 if len(data) > 1 else 0)[code]
    return frame * count


def clock_runs_back(path: Path, sound: AudioStream, cancel: CancelToken) -> bool:
    """Tell whether a stream's times jump back by more than a second.

    Raises:
        MissingMedia, DamagedMedia: it cannot be read.
        Cancelled: on request.
    """
    latest: int | None = None
    with opened(path) as container, translated(path):
        for packet in container.demux(container.streams[sound.stream]):
            cancel.check()
            if packet.pts is None:
                continue
            if latest is not None and (latest - packet.pts) * sound.time_base > 1:
                return True
            latest = packet.pts
    return False


def packet_data(packets: SoundPackets, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes of the packets [start, stop), without the headers of a transport (ADTS).

    Raises:
        MissingMedia, DamagedMedia: they cannot be read, or are no longer there.
    """
    at = start
    for data in _sought(packets, start, stop):
        yield data
        at += 1
    if at == stop:
        return
    # Some formats cannot be sought to a packet, or give other times from there on; they are read from their beginning.
    with opened(packets.path) as container, translated(packets.path):
        stream = _stream(packets.path, container.streams[packets.stream])
        given = islice(_known(container.demux(stream)), at, None)
        for number in range(at, stop):
            packet = next(given, None)
            if packet is None or packet.pts != packets.ticks[number]:
                raise DamagedMedia(f"{packets.path}: its sound packets are not where they were; open the film again")
            yield _data(packets, packet)


def _sought(packets: SoundPackets, start: int, stop: int) -> Iterator[bytes]:
    """Yield the packets from `start` on that a seek finds, up to the first that is not the one that it should be."""
    with opened(packets.path) as container, translated(packets.path):
        stream = _stream(packets.path, container.streams[packets.stream])
        try:
            container.seek(int(packets.ticks[start]), stream=stream)
        except av.error.FFmpegError:
            return
        at = start
        for packet in _known(container.demux(stream)):
            if packet.pts == packets.ticks[at]:
                yield _data(packets, packet)
                at += 1
                if at == stop:
                    return
            elif at > start:
                return


def _known(demuxed: Iterable[Packet[AvAudioStream]]) -> Iterator[Packet[AvAudioStream]]:
    return (packet for packet in demuxed if packet.size and packet.pts is not None)


def _data(packets: SoundPackets, packet: Packet[AvAudioStream]) -> bytes:
    return raw_packet(bytes(packet)) if packets.config else bytes(packet)


def raw_packet(data: bytes) -> bytes:
    """Return an AAC packet without its ADTS header, if it has one (ISO/IEC 14496-3 1.A.2)."""
    if len(data) > 9 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return data[7 if data[1] & 1 else 9 :]
    return data


def _adts_config(data: bytes) -> bytes:
    if raw_packet(data) is data:
        return b""
    kind, rate = (data[2] >> 6) + 1, data[2] >> 2 & 15
    channels = (data[2] & 1) << 2 | data[3] >> 6
    return (kind << 11 | rate << 7 | channels << 3).to_bytes(2, "big")


def _stream(path: Path, stream: object) -> AvAudioStream:
    if not isinstance(stream, AvAudioStream):
        raise DamagedMedia(f"{path}: its sound is not where it was; open the film again")
    return stream
