"""How finely a source was coded is read from its own pictures, as FFmpeg tells of every block."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.sidedata.encparams import VideoEncParams

from engine.media.quality import source_quality
from engine.media.unit_bytes import read_units
from tests.corpus.small_clips import Recipe, facts, make

FINE = {"x264-params": "keyint=10:min-keyint=10:aq-mode=1:crf=12"}
COARSE = {"x264-params": "keyint=10:min-keyint=10:aq-mode=1:crf=34"}


def mean_of_the_blocks(path, frames: int) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"export_side_data": "venc_params"}
        stream.thread_type = "NONE"
        means = []
        for frame in container.decode(stream):
            told = frame.side_data.get("VIDEO_ENC_PARAMS")
            assert isinstance(told, VideoEncParams)
            blocks = [told.block_params(n).delta_qp for n in range(told.nb_blocks)]
            means.append(told.qp + np.mean(blocks))
            if len(means) == frames:
                break
    return float(np.mean(means))


@pytest.mark.parametrize("recipe", [Recipe(options=FINE), Recipe(options=COARSE)], ids=["fine", "coarse"])
def test_the_mean_of_all_blocks_of_the_first_frames(tmp_path, recipe):
    path = make(tmp_path / "film.mp4", recipe)
    info, index = facts(path)
    found = source_quality(info.video, read_units(path, info, index, 0, 14)).quantiser
    assert found == pytest.approx(mean_of_the_blocks(path, 14), abs=1e-6)
