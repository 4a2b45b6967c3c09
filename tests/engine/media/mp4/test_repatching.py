"""A new export on top of an earlier one writes what differs, and the file is one or the other at every moment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, StorageError
from engine.media.mp4 import repatch, writing
from engine.media.mp4.copying import CopyMethod, write_all
from engine.media.mp4.earlier import EarlierExport, read_earlier
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import Movie, read_movie
from engine.media.mp4.patch import PatchReport, patch
from engine.media.mp4.record import read_record
from engine.media.mp4.repatch import Staged, stage, stage_clone

COUNT = 1000
SIZE = 20_000
"""Large enough that a film keeps room for a second header; its media data is mostly holes."""


@pytest.fixture(scope="module", params=[False, True], ids=["end", "front"])
def source(request, make, tmp_path_factory):
    sizes = np.full(COUNT, SIZE)
    sizes[:40] = 300
    video = make.track(durations=[20] * COUNT, sizes=sizes, keys=range(1, COUNT, 10), samples_per_chunk=6)
    sound = make.track(handler=b"soun", entry=make.sound_entry(), durations=[160] * 99, sizes=[3] * 99)
    path = tmp_path_factory.mktemp("source") / "film.mp4"
    make.film([video, sound], front=request.param).write(path)
    movie = read_movie(path)
    with path.open("r+b") as file:
        file.seek(int(movie.tracks[0].packets.position[0]))
        file.write(np.random.default_rng(4).bytes(40 * 300))
    return read_movie(path)


def fresh(movie: Movie, splices, out: Path, identity: bytes = b"film") -> PatchReport:
    out.unlink(missing_ok=True)
    report = patch(movie, 1, splices, None, out, identity, Progress(), CancelToken())
    assert isinstance(report, PatchReport), report
    return report


def on_top(
    movie: Movie, splices, out: Path, identity: bytes = b"film", track: int = 1, cancel: CancelToken | None = None
):
    """Stage on top of an earlier export, or say why not."""
    earlier = read_earlier(movie, track, out, identity)
    if isinstance(earlier, CannotPatch):
        return earlier
    return stage(movie, track, splices, None, earlier, cancel or CancelToken())


def earlier_of(movie: Movie, out: Path) -> EarlierExport:
    earlier = read_earlier(movie, 1, out, b"film")
    assert isinstance(earlier, EarlierExport), earlier
    return earlier


def staged(movie: Movie, splices, out: Path, identity: bytes = b"film") -> Staged:
    outcome = on_top(movie, splices, out, identity)
    assert isinstance(outcome, Staged), outcome
    return outcome


def expected(make, movie: Movie, splices, tmp_path: Path) -> dict:
    fresh(movie, splices, tmp_path / "expected.mp4")
    return make.contents(tmp_path / "expected.mp4")


def test_a_second_export_equals_a_fresh_one_and_writes_only_what_differs(make, source, tmp_path):
    out = tmp_path / "out.mp4"
    kept, old, new = (make.new_units(source, 1, *span) for span in ((4, 8, b"a"), (10, 14, b"b"), (10, 15, b"c")))
    later = make.new_units(source, 1, 500, 502, b"d")
    fresh(source, [kept, old], out)
    plan = staged(source, [kept, new, later], out)
    report = plan.commit()
    assert report.method is CopyMethod.IN_PLACE
    assert report.reused_bytes == sum(len(unit.data) for unit in kept.units)
    assert report.appended_bytes == sum(len(unit.data) for unit in (*new.units, *later.units))
    assert report.file_bytes == out.stat().st_size
    assert make.contents(out) == expected(make, source, [kept, new, later], tmp_path)


def test_samples_that_are_the_sources_again_are_the_sources_bytes(make, source, tmp_path):
    out = tmp_path / "out.mp4"
    fresh(source, [make.new_units(source, 1, 4, 30, b"a")], out)
    staged(source, [make.new_units(source, 1, 20, 22, b"b")], out).commit()
    assert make.contents(out) == expected(make, source, [make.new_units(source, 1, 20, 22, b"b")], tmp_path)
    staged(source, [], out).commit()
    assert make.contents(out) == make.contents(source.path)


def test_superseded_samples_are_wiped(make, source, tmp_path):
    out = tmp_path / "out.mp4"
    fresh(source, [make.new_units(source, 1, 4, 8, b"OLD")], out)
    staged(source, [make.new_units(source, 1, 4, 8, b"NEW")], out).commit()
    data = out.read_bytes()
    assert b"OLDOLD" not in data
    assert b"NEWNEW" in data


def test_many_exports_in_a_row_reuse_the_same_places(make, source, tmp_path):
    out = tmp_path / "out.mp4"
    fresh(source, [], out)
    places = set()
    for i in range(6):
        splices = [make.new_units(source, 1, 4 + i, 9 + i, bytes([0x61 + i]))]
        before = out.stat().st_size
        report = staged(source, splices, out).commit()
        places.add(read_movie(out).moov_start)
        assert make.contents(out) == expected(make, source, splices, tmp_path)
        if i:
            assert out.stat().st_size - before <= report.appended_bytes + 24
    assert len(places) == 2


def test_the_view_shows_the_new_film_while_the_file_is_still_the_old_one(make, source, tmp_path):
    out = tmp_path / "out.mp4"
    splices = [make.new_units(source, 1, 4, 8, b"b")]
    fresh(source, [make.new_units(source, 1, 2, 8, b"a")], out)
    old = make.contents(out)
    plan = staged(source, splices, out)
    assert make.contents(out) == old
    with plan.view() as view:
        assert make.contents(view) == expected(make, source, splices, tmp_path)
    plan.abandon()
    assert make.contents(out) == old


def test_abandoning_leaves_the_file_as_it_was(make, source, tmp_path):
    out = tmp_path / "out.mp4"
    fresh(source, [make.new_units(source, 1, 2, 8, b"a")], out)
    size = out.stat().st_size
    old = make.contents(out)
    staged(source, [], out).abandon()
    assert (make.contents(out), out.stat().st_size) == (old, size)
    assert make.contents(source.path)[1][3][5] not in out.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_whenever_the_process_dies_the_file_is_the_old_film_or_the_new_one(make, source, tmp_path, monkeypatch):
    first, out, third = tmp_path / "first.mp4", tmp_path / "out.mp4", tmp_path / "third.mp4"
    before, after = [make.new_units(source, 1, 3, 7, b"OLD")], [make.new_units(source, 1, 5, 9, b"NEW")]
    fresh(source, before, first)
    old, new = make.contents(first), expected(make, source, after, tmp_path)
    originals = [unit.data for unit in make.same_units(source, 1, 3, 9).units]
    seen = []
    for writes in range(100):
        shutil.copyfile(first, out)
        child = os.fork()
        if not child:
            left = [writes]

            def dying_write(file, data, left=left):
                if not left[0]:
                    # Half of what was to be written is on the disk, as when the machine stops.
                    write_all(file, bytes(data)[: len(data) // 2])
                    os._exit(1)
                left[0] -= 1
                write_all(file, data)

            monkeypatch.setattr(writing, "write_all", dying_write)
            staged(source, after, out).commit()
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found = make.contents(out)
        assert found in (old, new), writes
        seen.append(found == new)
        shutil.copyfile(out, third)
        staged(source, after, out).commit()
        assert make.contents(out) == new, writes
        assert b"OLDOLD" not in out.read_bytes()
        staged(source, [make.new_units(source, 1, 3, 9, b"XXX")], third).commit()
        assert not any(old in third.read_bytes() for old in (b"OLDOLD", b"NEWNEW", *originals)), writes
        if status == 0:
            break
    assert status == 0
    assert seen == sorted(seen)
    assert 0 < seen.index(True) < len(seen) - 1


class TestDistrust:
    """An earlier export that is not exactly that is left alone, with the reason."""

    @pytest.fixture
    def out(self, make, source, tmp_path):
        out = tmp_path / "out.mp4"
        fresh(source, [make.new_units(source, 1, 4, 8, b"a")], out)
        return out

    def reason(self, movie: Movie, out: Path, *, identity: bytes = b"film", track: int = 1) -> str:
        before = out.read_bytes() if out.exists() else b""
        outcome = on_top(movie, [], out, identity, track)
        assert isinstance(outcome, CannotPatch)
        assert not before or out.read_bytes() == before
        return outcome.reason

    def test_the_source_itself(self, source):
        assert "not written by Deltacut" in self.reason(source, source.path)

    def test_no_file_and_no_film(self, source, tmp_path):
        assert "cannot be read" in self.reason(source, tmp_path / "none.mp4")
        (tmp_path / "text.mp4").write_text("hello")
        assert "cannot be read" in self.reason(source, tmp_path / "text.mp4")

    def test_another_source(self, source, out):
        assert "another source" in self.reason(source, out, identity=b"other")

    def test_another_track(self, source, out):
        assert "another track" in self.reason(source, out, track=2)

    def test_a_changed_header(self, source, out):
        movie = read_movie(out)
        data = bytearray(out.read_bytes())
        data[data.index(b"tkhd", movie.moov_start) + 12] ^= 1
        out.write_bytes(data)
        assert "changed since" in self.reason(source, out)

    def test_changed_media_data(self, source, out):
        at = int(read_movie(out).tracks[0].packets.position[0])
        data = bytearray(out.read_bytes())
        data[at] ^= 1
        out.write_bytes(data)
        assert "source's bytes" in self.reason(source, out)

    def test_a_truncated_file(self, source, out):
        record = read_record(read_movie(out))
        assert record is not None
        with out.open("r+b") as file:
            file.truncate(record.file_size - 1)
        reason = self.reason(source, out)
        assert "shorter" in reason or "cannot be read" in reason

    def test_a_file_that_changed_after_it_was_read(self, make, source, out):
        known = earlier_of(source, out)
        staged(source, [make.new_units(source, 1, 4, 8, b"b")], out).commit()
        before = out.read_bytes()
        outcome = stage(source, 1, [], None, known, CancelToken())
        assert isinstance(outcome, CannotPatch)
        assert "has changed since" in outcome.reason
        assert out.read_bytes() == before

    @pytest.mark.skipif(sys.platform == "win32", reason="needs hard links")
    def test_a_file_with_two_names(self, source, out, tmp_path):
        os.link(out, tmp_path / "second.mp4")
        assert "second name" in self.reason(source, out)

    def test_a_file_that_would_be_garbage_for_a_third(self, make, source, out):
        size = source.size // 8
        staged(source, [make.new_units(source, 1, 4, 8, b"b", size)], out).commit()
        outcome = on_top(source, [], out)
        assert isinstance(outcome, CannotPatch)
        assert "nobody needs" in outcome.reason

    def test_a_full_disk(self, make, source, out):
        resource = pytest.importorskip("resource")
        old = make.contents(out)
        size = out.stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2000, limits[1]))
        try:
            with pytest.raises(StorageError, match=r"out\.mp4"):
                staged(source, [make.new_units(source, 1, 4, 8, b"b", 9000)], out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert (make.contents(out), out.stat().st_size) == (old, size)

    def test_a_request_to_stop(self, source, out):
        cancel = CancelToken()
        cancel.cancel()
        before = out.read_bytes()
        with pytest.raises(Cancelled):
            on_top(source, [], out, cancel=cancel)
        assert out.read_bytes() == before


def test_small_films_with_their_header_in_front_are_written_anew(make, tmp_path):
    movie = read_movie(
        make.film([make.track(durations=[20] * 20, sizes=[9] * 20)], front=True).write(tmp_path / "film.mp4")
    )
    fresh(movie, [], tmp_path / "out.mp4")
    outcome = on_top(movie, [make.new_units(movie, 1, 3, 4, b"!")], tmp_path / "out.mp4")
    assert isinstance(outcome, CannotPatch)
    assert "no room" in outcome.reason


def test_where_files_can_be_cloned_the_earlier_export_stays(make, source, tmp_path, monkeypatch):
    earlier, out = tmp_path / "earlier.mp4", tmp_path / "out.mp4"
    fresh(source, [make.new_units(source, 1, 4, 8, b"a")], earlier)
    before = earlier.read_bytes()
    splices = [make.new_units(source, 1, 5, 6, b"b")]
    monkeypatch.setattr(repatch, "clone", lambda source, target: bool(shutil.copyfile(source, target)))
    outcome = stage_clone(source, 1, splices, None, earlier_of(source, earlier), out, CancelToken())
    assert isinstance(outcome, Staged)
    outcome.commit()
    assert make.contents(out) == expected(make, source, splices, tmp_path)
    assert earlier.read_bytes() == before
    out.unlink()
    known = earlier_of(source, earlier)
    with earlier.open("ab") as file:
        file.write(b"!")
    assert isinstance(stage_clone(source, 1, splices, None, known, out, CancelToken()), CannotPatch)
    assert not out.exists()
    monkeypatch.setattr(repatch, "clone", lambda source, target: False)
    assert isinstance(
        stage_clone(source, 1, splices, None, earlier_of(source, earlier), out, CancelToken()), CannotPatch
    )


def test_an_export_of_an_export_carries_one_record(make, source, tmp_path):
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    fresh(source, [make.new_units(source, 1, 4, 8, b"a")], first)
    movie = read_movie(first)
    fresh(movie, [make.new_units(movie, 1, 6, 9, b"b")], second)
    found = read_movie(second)
    assert found.moov.count(read_record(found).source) == 1
    assert read_record(movie).source not in found.moov
    assert len(found.moov) <= len(movie.moov) + 8192
    units = make.contents(second)[1]
    assert [units[i][5][:1] for i in (4, 5, 6, 7, 8)] == [b"a", b"a", b"b", b"b", b"b"]
