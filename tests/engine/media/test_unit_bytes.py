"""A film's units are the packets of its demuxer, from any place in it."""

from __future__ import annotations

import av
import pytest

from engine.control import CancelToken, Progress
from engine.errors import SourceChanged
from engine.index.frame_index import build_index
from engine.media.probe import probe
from engine.media.unit_bytes import read_units
from tests.corpus.small_clips import Recipe, make


@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "film.mkv", "film.ts"])
def test_units_are_the_packets_of_the_demuxer(name, tmp_path):
    path = make(tmp_path / name, Recipe(frames=40))
    info = probe(path)
    index = build_index(path, info, Progress(), CancelToken())
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert list(read_units(path, info, index, 0, index.unit_count)) == packets
    assert list(read_units(path, info, index, 17, 31)) == packets[17:31]
    assert list(read_units(path, info, index, 9, 9)) == []


def test_a_file_that_became_shorter_is_another_file(tmp_path):
    path = make(tmp_path / "film.mp4", Recipe(frames=40))
    info = probe(path)
    index = build_index(path, info, Progress(), CancelToken())
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(SourceChanged, match=r"film\.mp4"):
        list(read_units(path, info, index, 0, index.unit_count))
