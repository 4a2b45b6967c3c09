"""What the region's picture is cut out by goes back in by the renderer, pixel on pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.workflows.edit_steps import picture_of_region, png_of
from engine.control import CancelToken, Progress
from engine.index.frame_index import build_index
from engine.media.decode import FrameReader
from engine.media.picture import decode_picture
from engine.media.probe import probe
from engine.model.region import Box, Lasso
from engine.patches.matte import region_matte
from engine.patches.pictures import Fit, place
from engine.render.base import Still, still_of
from tests.corpus.small_clips import Recipe, make

REGIONS = (
    Box(0.2, 0.3, 0.6, 0.8),
    Box(-0.2, 0.5, 0.3, 1.3),
    Lasso(((0.5, 0.1), (0.9, 0.45), (0.55, 0.9), (0.3, 0.4))),
)


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> Still:
    path = make(tmp_path_factory.mktemp("clip") / "film.mp4", Recipe(frames=3, options={"crf": "12"}))
    info = probe(path)
    index = build_index(path, info, Progress(), CancelToken())
    with FrameReader(path, info, index) as reader:
        return still_of(reader.frame(1), info.video)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("region", REGIONS)
def test_a_region_that_is_cut_out_and_put_back_changes_nothing_to_see(rotation, region, still):
    turned = replace(still, video=replace(still.video, rotation=rotation))
    matte = region_matte(region, still.video.width, still.video.height, rotation)
    picture = decode_picture(png_of(picture_of_region(turned, matte)), "cut out")
    after = place(still.planes, still.pixel_format, matte, picture, rotation=rotation, fit=Fit.STRETCH)
    for before, new in zip(still.planes, after, strict=True):
        difference = np.abs(before.astype(int) - new)
        assert difference.mean() < 1.5
    assert np.percentile(np.abs(still.planes[0].astype(int) - after[0]), 99) <= 3
