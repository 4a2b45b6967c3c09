"""Edits of real films that once went wrong; the whole set is `python -m tests.corpus`."""

from __future__ import annotations

import json

import av
import pytest

from app.main import main

CASES = {
    "the first shown frames behind an edit that hides pictures": ("iphone_hevc_hlg_trimmed_editlist.mp4", 0, 5),
    "the middle of an open GOP with RASL pictures": ("iphone14pro_hevc_hlg_dovi_rot90.mov", 17, 19),
    "the last frames, among which one is never shown": ("editlist_1_ends_on_b.mp4", 42, 47),
}


@pytest.mark.media
@pytest.mark.parametrize("case", CASES)
def test_a_real_film_is_exported_differentially(case, media, tmp_path, monkeypatch, capsys):
    name, start, stop = CASES[case]
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    project, out = tmp_path / "p.dcut", tmp_path / f"out{(media / name).suffix}"
    assert main(["new", str(project), str(media / name)]) == 0
    box = ["--roi", "0.3,0.3,0.6,0.6", "--tool", "blur"]
    assert main(["patch", str(project), "--frames", f"{start}:{stop}", *box]) == 0
    capsys.readouterr()
    assert main(["export", str(project), "-o", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verified"]
    assert report["mode"] == "differential"
    with av.open(str(media / name)) as before, av.open(str(out)) as after:
        times = [[frame.pts for frame in film.decode(video=0)] for film in (before, after)]
    assert times[0] == times[1]
