"""Pictures are exchanged inside a transport stream; everything else in it keeps its bytes and its order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.media.containers import transport_packet_bytes
from engine.media.in_place import NotPatchable
from engine.media.transport_stream import patch_transport_stream
from engine.render.verify import verify
from tests.corpus.mutate import with_flipped_bytes
from tests.corpus.small_clips import Recipe, facts, make, own_units, recoded, with_units

NULL = 0x1FFF
OTHER_IDS = {"x264-params": "sps-id=3:aud=1"}


def rows(path: Path) -> np.ndarray:
    data = path.read_bytes()
    size = transport_packet_bytes(data)
    return np.frombuffer(data, np.uint8).reshape(-1, size)[:, size - 188 :]


def pids(packets: np.ndarray) -> np.ndarray:
    return (packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]


def counters_are_continuous(packets: np.ndarray, pid: int) -> bool:
    track = packets[pids(packets) == pid]
    carrying = (track[:, 3] & 0x10) != 0
    counters = track[:, 3] & 15
    expected = (counters[0] + np.cumsum(carrying) - carrying[0]) % 16
    return bool((counters == expected).all())


def clocks(packets: np.ndarray, pid: int) -> list[bytes]:
    track = packets[pids(packets) == pid]
    return [p[6:12].tobytes() for p in track if p[3] & 0x20 and p[4] and p[5] & 0x10]


def patch(source: Path, target: Path, splices) -> NotPatchable | None:
    info, index = facts(source)
    size = transport_packet_bytes(source.read_bytes()[:4096])
    return patch_transport_stream(source, info, index, splices, target, size, Progress(), CancelToken())


@pytest.fixture(scope="module", params=[".ts", ".m2ts"])
def film(request, tmp_path_factory):
    return make(tmp_path_factory.mktemp("ts") / f"film{request.param}", Recipe(sounds=2))


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (20, 30), (40, 50), (0, 50)])
def test_only_the_edited_pictures_packets_change(film, tmp_path, start, stop):
    info, index = facts(film)
    splice, _ = recoded(film, info, index, start, stop, OTHER_IDS)
    out = tmp_path / film.name
    assert patch(film, out, [splice]) is None
    before, after = rows(film), rows(out)
    pid = info.video.track_id
    assert (after[:, 0] == 0x47).all()
    assert np.array_equal(before[pids(before) != pid], after[pids(after) != pid])
    assert all(counters_are_continuous(after, number) for number in np.unique(pids(after)) if number != NULL)
    assert clocks(before, pid) == clocks(after, pid)
    report = verify(film, out, progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert report.packets_identical == 50 - (stop - start)


def test_what_stands_behind_a_splice_keeps_its_bytes(film, tmp_path):
    info, index = facts(film)
    splice, _ = recoded(film, info, index, 20, 30, OTHER_IDS)
    out = tmp_path / film.name
    assert patch(film, out, [splice]) is None
    before, after = film.read_bytes(), out.read_bytes()
    tail = len(before) - int(index.position[30])
    assert before[: index.position[20]] == after[: index.position[20]]
    assert before[-tail:] == after[-tail:]


def test_a_film_with_its_own_pictures_put_in_again_is_the_same_film(film, tmp_path):
    _, index = facts(film)
    splices = [own_units(film, index, 3, 7), own_units(film, index, 20, 21), own_units(film, index, 48, 50)]
    out = tmp_path / film.name
    assert patch(film, out, splices) is None
    report = verify(film, out, progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert report.packets_identical == 50


@pytest.mark.parametrize("size", [12, 100, *range(160, 175), *range(345, 356)])
def test_pictures_of_every_size_fit_their_packets(film, tmp_path, size):
    """Around the capacity of one and two packets, where an adaptation field has one byte or none."""
    info, index = facts(film)
    picture = b"\0\0\0\1\x09\xf0\0\0\0\1\x41\x9a".ljust(size, b"\x55")
    splice = with_units(own_units(film, index, 12, 15), lambda _: picture)
    out = tmp_path / film.name
    assert patch(film, out, [splice]) is None
    after = rows(out)
    assert counters_are_continuous(after, info.video.track_id)
    report = verify(film, out, progress=Progress(), cancel=CancelToken())
    assert report.packets_total == 50
    assert report.packets_identical == 47


def test_pictures_that_do_not_begin_with_their_packets_are_left_to_another_writer(film, tmp_path):
    info, index = facts(film)
    splice, _ = recoded(film, info, index, 20, 30, OTHER_IDS)
    index.position[20] += 188 if film.suffix == ".ts" else 192
    size = transport_packet_bytes(film.read_bytes()[:4096])
    outcome = patch_transport_stream(film, info, index, [splice], tmp_path / film.name, size, Progress(), CancelToken())
    assert isinstance(outcome, NotPatchable)


def test_damaged_streams_are_refused_and_never_an_error(film, tmp_path):
    info, index = facts(film)
    splice, _ = recoded(film, info, index, 20, 30, OTHER_IDS)
    size = transport_packet_bytes(film.read_bytes()[:4096])
    outcomes = []
    for seed in range(40):
        bad = with_flipped_bytes(film, tmp_path / film.name, seed=seed, count=200)
        args = (bad, info, index, [splice], tmp_path / "out.ts", size)
        outcomes.append(patch_transport_stream(*args, Progress(), CancelToken()))
    assert any(isinstance(outcome, NotPatchable) for outcome in outcomes)


def test_patching_stops_on_request(film, tmp_path):
    info, index = facts(film)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        patch_transport_stream(
            film, info, index, [own_units(film, index, 3, 7)], tmp_path / "out.ts", 188, Progress(), cancel
        )


@pytest.mark.media
@pytest.mark.parametrize("name", ["avchd_720p60_open_gop.mts", "dvb_mpeg2_576i.ts", "hevc_10bit_hls.ts"])
def test_real_streams_keep_every_track(media, tmp_path, name):
    source = media / name
    info, index = facts(source)
    count = index.unit_count
    splices = [own_units(source, index, a, a + 2) for a in (0, count // 2, count - 2)]
    out = tmp_path / name
    assert patch(source, out, splices) is None
    report = verify(source, out, progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert report.packets_identical == count
    before, after = rows(source), rows(out)
    pid = info.video.track_id
    assert np.array_equal(before[pids(before) != pid], after[pids(after) != pid])
