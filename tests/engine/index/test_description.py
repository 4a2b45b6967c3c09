"""What `deltacut info` says about a film."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.index.description import describe
from tests.corpus.small_clips import Recipe, make
from tests.films import indexed


def test_a_description_is_plain_json(tmp_path):
    said = describe(*indexed(make(tmp_path / "a.mp4", Recipe(tags={"title": "Attic"}))))
    assert json.loads(json.dumps(said)) == said
    assert said["container"] == "mov,mp4,m4a,3gp,3g2,mj2"
    video = said["video"]
    assert (video["codec"], video["width"], video["height"], video["frame_rate"]) == ("h264", 160, 96, "25/1")
    assert (video["frames"], video["keyframes"], video["max_gop"]) == (50, 5, 10)
    assert (video["open_gop"], video["vfr"], video["rotation"], video["start_s"]) == (False, False, 0, 0.0)
    assert [(sound["codec"], sound["language"]) for sound in said["audio"]] == [("aac", "eng")]
    assert said["metadata"]["title"] == "Attic"


def test_an_open_gop_is_named(tmp_path):
    recipe = Recipe(codec="libx265", options={"x265-params": "log-level=error:keyint=10:open-gop=1:bframes=3"})
    assert describe(*indexed(make(tmp_path / "a.mkv", recipe)))["video"]["open_gop"] is True


@pytest.mark.media
def test_real_films_are_described_as_in_their_catalog(media: Path):
    for entry in json.loads((media / "catalog.json").read_text())["files"]:
        said = describe(*indexed(media / entry["file"]))["video"]
        name, expected, gop = entry["file"], entry["video"], entry["gop"]
        assert said["frames"] == expected["decoded_frames_libavcodec62"], name
        # The catalog counts the keyframes that FFmpeg gives twice under an edit list of three entries.
        assert said["keyframes"] == (4 if name == "editlist_3.mp4" else gop["keyframes"]), name
        assert said["max_gop"] == gop["max_key_distance"], name
        assert said["open_gop"] == gop["open_gop"], name
        assert said["vfr"] == expected["vfr"], name
