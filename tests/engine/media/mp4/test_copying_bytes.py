"""Bytes come from one file into another whole, whatever the system offers for it."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from engine.control import CancelToken
from engine.errors import Cancelled, NoSpace, SourceChanged, StorageError
from engine.media.mp4 import copying
from engine.media.mp4.copying import Piece, clone, copy_piece, storage_error

CONTENT = np.random.default_rng(9).bytes(100_000)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def copied(source, target, pieces):
    steps = []
    with source.open("rb", buffering=0) as original, target.open("wb", buffering=0) as copy:
        for piece in pieces:
            copy_piece(original, copy, piece, CancelToken(), steps.append)
    return steps


PIECES = [Piece(0, 17, 0), Piece(17, 60_017, 17 + 8192), Piece(70_000, 100_000, 80_000)]


def arranged() -> bytes:
    data = bytearray(110_000)
    for piece in PIECES:
        data[piece.target : piece.target + piece.size] = CONTENT[piece.start : piece.stop]
    return bytes(data)


def refusing(*_):
    raise OSError(errno.EXDEV, "two file systems")


@pytest.mark.parametrize("kernel", ["works", "refuses", "is missing"])
def test_pieces_arrive_where_they_belong(source, tmp_path, monkeypatch, kernel):
    if kernel == "refuses":
        monkeypatch.setattr(os, "copy_file_range", refusing, raising=False)
    if kernel == "is missing":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    steps = copied(source, tmp_path / "target", PIECES)
    assert (tmp_path / "target").read_bytes() == arranged()
    assert sum(steps) == sum(piece.size for piece in PIECES)


def test_a_kernel_that_stops_half_way_is_helped_out(source, tmp_path, monkeypatch):
    if not hasattr(os, "copy_file_range"):
        pytest.skip("this system has no such call")
    original, calls = os.copy_file_range, []

    def once(src, dst, count, at, to):
        calls.append(count)
        return original(src, dst, 5000, at, to) if len(calls) == 1 else 0

    monkeypatch.setattr(os, "copy_file_range", once)
    copied(source, tmp_path / "target", [Piece(0, 100_000, 0)])
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_whole_blocks_are_copied_as_such(source, tmp_path, monkeypatch):
    """A file system can share a block only if it begins at a block's border in both files."""
    if not hasattr(os, "copy_file_range"):
        pytest.skip("this system has no such call")
    original, starts = os.copy_file_range, []

    def noted(src, dst, count, at, to):
        starts.append((at % 4096, to % 4096))
        return original(src, dst, count, at, to)

    monkeypatch.setattr(os, "copy_file_range", noted)
    copied(source, tmp_path / "target", [PIECES[1]])
    assert starts[:2] == [(17, 17), (0, 0)]


def test_a_source_that_shrinks_is_noticed(source, tmp_path):
    with pytest.raises(SourceChanged, match="shorter"):
        copied(source, tmp_path / "target", [Piece(0, 100_001, 0)])


def test_copying_stops_on_request(source, tmp_path, monkeypatch):
    cancel = CancelToken()
    monkeypatch.setattr(copying, "KERNEL_STEP", 10_000)
    with (
        pytest.raises(Cancelled),
        source.open("rb", buffering=0) as original,
        (tmp_path / "target").open("wb", buffering=0) as copy,
    ):
        copy_piece(original, copy, Piece(0, 100_000, 0), cancel, lambda _: cancel.cancel())
    assert (tmp_path / "target").stat().st_size < 100_000


def test_a_clone_is_equal_or_not_there(source, tmp_path):
    target = tmp_path / "target"
    assert clone(source, target) == target.exists()
    assert not target.exists() or target.read_bytes() == CONTENT


def test_a_full_disk_is_told_from_other_trouble(tmp_path):
    assert isinstance(storage_error(tmp_path, OSError(errno.ENOSPC, "full")), NoSpace)
    other = storage_error(tmp_path, OSError(errno.EIO, "broken"))
    assert isinstance(other, StorageError)
    assert not isinstance(other, NoSpace)
