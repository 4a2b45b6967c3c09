"""Regions under the hand keep their shape where they should, and what is beside a point stays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF

from app.ui.viewer import shapes
from app.ui.viewer.brushing import brushed_mask, outlines_of
from app.ui.viewer.gestures import Stroke
from app.ui.viewer.view_map import ViewMap
from engine.errors import EditRefused
from engine.model.region import Box, Ellipse, Lasso, Polygon
from engine.patches.matte import region_matte
from tests.projects import regions

SMALL = st.floats(-0.1, 0.1)


@given(regions(), SMALL, SMALL)
def test_a_moved_region_is_the_same_elsewhere(region, dx, dy):
    try:
        there = shapes.moved(region, dx, dy)
    except EditRefused:
        assume(False)
    a, b = np.array(shapes.outline_points(region)), np.array(shapes.outline_points(there))
    np.testing.assert_allclose(b - a, np.broadcast_to((dx, dy), a.shape), atol=1e-9)


@given(regions(), st.sampled_from(shapes.CORNERS), SMALL, SMALL)
def test_the_side_opposite_the_dragged_handle_stays(region, corner, dx, dy):
    box = region.bounds
    x, y = shapes.corner_point(box, corner)
    try:
        there = shapes.resized(region, corner, x + dx, y + dy).bounds
    except EditRefused:
        assume(False)
    if corner.x == 1:
        assert there.x0 == pytest.approx(box.x0)
    if corner.x == -1:
        assert there.x1 == pytest.approx(box.x1)
    if corner.x == 0:
        assert (there.x0, there.x1) == pytest.approx((box.x0, box.x1))
    if corner.y == 0:
        assert (there.y0, there.y1) == pytest.approx((box.y0, box.y1))


def circle(count: int = 60) -> Lasso:
    turns = [2 * math.pi * k / count for k in range(count)]
    return Lasso(tuple((0.5 + 0.2 * math.cos(t), 0.5 + 0.2 * math.sin(t)) for t in turns))


def test_a_point_of_a_lasso_takes_its_neighbours_along_up_to_the_next_ones():
    lasso = circle()
    nodes = shapes.nodes(lasso)
    node = nodes[2]
    x, y = shapes.node_point(lasso, node)
    changed = shapes.with_node(lasso, node, x + 0.05, y)
    assert changed.points[node] == pytest.approx((x + 0.05, y))
    moved = [k for k in range(60) if changed.points[k] != pytest.approx(lasso.points[k], abs=1e-5)]
    assert set(moved) <= set(range(nodes[1] + 1, nodes[3]))
    assert len(moved) > 1


def test_a_point_of_a_polygon_moves_alone():
    polygon = Polygon(((0.1, 0.1), (0.5, 0.1), (0.3, 0.6)))
    assert shapes.with_node(polygon, 2, 0.4, 0.7).points == ((0.1, 0.1), (0.5, 0.1), (0.4, 0.7))


def test_a_trembling_hand_draws_a_smooth_line():
    rng = np.random.default_rng(2)
    turns = np.linspace(0, 2 * np.pi, 200)
    drawn = [
        (0.5 + 0.2 * np.cos(t) + rng.normal(0, 0.0004), 0.5 + 0.3 * np.sin(t) + rng.normal(0, 0.0004)) for t in turns
    ]
    lasso = shapes.smooth_lasso(drawn, 16 / 9)
    bounds = lasso.bounds
    assert (bounds.x0, bounds.x1, bounds.y0, bounds.y1) == pytest.approx((0.3, 0.7, 0.2, 0.8), abs=0.01)
    points = np.array(lasso.points)
    steps = np.diff(np.vstack([points, points[:1]]), axis=0)
    angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    assert np.abs(np.diff(angles)).max() < 0.6


@given(regions())
def test_the_outlines_of_a_matte_are_those_of_its_region(region):
    width, height = 320, 200
    alpha = region_matte(region, width, height, 0).full()
    assume((alpha >= 0.5).sum() > 200)
    outlines = outlines_of(alpha)
    again = np.zeros_like(alpha)
    for outline in outlines:
        again = np.maximum(again, region_matte(Polygon(outline), width, height, 0).full())
    differs = ((alpha >= 0.5) != (again >= 0.5)).sum()
    assert differs <= 0.1 * (alpha >= 0.5).sum() + 120


def test_brushing_beyond_a_box_widens_it_and_erasing_narrows_it():
    box = Box(0.25, 0.25, 0.5, 0.5)
    wider = brushed_mask(box, None, Stroke(False, 0.05, [(0.5, 0.4), (0.7, 0.4)]), 320, 200)
    assert wider.region.x1 == pytest.approx(0.7 + 0.05 * 200 / 320, abs=0.01)
    again = brushed_mask(wider.region, wider.mask, Stroke(True, 0.06, [(0.53, 0.4), (0.8, 0.4)]), 320, 200)
    # The eraser's end is round: a corner of the stroke stays beside it.
    assert again.region.x1 == pytest.approx(0.51, abs=0.015)
    with pytest.raises(EditRefused):
        brushed_mask(box, None, Stroke(True, 1.0, [(0.4, 0.4)]), 320, 200)


@given(st.floats(0.05, 8), st.floats(10, 790), st.floats(10, 590), st.sampled_from([1.0, 1.25, 1.5, 2.0]))
def test_zooming_keeps_what_is_under_the_pointer(zoom, x, y, ratio):
    view = ViewMap(1920, 1080, QRectF(0, 0, 800, 600), ratio)
    point = QPointF(x, y)
    before, after = view.to_canvas(point), view.zoomed(zoom, point).to_canvas(point)
    size = 1920 * zoom / ratio
    assert after == pytest.approx(before, abs=2 / max(size, 1) + 0.003)


@given(st.sampled_from([1.0, 1.25, 1.5, 2.0]), st.integers(200, 1400), st.integers(150, 900))
def test_the_picture_lies_on_whole_device_pixels(ratio, width, height):
    view = ViewMap(1280, 720, QRectF(0, 0, width, height), ratio)
    picture = view.picture
    for value in (picture.left(), picture.top(), picture.width(), picture.height()):
        assert value * ratio == pytest.approx(round(value * ratio), abs=1e-6)


def test_an_ellipse_contains_its_middle_and_not_its_corner():
    ellipse = Ellipse(0.2, 0.2, 0.6, 0.6)
    assert shapes.contains(ellipse, 0.4, 0.4)
    assert not shapes.contains(ellipse, 0.21, 0.21)
