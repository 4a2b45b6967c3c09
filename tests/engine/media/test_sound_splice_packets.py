"""Encoded sound packets between copied ones: what a decoder makes of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.control import CancelToken
from engine.media.packets import packet_of
from engine.media.sound_cut import SoundForm, form_of
from engine.media.sound_packets import (
    CannotSplice,
    SoundPackets,
    aac_window,
    clock_runs_back,
    packet_data,
    raw_packet,
    read_sound_packets,
)
from engine.media.sound_probe import probe_sound
from engine.media.sound_read import SoundReader
from engine.media.sound_seam import decodes_alike
from engine.media.sound_splice import Misfit, Neighbours, encoded_run, encoder_delay

RATE = 48000


def sound_file(path: Path, codec: str, seconds: float = 3.0, rate: int = RATE) -> Path:
    """Write a chord with a little noise."""
    at = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(3).standard_normal(at.size) * 0.003
    wave = (sum(0.1 * np.sin(2 * np.pi * f * at) for f in (330, 415, 495)) + noise).astype(np.float32)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="stereo", bit_rate=192_000)
        resampler = av.AudioResampler(stream.codec_context.format.name, "stereo", rate)
        out.start_encoding()
        size = stream.codec_context.frame_size
        for start in range(0, wave.size, size):
            part = np.ascontiguousarray(np.stack([wave, wave])[:, start : start + size])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            for converted in resampler.resample(frame):
                out.mux(stream.encode(converted))
        out.mux(stream.encode())
    return path


def opened(path: Path) -> tuple[SoundPackets, SoundForm]:
    sound = probe_sound(path).audio[0]
    packets = read_sound_packets(path, sound, CancelToken())
    assert isinstance(packets, SoundPackets)
    form = form_of(sound.codec, sound.sample_rate, sound.layout, sound.channels, sound.bit_rate)
    assert form is not None
    return packets, form


def decoded(packets: list[bytes], packets_of: SoundPackets, form: SoundForm) -> np.ndarray:
    context = av.CodecContext.create(form.codec, "r")
    if packets_of.config:
        context.extradata = packets_of.config
    resampler = av.AudioResampler("fltp", form.layout, form.rate)
    blocks = [
        b.to_ndarray() for data in packets for f in context.decode(packet_of(data)) for b in resampler.resample(f)
    ]
    return np.concatenate(blocks, axis=1)


def errors_db(path: Path, start: int, count: int) -> np.ndarray:
    """Return the error of each packet around a run that was encoded in place of the file's own, relative to its level.

    From the packet before the run to three behind it.
    """
    packets, form = opened(path)
    while not packets.ends[start - 1]:
        start += 1
    begin = int(packets.at[start])
    with SoundReader(path, packets.stream, form.rate, form.layout) as reader:
        for number in range(count, count + 12):
            if not packets.begins[start + number]:
                continue
            shapes = Neighbours(int(packets.shape[start - 1]), int(packets.shape[start + number - 1]))
            run = encoded_run(lambda at, size: reader.read(begin + at, size), number, form, shapes)
            if not isinstance(run, Misfit):
                break
        else:
            pytest.fail("no run fits")
    own = list(packet_data(packets, 0, start + number + 8))
    new = [*own[:start], *run, *own[start + number :]]
    one, other = decoded(own, packets, form), decoded(new, packets, form)
    frames = slice((start - 1) * packets.frame, (start + number + 3) * packets.frame)
    wanted, wrong = (
        np.square(wave[:, frames]).reshape(wave.shape[0], -1, packets.frame).mean(axis=(0, 2))
        for wave in (one, one - other)
    )
    return 10 * np.log10((wrong + 1e-14) / (wanted + 1e-10))


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mp4"), ("aac", ".ts"), ("eac3", ".mp4"), ("mp2", ".mkv")])
def test_an_encoded_run_goes_over_into_its_neighbours_without_a_seam(tmp_path, codec, suffix):
    found = errors_db(sound_file(tmp_path / f"sound{suffix}", codec), 40, 6)
    # Every frame is as good as encoding makes it, those on the seams included.
    assert found.max() < -22


@pytest.mark.media
def test_slopes_of_another_encoder_are_met(media):
    # A camera whose AAC has sine slopes, where the encoder here has Kaiser-Bessel ones.
    packets, _ = opened(media / "gopro_max_heromode.mp4")
    assert not packets.shape.any()
    found = errors_db(media / "gopro_max_heromode.mp4", 60, 5)
    assert found.max() < -30


def test_a_run_that_does_not_fit_its_neighbours_is_noticed(tmp_path):
    path = sound_file(tmp_path / "sound.mp4", "aac")
    packets, form = opened(path)
    begin = int(packets.at[40])
    with SoundReader(path, packets.stream, form.rate, form.layout) as reader:
        wanted = reader.read(begin - 2 * packets.frame, 10 * packets.frame)
        good = encoded_run(lambda at, n: reader.read(begin + at, n), 5, form, Neighbours(1, 1))
        # The same sound, but half a packet late: the overlap with the copied packets cannot come out right.
        late = encoded_run(lambda at, n: reader.read(begin + at - 512, n), 5, form, Neighbours(1, 1))
    own = list(packet_data(packets, 38, 48))
    for run, alike in ((good, True), (late, False)):
        assert not isinstance(run, Misfit)
        spliced = [*own[:2], *run, *own[7:]]
        assert decodes_alike(spliced, wanted, [2, 7], form, packets.config, packets.frame) is alike


def test_an_encoders_delay_is_what_its_first_packet_says():
    for codec, delay in (("aac", 1024), ("ac3", 256), ("mp2", 481), ("opus", 312)):
        form = form_of(codec, RATE, "stereo", 2, 192_000)
        assert form is not None
        assert encoder_delay(form) == delay


@pytest.mark.parametrize(
    ("codec", "suffix", "reason"),
    [("libmp3lame", ".mp3", "borrows bits"), ("wmav2", ".wma", "share their bits")],
)
def test_codecs_whose_packets_do_not_stand_alone_say_why(tmp_path, codec, suffix, reason):
    path = sound_file(tmp_path / f"sound{suffix}", codec, 1.0)
    found = read_sound_packets(path, probe_sound(path).audio[0], CancelToken())
    assert isinstance(found, CannotSplice)
    assert reason in found.reason


def test_packets_lie_in_the_grid_that_decoding_gives(tmp_path):
    for suffix in (".mp4", ".mkv", ".ts"):
        packets, form = opened(sound_file(tmp_path / f"sound{suffix}", "aac", 2.0))
        assert form.rate == RATE
        assert set(np.diff(packets.at).tolist()) <= ({1024} if suffix != ".ts" else {1023, 1024, 1025})
        assert packets.begins[2:-2].mean() > 0.5


def test_a_transports_headers_are_taken_off(tmp_path):
    packets, _ = opened(sound_file(tmp_path / "sound.ts", "aac", 1.0))
    assert packets.config == bytes.fromhex("1190")
    (first,) = packet_data(packets, 5, 6)
    window = aac_window(first, 2)
    assert window is not None
    assert raw_packet(first) == first
    header = bytes.fromhex("fff14c80") + ((len(first) + 7) << 5 | 0x1F).to_bytes(2, "big") + b"\xfc"
    assert raw_packet(header + first) == first


def test_a_clock_that_starts_again_is_noticed(tmp_path):
    one = sound_file(tmp_path / "one.ts", "aac", 2.0).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one + one)
    assert clock_runs_back(joined, probe_sound(joined).audio[0], CancelToken())
    assert not clock_runs_back(tmp_path / "one.ts", probe_sound(tmp_path / "one.ts").audio[0], CancelToken())
