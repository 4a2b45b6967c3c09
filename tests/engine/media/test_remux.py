"""The remux writer puts re-encoded units into a film and leaves every other packet as it was."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from engine.control import CancelToken, Progress
from engine.media.bitstream.nal import Framing, reframed
from engine.media.remux import RemuxReport, remux
from tests.corpus.small_clips import facts, make, recoded, with_units


def packets(path: Path) -> dict[int, list[tuple]]:
    with av.open(str(path)) as container:
        found = {stream.index: [] for stream in container.streams}
        for p in container.demux():
            if p.size:
                found[p.stream_index].append((bytes(p), p.pts, p.dts, p.duration, p.is_keyframe))
        return found


def write(source: Path, target: Path, splices=(), extradata: bytes | None = None) -> RemuxReport:
    info, index = facts(source)
    report = remux(
        source,
        info,
        index,
        splices,
        extradata or info.video.extradata,
        target,
        progress=Progress(),
        cancel=CancelToken(),
    )
    assert isinstance(report, RemuxReport), report
    return report


@pytest.mark.parametrize("suffix", [".ts", ".m2ts", ".mkv", ".flv", ".mov"])
def test_a_remux_without_a_splice_keeps_every_packet_and_its_times(tmp_path, suffix):
    source = make(tmp_path / f"film{suffix}")
    write(source, tmp_path / f"out{suffix}")
    assert packets(tmp_path / f"out{suffix}") == packets(source)


@pytest.mark.parametrize("suffix", [".ts", ".m2ts", ".mkv", ".flv"])
def test_only_the_units_of_a_splice_change(tmp_path, suffix):
    source = make(tmp_path / f"film{suffix}")
    info, index = facts(source)
    splice, _ = recoded(source, info, index, 20, 30, {"x264-params": "sps-id=3:aud=1"})
    if info.video.extradata.startswith(b"\x01"):
        splice = with_units(splice, lambda data: reframed(data, Framing.START_CODES, Framing.LENGTH_4))
    write(source, tmp_path / f"out{suffix}", [splice])
    before, after = packets(source), packets(tmp_path / f"out{suffix}")
    assert after[1] == before[1]
    assert after[0][:20] == before[0][:20]
    assert after[0][30:] == before[0][30:]
    assert [p[0] for p in after[0][20:30]] == [unit.data for unit in splice.units]
    assert [p[2] for p in after[0]] == [p[2] for p in before[0]]
    assert sorted(p[1] for p in after[0]) == sorted(p[1] for p in before[0])
