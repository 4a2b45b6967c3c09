"""Pictures are exchanged inside a Matroska file; everything else in it keeps its bytes."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.media import ebml
from engine.media.bitstream.nal import Framing, reframed
from engine.media.in_place import NotPatchable
from engine.media.matroska.patch import patch_matroska
from engine.render.verify import verify
from tests.corpus.mutate import with_flipped_bytes
from tests.corpus.small_clips import Recipe, facts, make, own_units, recoded, with_units

OTHER_IDS = {"x264-params": "sps-id=3"}
CLUSTER, CUES, SEEK_HEAD, SEGMENT = 0x1F43B675, 0x1C53BB6B, 0x114D9B74, 0x18538067

LAYOUTS = {
    "usual": {},
    "cues in front": {"cues_to_front": "1"},
    "room kept for cues": {"reserve_index_space": "20000"},
    "small clusters": {"cluster_time_limit": "300"},
    "live": {"live": "1"},
    "without checksums": {"write_crc32": "0"},
}


def patch(source: Path, target: Path, splices, extradata=None) -> NotPatchable | None:
    info, index = facts(source)
    private = info.video.extradata if extradata is None else extradata
    return patch_matroska(source, info, index, splices, private, target, Progress(), CancelToken())


def spliced(source: Path, start: int, stop: int):
    info, index = facts(source)
    splice, _ = recoded(source, info, index, start, stop, OTHER_IDS)
    return with_units(splice, lambda data: reframed(data, Framing.START_CODES, Framing.LENGTH_4))


def top(path: Path) -> list[tuple[ebml.Element, bytes]]:
    data = path.read_bytes()
    segment = next(e for e in ebml.children(data, 0, len(data)) if e.id == SEGMENT)
    return [(e, data[e.start : e.stop]) for e in ebml.children(data, segment.body, segment.stop)]


def checksums_are_right(path: Path) -> bool:
    return all(
        ebml.with_checksum(raw[e.body - e.start :]) == raw[e.body - e.start :]
        for e, raw in top(path)
        if e.id != CLUSTER or e.sized
    )


@pytest.fixture(scope="module", params=LAYOUTS)
def film(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("mkv") / "film.mkv"
    return make(path, Recipe(sounds=2, tags={"title": "A film"}, muxing=LAYOUTS[request.param]))


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (20, 30), (40, 50), (10, 40)])
def test_only_the_edited_pictures_change(film, tmp_path, start, stop):
    out = tmp_path / "out.mkv"
    assert patch(film, out, [spliced(film, start, stop)]) is None
    report = verify(film, out, progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert report.notes == ()
    assert report.packets_identical == 50 - (stop - start)
    assert checksums_are_right(out)


def test_a_film_with_its_own_pictures_put_in_again_has_the_same_bytes(film, tmp_path):
    _, index = facts(film)
    splices = [own_units(film, index, 3, 7), own_units(film, index, 20, 31), own_units(film, index, 48, 50)]
    assert patch(film, tmp_path / "out.mkv", splices) is None
    assert (tmp_path / "out.mkv").read_bytes() == film.read_bytes()


def test_seeking_by_the_cues_leads_to_the_same_pictures(film, tmp_path):
    out = tmp_path / "out.mkv"
    assert patch(film, out, [spliced(film, 20, 30)]) is None
    with av.open(str(film)) as before, av.open(str(out)) as after:
        for second in (1.9, 0.1, 1.3, 0.9, 1.7, 0.5):
            shown = []
            for container in (before, after):
                container.seek(int(second * av.time_base))
                shown.append(next(p for p in container.demux(video=0) if p.size).pts)
            assert shown[0] == shown[1]


def test_tables_of_contents_point_to_what_they_name(film, tmp_path):
    out = tmp_path / "out.mkv"
    assert patch(film, out, [spliced(film, 0, 20)]) is None
    data = out.read_bytes()
    segment = next(e for e in ebml.children(data, 0, len(data)) if e.id == SEGMENT)
    places = {e.start - segment.body: e.id for e, _ in top(out)}
    for head, _ in top(out):
        if head.id != SEEK_HEAD:
            continue
        for seek in ebml.children(data, head.body, head.stop):
            if seek.id == 0x4DBB:
                named = ebml.find(data, seek, 0x53AB)
                where = ebml.find(data, seek, 0x53AC)
                assert places[ebml.read_uint(data, where)] == ebml.read_uint(data, named)


def test_a_new_private_part_stands_in_the_tracks(tmp_path):
    film = make(tmp_path / "film.mkv")
    info, _ = facts(film)
    longer = info.video.extradata + bytes(300)
    assert patch(film, tmp_path / "out.mkv", [spliced(film, 20, 30)], longer) is None
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams.video[0].codec_context.extradata == longer
    report = verify(film, tmp_path / "out.mkv", progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert checksums_are_right(tmp_path / "out.mkv")


def test_pictures_in_block_groups_keep_their_durations(tmp_path):
    """What other programs write: each block in a group with its duration, positions in the clusters, no checksums."""
    film = make(tmp_path / "film.mkv", Recipe(sounds=1, muxing={"write_crc32": "0"}))
    grouped = tmp_path / "grouped.mkv"
    grouped.write_bytes(in_groups(film.read_bytes()))
    assert verify(film, grouped, progress=Progress(), cancel=CancelToken()).packets_identical == 50
    out = tmp_path / "out.mkv"
    assert patch(grouped, out, [spliced(grouped, 20, 30)]) is None
    report = verify(grouped, out, progress=Progress(), cancel=CancelToken())
    assert report.problems == ()
    assert report.packets_identical == 40
    data = out.read_bytes()
    segment = next(e for e in ebml.children(data, 0, len(data)) if e.id == SEGMENT)
    former = 0
    for cluster, _ in top(out):
        if cluster.id == CLUSTER:
            told = {e.id: e for e in ebml.children(data, cluster.body, cluster.stop) if e.id in (0xA7, 0xAB)}
            assert ebml.read_uint(data, told[0xA7]) == cluster.start - segment.body
            assert ebml.read_uint(data, told[0xAB]) == former
            former = cluster.stop - cluster.start


def in_groups(data: bytes) -> bytes:
    """Return the file with its blocks in groups, and clusters that say where they are; without SeekHead and Cues."""
    segment = next(e for e in ebml.children(data, 0, len(data)) if e.id == SEGMENT)
    content = b""
    former = 0
    for element in ebml.children(data, segment.body, segment.stop):
        if element.id == CLUSTER:
            inside = b""
            for child in ebml.children(data, element.body, element.stop):
                if child.id != 0xA3:
                    inside += data[child.start : child.stop]
                    continue
                block = bytearray(data[child.body : child.stop])
                key, block[3] = block[3] & 0x80, block[3] & 0x7F
                reference = b"" if key else ebml.element(0xFB, b"\xd8")
                inside += ebml.element(0xA0, ebml.element(0xA1, bytes(block)) + ebml.uint(0x9B, 40) + reference)
            head = ebml.uint(0xA7, len(content), 4) + ebml.uint(0xAB, former, 4)
            new = ebml.element(CLUSTER, head + inside, 4)
            former = len(new)
            content += new
        elif element.id not in (SEEK_HEAD, CUES):
            content += data[element.start : element.stop]
    return data[: segment.start] + ebml.element(SEGMENT, content, 8)


def test_what_is_not_understood_is_left_to_another_writer(film, tmp_path):
    info, index = facts(film)
    splice = spliced(film, 20, 30)
    private = info.video.extradata
    index.position[25] += 1
    outcome = patch_matroska(film, info, index, [splice], private, tmp_path / "out.mkv", Progress(), CancelToken())
    assert isinstance(outcome, NotPatchable)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(film.read_bytes()[:200] + bytes(50) + film.read_bytes()[250:])
    _, index = facts(film)
    outcome = patch_matroska(broken, info, index, [splice], private, tmp_path / "out.mkv", Progress(), CancelToken())
    assert isinstance(outcome, NotPatchable)


def test_a_recording_that_breaks_off_is_patched_where_it_is_whole(tmp_path):
    film = make(tmp_path / "film.mkv", Recipe(muxing=LAYOUTS["live"]))
    cut = tmp_path / "cut.mkv"
    for lost in (1, 2, 3, 40):
        cut.write_bytes(film.read_bytes()[:-lost])
        out = tmp_path / "out.mkv"
        assert patch(cut, out, [spliced(film, 20, 30)]) is None
        report = verify(cut, out, progress=Progress(), cancel=CancelToken())
        assert report.problems == ()


def test_damaged_structure_is_refused_and_never_an_error(tmp_path):
    film = make(tmp_path / "film.mkv", Recipe(muxing=LAYOUTS["small clusters"]))
    splice = spliced(film, 20, 30)
    info, index = facts(film)
    outcomes = []
    for seed in range(60):
        bad = with_flipped_bytes(film, tmp_path / "bad.mkv", seed=seed, count=40)
        args = (bad, info, index, [splice], info.video.extradata + b"\0", tmp_path / "out.mkv")
        outcomes.append(patch_matroska(*args, Progress(), CancelToken()))
    assert any(isinstance(outcome, NotPatchable) for outcome in outcomes)


def test_patching_stops_on_request(film, tmp_path):
    info, index = facts(film)
    own = [own_units(film, index, 3, 7)]
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        patch_matroska(film, info, index, own, info.video.extradata, tmp_path / "o.mkv", Progress(), cancel)


@pytest.mark.media
def test_real_files_with_their_own_pictures_put_in_again_have_the_same_bytes(media, tmp_path):
    checked = 0
    for path in sorted(media.iterdir()):
        if path.suffix not in (".mkv", ".webm"):
            continue
        _, index = facts(path)
        count = index.unit_count
        splices = [own_units(path, index, a, a + 2) for a in (0, count // 2, count - 2)]
        assert patch(path, tmp_path / path.name, splices) is None, path.name
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
        checked += 1
    assert checked >= 7
