"""A patched film is its source but for the spliced samples, for every reader and down to the last box."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.control import CancelToken, Progress, ProgressState
from engine.errors import Cancelled, SourceChanged, StorageError
from engine.media.coded import CodedUnit, Splice
from engine.media.mp4 import copying
from engine.media.mp4 import patch as patching
from engine.media.mp4.boxes import scan
from engine.media.mp4.copying import CopyMethod
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import Movie, read_movie
from engine.media.mp4.patch import PatchReport, patch
from engine.media.mp4.samples import SampleReader

FRAMES, GOP, RATE = 48, 12, 24


def encode(path: Path, crf: int, front: bool) -> Path:
    """Write a small H.264 film with B-frames (hence an edit list) and sound; `crf` changes samples, not sets."""
    with av.open(str(path), "w", options={"movflags": "+faststart"} if front else {}) as out:
        out.metadata["title"] = "A film"
        video = out.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        video.time_base = Fraction(1, RATE)
        video.options = {
            "crf": str(crf),
            "x264-params": f"stitchable=1:keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=2:threads=1",
        }
        sound = out.add_stream("aac", rate=48000, layout="mono")
        y, x = np.mgrid[0:64, 0:96]
        for i in range(FRAMES):
            picture = np.stack([(x * 2 + i * 5) % 256, (y * 3 + i * 2) % 256, (x + y + i * 7) % 256], axis=-1)
            frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, RATE)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for i in range(FRAMES * 48000 // RATE // 1024):
            wave = np.sin(np.arange(i * 1024, (i + 1) * 1024) / 20).astype(np.float32)[None]
            block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 48000, i * 1024, Fraction(1, 48000)
            out.mux(sound.encode(block))
        out.mux(sound.encode(None))
    return path


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {
        (crf, front): encode(folder / f"{crf}-{front}.mp4", crf, front) for crf in (20, 36) for front in (False, True)
    }


def patched(movie: Movie, splices: list[Splice], target: Path, extradata: bytes | None = None) -> PatchReport:
    report = patch(movie, 1, splices, extradata, target, b"identity", Progress(), CancelToken())
    assert isinstance(report, PatchReport), report
    return report


def pictures(path: Path) -> list[tuple[int, bytes]]:
    with av.open(str(path)) as container:
        return [(frame.pts, frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]


def facts(path: Path) -> dict:
    """Return what a demuxer says of a file apart from its packets."""
    with av.open(str(path)) as container:
        return {
            "container": (container.metadata, container.duration, container.start_time, container.chapters()),
            "streams": [
                (
                    s.type,
                    s.codec_context.name if s.codec_context is not None else None,
                    s.codec_context.codec_tag if s.codec_context is not None else None,
                    s.codec_context.extradata if s.codec_context is not None else None,
                    s.time_base,
                    s.start_time,
                    # FFmpeg estimates a duration for data tracks that give none, from where their packets stand.
                    s.duration if s.type != "data" else None,
                    s.frames,
                    s.metadata,
                    s.disposition,
                )
                for s in container.streams
            ],
        }


@pytest.mark.parametrize("front", [False, True])
def test_a_spliced_group_shows_the_new_pictures_and_all_others_stay(make, films, tmp_path, front):
    source, other = films[20, front], films[36, front]
    movie, donor = read_movie(source), read_movie(other)
    splice = make.same_units(donor, 1, GOP, 2 * GOP)
    out = tmp_path / "out.mp4"
    report = patched(movie, [splice], out)
    assert report.appended_bytes == sum(len(unit.data) for unit in splice.units)
    before, donated, after = pictures(source), pictures(other), pictures(out)
    assert after == before[:GOP] + donated[GOP : 2 * GOP] + before[2 * GOP :]
    assert after != before
    assert make.contents(out)[2] == make.contents(source)[2]
    assert facts(out) == facts(source)
    kinds = [box.kind for box in read_movie(out).layout.boxes]
    assert (kinds.index(b"moov") < kinds.index(b"mdat")) == front


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("spans", [[(0, 3)], [(20, 30)], [(FRAMES - 1, FRAMES)], [(0, 12), (12, 13), (40, 48)], []])
def test_splicing_in_what_is_there_changes_nothing_for_a_demuxer(make, films, tmp_path, front, spans):
    source = films[20, front]
    movie = read_movie(source)
    out = tmp_path / "out.mp4"
    report = patched(movie, [make.same_units(movie, 1, *span) for span in spans], out)
    assert make.contents(out) == make.contents(source)
    assert pictures(out) == pictures(source)
    assert facts(out) == facts(source)
    assert report.timing.dts_moved == report.timing.hidden_changed == 0
    assert report.file_bytes == out.stat().st_size


def test_nothing_of_a_replaced_sample_stays_in_the_file(make, tmp_path):
    track = make.track(durations=[20] * 30, sizes=[50] * 30, keys=[1, 11, 21], samples_per_chunk=7)
    sound = make.track(handler=b"soun", entry=make.sound_entry(), durations=[160] * 30, sizes=[3] * 30)
    letters = b"".join(bytes([0x41 + i % 26]) * 50 for i in range(30)) + b"snd" * 30
    for front in (False, True):
        source = make.film([track, sound], front=front).write(tmp_path / f"{front}.mp4", letters)
        out = tmp_path / f"out-{front}.mp4"
        patched(read_movie(source), [make.new_units(read_movie(source), 1, 2, 4, b"!")], out)
        data = out.read_bytes()
        assert b"CC" not in data[data.index(b"BB") :].split(b"EE")[0]
        assert b"DD" not in data[data.index(b"BB") :].split(b"EE")[0]
        assert make.contents(out)[2] == make.contents(source)[2]


def test_bytes_that_another_sample_shares_stay(make, tmp_path):
    """Two tracks of the same bytes: what one no longer shows, the other still does."""
    track = make.track(durations=[20] * 10, sizes=[50] * 10)
    source = make.film([track, track]).write(tmp_path / "film.mp4", bytes(range(200)) * 5)
    data = bytearray(source.read_bytes())
    first, second = data.index(b"stco"), data.rindex(b"stco")
    data[second : second + 52] = data[first : first + 52]
    source.write_bytes(data)
    movie = read_movie(source)
    out = tmp_path / "out.mp4"
    patched(movie, [make.new_units(movie, 1, 2, 5, b"!")], out)
    assert make.contents(out)[2] == make.contents(source)[2]


def test_a_file_is_copied_around_what_most_of_it_no_longer_needs(make, tmp_path):
    track = make.track(durations=[20] * 40, sizes=[5000] * 40, keys=[1], samples_per_chunk=6)
    sound = make.track(handler=b"soun", entry=make.sound_entry(), durations=[160] * 40, sizes=[40] * 40)
    fill = np.random.default_rng(1).bytes(40 * 5040)
    for front in (False, True):
        source = make.film([track, sound], front=front).write(tmp_path / f"{front}.mp4", fill)
        movie = read_movie(source)
        out = tmp_path / f"out-{front}.mp4"
        splices = [make.new_units(movie, 1, 1, 20, b"!"), make.new_units(movie, 1, 25, 38, b"?")]
        report = patched(movie, splices, out)
        assert report.unused_bytes == 0
        assert out.stat().st_size < source.stat().st_size // 2
        before, after = make.contents(source), make.contents(out)
        assert after[2] == before[2]
        new = {i: unit.data for s in splices for i, unit in zip(range(s.start, s.stop), s.units, strict=True)}
        assert [row[5] for row in after[1]] == [new.get(i, row[5]) for i, row in enumerate(before[1])]


def test_new_times_of_reordered_frames_are_written(make, tmp_path):
    track = make.track(durations=[20] * 12, sizes=[9] * 12, keys=[1], offsets=[20] * 12, edits=[(240, 20)])
    source = make.film([track]).write(tmp_path / "film.mp4")
    movie = read_movie(source)
    pts = [100, 160, 120, 140]
    units = tuple(CodedUnit(b"x" * 9, at, 80 + 20 * i, 20, i == 0) for i, at in enumerate(pts))
    out = tmp_path / "out.mp4"
    patched(movie, [Splice(5, 9, units)], out)
    shown = [row[0] for row in make.contents(out)[1]]
    assert shown == [0, 20, 40, 60, 80, *pts, 180, 200, 220]
    assert [row[3] for row in make.contents(out)[1]] == [True] + [False] * 4 + [True] + [False] * 6


def reordered(at: int) -> Splice:
    """Return three units at dts (and pts) at, at + 20, at + 40, of which the last two are shown in reverse."""
    return Splice(at // 20, at // 20 + 3, tuple(CodedUnit(b"x" * 9, at + by, 0, 20, by == 0) for by in (0, 40, 20)))


def test_units_shown_before_they_are_decoded_move_decoding_for_ffmpeg(make, tmp_path):
    movie = read_movie(make.film([make.track(durations=[20] * 12, sizes=[9] * 12)]).write(tmp_path / "film.mp4"))
    out = tmp_path / "out.mp4"
    report = patched(movie, [reordered(40), reordered(140)], out)
    assert [row[0] for row in make.contents(out)[1]] == [0, 20, 40, 80, 60, 100, 120, 140, 180, 160, 200, 220]
    assert report.timing.dts_moved == -20
    assert [row[1] for row in make.contents(out)[1]] == [at - 20 for at in range(0, 240, 20)]
    assert (
        read_movie(out).tracks[0].packets.sync.tolist()
        == [True] * 3 + [False] * 2 + [True] * 3 + [False] * 2 + [True] * 2
    )


def test_units_that_would_change_when_others_are_decoded_are_a_reason(make, tmp_path):
    """FFmpeg overlooks a negative offset in the last two runs of the table, and decodes that unit early instead."""
    movie = read_movie(make.film([make.track(durations=[20] * 6, sizes=[9] * 6)]).write(tmp_path / "film.mp4"))
    outcome = patch(movie, 1, [reordered(40)], None, tmp_path / "out.mp4", b"", Progress(), CancelToken())
    assert outcome == CannotPatch("the new frames would be decoded at other times")


def test_tables_about_replaced_samples_say_nothing_untrue(make, tmp_path):
    count = 8
    tables = b"".join(
        [
            make.full_box(b"sdtp", 0, bytes([0x24, 0x18, 0x18, 0x18, 0x24, 0x18, 0x18, 0x18])),
            make.full_box(b"stps", 0, make.u32(2, 3, 5)),
            make.full_box(b"stdp", 0, bytes(range(16))),
            make.full_box(b"stsh", 0, make.u32(2, 2, 1, 7, 5)),
            make.full_box(b"sgpd", 1, b"roll", make.u32(2, 1), b"\0\1"),
            make.full_box(b"sbgp", 0, b"roll", make.u32(1, count, 1)),
            make.full_box(b"sbgp", 1, b"sync", make.u32(7, 2, 3, 1, 5, 2)),
            make.full_box(b"cslg", 0, make.u32(0, 20, 20, 20, 180)),
        ]
    )
    track = make.track(durations=[20] * count, sizes=[9] * count, keys=[1], offsets=[20] * count, extra_tables=tables)
    movie = read_movie(make.film([track]).write(tmp_path / "film.mp4"))
    units = tuple(CodedUnit(b"x", at, 0, 20, at == 60) for at in (60, 100, 80))
    out = tmp_path / "out.mp4"
    patched(movie, [Splice(2, 5, units)], out)
    data = out.read_bytes()

    def has(*box: bytes) -> bool:
        return make.full_box(*box) in data

    assert has(b"sdtp", 0, bytes([0x24, 0x18, 0x20, 0, 0, 0x18, 0x18, 0x18]))
    assert has(b"stss", 0, make.u32(2, 1, 3))
    assert has(b"stps", 0, make.u32(0))
    assert has(b"stdp", 0, bytes([0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 10, 11, 12, 13, 14, 15]))
    assert has(b"stsh", 0, make.u32(1, 2, 1))
    assert has(b"sgpd", 1, b"roll", make.u32(2, 1), b"\0\1")
    assert has(b"sbgp", 0, b"roll", make.u32(3, 2, 1, 3, 0, 3, 1))
    assert has(b"sbgp", 1, b"sync", make.u32(7, 3, 2, 1, 3, 0, 3, 2))
    assert has(b"cslg", 0, make.u32(0, 0, 40, 20, 180))


@pytest.mark.parametrize("kind", [b"subs", b"csgp", b"saiz", b"saio", b"padb"])
def test_a_table_that_is_not_understood_is_a_reason(make, tmp_path, kind):
    track = make.track(durations=[20] * 3, sizes=[9] * 3, extra_tables=make.full_box(kind, 0, bytes(8)))
    movie = read_movie(make.film([track]).write(tmp_path / "film.mp4"))
    outcome = patch(movie, 1, [], None, tmp_path / "out.mp4", b"", Progress(), CancelToken())
    assert isinstance(outcome, CannotPatch)
    assert kind.decode() in outcome.reason
    assert not (tmp_path / "out.mp4").exists()


def test_reasons_are_named(make, tmp_path):
    def outcome(movie: Movie, extradata: bytes | None = None) -> str:
        result = patch(movie, 1, [], extradata, tmp_path / "out.mp4", b"", Progress(), CancelToken())
        assert isinstance(result, CannotPatch)
        return result.reason

    def film(extra: bytes = b"", **track) -> Movie:
        plan = make.track(**{"durations": [20] * 9, "sizes": [9] * 9, "keys": [1], **track})
        return read_movie(make.film([plan], extra=extra).write(tmp_path / "film.mp4"))

    assert "encrypted" in outcome(film(entry=make.video_entry(b"encv")))
    assert "twice" in outcome(film(edits=[(100, 0), (100, 0)]))
    assert "configuration" in outcome(film(), b"extra")
    plain = tmp_path / "film.mp4"
    film()
    plain.write_bytes(plain.read_bytes() + make.box(b"moof", bytes(8)))
    assert "moof" in outcome(read_movie(plain))
    film()
    two = plain.read_bytes()
    entry = make.video_entry()
    one_entry = make.full_box(b"stsd", 0, make.u32(1), entry)
    assert one_entry in two
    # Room for the second entry is taken from nothing: the header is last, so only the sizes above it change.
    grown = two.replace(one_entry, make.full_box(b"stsd", 0, make.u32(2), entry, entry))
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        at = grown.index(kind) - 4
        size = int.from_bytes(grown[at : at + 4], "big") + len(entry)
        grown = grown[:at] + size.to_bytes(4, "big") + grown[at + 4 :]
    plain.write_bytes(grown)
    assert "2 sample descriptions" in outcome(read_movie(plain))


@pytest.mark.parametrize("kind", [b"avcC", b"hvcC", b"av1C"])
def test_a_new_decoder_configuration_replaces_the_old(make, tmp_path, kind):
    entry = make.video_entry(
        b"avc1", make.box(b"pasp", make.u32(1, 1)), make.box(kind, b"old"), make.box(b"btrt", bytes(12))
    )
    movie = read_movie(make.film([make.track(durations=[20], sizes=[9], entry=entry)]).write(tmp_path / "film.mp4"))
    out = tmp_path / "out.mp4"
    patched(movie, [], out, b"a longer one")
    (new,) = read_movie(out).tracks[0].entries
    assert new.extradata == b"a longer one"
    assert new.data == make.video_entry(
        b"avc1", make.box(b"pasp", make.u32(1, 1)), make.box(kind, b"a longer one"), make.box(b"btrt", bytes(12))
    )


def test_a_new_configuration_inside_descriptors_replaces_the_old(make, tmp_path):
    decoder = b"\x04" + bytes([13 + 2 + 5]) + bytes(range(13)) + b"\x05\x05hello"
    esds = make.full_box(b"esds", 0, b"\x03" + bytes([3 + len(decoder) + 3]) + b"\0\1\0" + decoder + b"\6\1\2")
    track = make.track(durations=[20], sizes=[9], entry=make.video_entry(b"mp4v", esds))
    movie = read_movie(make.film([track]).write(tmp_path / "film.mp4"))
    out = tmp_path / "out.mp4"
    patched(movie, [], out, b"x" * 300)
    (new,) = read_movie(out).tracks[0].entries
    assert new.extradata == b"x" * 300
    assert bytes(range(13)) in new.data
    assert new.data.endswith(b"\6\1\2")


@pytest.mark.parametrize(
    ("top", "kinds"),
    [
        ((b"ftyp", b"mdat", b"moov"), [b"ftyp", b"mdat", b"mdat", b"moov"]),
        ((b"ftyp", b"mdat", b"moov", b"uuid"), [b"ftyp", b"mdat", b"free", b"uuid", b"mdat", b"moov"]),
        ((b"ftyp", b"moov", b"free", b"mdat", b"uuid"), [b"ftyp", b"moov", b"free", b"mdat", b"uuid", b"mdat"]),
        ((b"ftyp", b"moov", b"meta", b"mdat"), [b"ftyp", b"free", b"meta", b"mdat", b"mdat", b"moov"]),
    ],
)
def test_the_boxes_of_the_source_keep_their_order(make, tmp_path, top, kinds):
    film = make.film([make.track(durations=[20] * 20, sizes=[500] * 20, keys=[1])], front=b"moov" in top[:2])
    fill = np.random.default_rng(3).bytes(10_000)
    data = film.write(tmp_path / "film.mp4", fill).read_bytes()
    whole = read_movie(tmp_path / "film.mp4")
    parts = {box.kind: data[box.start : box.stop] for box in whole.layout.boxes}
    parts |= {
        b"uuid": make.box(b"uuid", b"U" * 40),
        b"meta": make.box(b"meta", bytes(16)),
        b"free": make.box(b"free", bytes(9)),
    }
    before = 0
    for kind in top:
        if kind in (b"mdat",):
            break
        before += len(parts[kind])
    shift = before + 8 - int(whole.tracks[0].packets.position[0])
    at = parts[b"moov"].index(b"stco") + 12
    offsets = np.frombuffer(parts[b"moov"], ">u4", 20, at) + shift
    parts[b"moov"] = parts[b"moov"][:at] + offsets.astype(">u4").tobytes() + parts[b"moov"][at + 80 :]
    source = tmp_path / "ordered.mp4"
    source.write_bytes(b"".join(parts[kind] for kind in top))
    movie = read_movie(source)
    out = tmp_path / "out.mp4"
    patched(movie, [make.same_units(movie, 1, 3, 6)], out)
    assert make.contents(out) == make.contents(source)
    assert [box.kind for box in read_movie(out).layout.boxes] == kinds
    for box in read_movie(out).layout.boxes:
        if box.kind in (b"uuid", b"meta", b"ftyp"):
            assert out.read_bytes()[box.start : box.stop] == parts[box.kind]


def test_media_data_without_an_end_gets_one(make, tmp_path):
    source = make.film([make.track(durations=[20] * 5, sizes=[90] * 5)], front=True).write(tmp_path / "film.mp4")
    data = bytearray(source.read_bytes())
    at = data.index(b"mdat") - 4
    data[at : at + 4] = bytes(4)
    source.write_bytes(data)
    movie = read_movie(source)
    out = tmp_path / "out.mp4"
    patched(movie, [make.same_units(movie, 1, 1, 2)], out)
    assert make.contents(out) == make.contents(source)
    assert [box.kind for box in read_movie(out).layout.boxes] == [b"ftyp", b"moov", b"mdat", b"mdat"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file system that stores holes as nothing")
@pytest.mark.parametrize(("front", "size"), [(False, 9_761_289), (True, 9_761_270)])
def test_offsets_beyond_four_gigabytes_become_64_bit_ones(make, tmp_path, monkeypatch, front, size):
    """The source's offsets just fit; a larger header before them pushes them over, and new samples lie beyond."""
    count = 440
    video = make.track(durations=[20] * count, sizes=[size] * count, keys=[1])
    sound = make.track(handler=b"soun", entry=make.sound_entry(), durations=[160] * 9, sizes=[3] * 9)
    source = make.film([video, sound], front=front).write(tmp_path / "film.mp4")
    movie = read_movie(source)
    assert 0 <= 0xFFFFFFFF - int(movie.tracks[1].packets.position.max()) < 1024

    def holes(source, target, piece, cancel, copied):
        source.seek(piece.start)
        target.seek(piece.target)
        target.write(source.read(min(piece.size, 20_000)))
        target.truncate(piece.target + piece.size)

    monkeypatch.setattr(copying, "copy_piece", holes)
    monkeypatch.setattr(patching, "wipe", lambda file, spans: None)
    out = tmp_path / "out.mp4"
    patched(movie, [make.new_units(movie, 1, 5, 7, b"!"), make.new_units(movie, 1, 9, 11, b"?")], out)
    after = read_movie(out)
    assert (after.moov.count(b"co64"), after.moov.count(b"stco")) == ((2, 0) if front else (1, 1))
    delta = after.tracks[0].packets.position - movie.tracks[0].packets.position
    assert (delta[np.r_[0:5, 7:9, 11:count]] == delta[0]).all()
    assert (after.tracks[1].packets.position - movie.tracks[1].packets.position == delta[0]).all()
    assert int(after.tracks[0].packets.position[10]) > 0xFFFFFFFF
    with SampleReader(out) as reader:
        assert reader.read(int(after.tracks[0].packets.position[10]), 710) == b"?" * 710
    assert not scan_problems(out)


def scan_problems(path: Path) -> bool:
    with path.open("rb") as file:
        found = scan(file, path.stat().st_size)
    return found.truncated or found.tail != path.stat().st_size


class TestFailure:
    """Whatever goes wrong, no half-written file stays."""

    @pytest.fixture
    def movie(self, make, tmp_path):
        track = make.track(durations=[20] * 40, sizes=[5000] * 40, keys=[1])
        return read_movie(make.film([track]).write(tmp_path / "film.mp4", bytes(200_000)))

    def test_a_full_disk(self, make, movie, tmp_path):
        resource = pytest.importorskip("resource")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(StorageError, match=r"out\.mp4"):
                patched(movie, [], tmp_path / "out.mp4")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not (tmp_path / "out.mp4").exists()

    def test_no_folder(self, movie, tmp_path):
        with pytest.raises(StorageError, match="nowhere"):
            patched(movie, [], tmp_path / "nowhere" / "out.mp4")

    def test_a_request_to_stop(self, movie, tmp_path):
        cancel = CancelToken()
        cancel.cancel()
        with pytest.raises(Cancelled):
            patch(movie, 1, [], None, tmp_path / "out.mp4", b"", Progress(), cancel)
        assert not (tmp_path / "out.mp4").exists()

    def test_a_source_that_changed(self, movie, tmp_path):
        with movie.path.open("ab") as file:
            file.write(bytes(8))
        with pytest.raises(SourceChanged, match=r"film\.mp4"):
            patched(movie, [], tmp_path / "out.mp4")
        assert not (tmp_path / "out.mp4").exists()

    def test_splices_that_fit_nothing(self, make, movie, tmp_path):
        for splice in (Splice(39, 41, ()), Splice(3, 2, ()), Splice(1, 3, make.new_units(movie, 1, 1, 2, b"!").units)):
            with pytest.raises(ValueError, match="does not fit"):
                patched(movie, [splice], tmp_path / "out.mp4")

    def test_progress_is_told(self, movie, tmp_path):
        told: list[ProgressState] = []
        patch(movie, 1, [], None, tmp_path / "out.mp4", b"", Progress(told.append), CancelToken())
        assert [told[0].fraction, told[-1].fraction] == [0.0, 1.0]
        assert [state.fraction for state in told] == sorted(state.fraction for state in told)


@pytest.mark.media
def test_the_real_clips_survive(make, media, tmp_path):
    refused = {}
    for path in sorted([*media.glob("*.mp4"), *media.glob("*.mov")]):
        movie = read_movie(path)
        video = next(track for track in movie.tracks if track.handler == "vide")
        count = video.packets.count
        spans = [(0, 2), (count // 2, count // 2 + 3), (count - 1, count)] if count > 8 else [(0, count)]
        out = tmp_path / path.name
        splices = [make.same_units(movie, video.track_id, *span) for span in spans if count]
        report = patch(movie, video.track_id, splices, None, out, b"", Progress(), CancelToken())
        if isinstance(report, CannotPatch):
            refused[path.name] = report.reason
            continue
        assert make.contents(out) == make.contents(path), path.name
        assert facts(out) == facts(path), path.name
        assert report.method in (CopyMethod.COPIED, CopyMethod.CLONED)
        assert (report.timing.dts_moved, report.timing.hidden_changed) == (0, 0)
        kept = [box for box in movie.layout.boxes if box.kind not in (b"moov", b"mdat")]
        assert {box.kind for box in kept} <= {box.kind for box in read_movie(out).layout.boxes}
        out.unlink()
    assert set(refused) == {
        "bbb_720p24_120s_aac_fmp4.mp4",
        "h264_fmp4_pq_tagged.mp4",
        "h264_open_gop_recovery.mp4",
        "editlist_3.mp4",
    }


@st.composite
def edits_of_films(draw):
    count = draw(st.integers(4, 40))
    sizes = draw(st.lists(st.integers(1, 60), min_size=count, max_size=count))
    cuts = sorted(draw(st.sets(st.integers(0, count), min_size=2, max_size=6)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    keys = draw(st.none() | st.sets(st.integers(1, count), min_size=1).map(sorted))
    reorder = draw(st.booleans())
    track = dict(
        durations=[20] * count,
        sizes=sizes,
        keys=keys,
        samples_per_chunk=draw(st.integers(1, 7)),
        # Every second pair of frames is shown in reverse, as with one B-frame.
        offsets=[[40, 0][i % 2] + 20 for i in range(count)] if reorder else None,
        edits=draw(st.sampled_from([[], [(20 * count, 40 if reorder else 0)], [(100, -1), (20 * count, 20)]])),
    )
    return track, spans, draw(st.lists(st.integers(1, 90), min_size=count, max_size=count)), draw(st.booleans())


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=edits_of_films())
def test_every_packet_is_the_new_one_or_the_sources(make, tmp_path, plan):
    track, spans, new_sizes, front = plan
    sound = make.track(handler=b"soun", entry=make.sound_entry(), durations=[160] * 9, sizes=[5] * 9)
    fill = np.random.default_rng(len(spans)).bytes(sum(track["sizes"]) + 45)
    source = make.film([make.track(**track), sound], front=front).write(tmp_path / "film.mp4", fill)
    movie = read_movie(source)
    packets = movie.tracks[0].packets
    spans = [(a, min(b, packets.count)) for a, b in spans if a < packets.count]
    splices = [
        Splice(
            a,
            b,
            tuple(
                CodedUnit(b"!" * new_sizes[i], int(packets.pts[i]), 0, 20, bool(packets.sync[i])) for i in range(a, b)
            ),
        )
        for a, b in spans
    ]
    out = tmp_path / "out.mp4"
    out.unlink(missing_ok=True)
    patched(movie, splices, out)
    wanted = make.contents(source)
    for a, b in spans:
        for i in range(a, b):
            wanted[1][i] = (*wanted[1][i][:5], b"!" * new_sizes[i])
    assert make.contents(out) == wanted
