"""Bars and lines drawn in one stroke look as each of them drawn alone."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from app.ui.timeline.strokes import bars, lines

FILL, LINE = QColor(30, 60, 90), QColor(200, 210, 220, 120)
EXPOSED = QRect(10, 0, 170, 40)


def drawn(ratio: float, draw) -> np.ndarray:
    image = QImage(round(200 * ratio), round(40 * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(0, 0, 0))
    painter = QPainter(image)
    painter.setClipRect(EXPOSED)
    draw(painter)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_bars_are_as_rectangles_are(ratio, qapp):
    lefts, rights = np.array([-7.3, 20.4, 41.25, 100.1]), np.array([15.4, 41.25, 60.1, 300.0])

    def alone(painter: QPainter) -> None:
        for left, right in zip(lefts, rights, strict=True):
            painter.fillRect(QRectF(left, 5, right - left, 20), FILL)

    together = drawn(ratio, lambda painter: bars(painter, (lefts, rights), (5.0, 20.0), (FILL, FILL, 2.0), EXPOSED))
    assert (together == drawn(ratio, alone)).all()


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_lines_are_as_rectangles_of_a_point_are_and_the_last_kind_is_on_top(ratio, qapp):
    seams, edges = [12.0, 50.3, 90.0, 400.0], [50.3, 11.0]

    def alone(painter: QPainter) -> None:
        for left in seams[:1] + seams[2:]:
            painter.fillRect(QRectF(left, 5, 1, 20), LINE)
        for left in edges:
            painter.fillRect(QRectF(left, 5, 1, 20), FILL)

    together = drawn(ratio, lambda painter: lines(painter, (5.0, 20.0), ((seams, LINE), (edges, FILL)), EXPOSED))
    assert abs(together - drawn(ratio, alone)).max() <= 1


def test_nothing_is_drawn_outside_what_is_exposed(qapp):
    far = np.array([500.0]), np.array([600.0])
    assert not drawn(1.0, lambda painter: bars(painter, far, (5.0, 20.0), (FILL, FILL, 2.0), EXPOSED)).any()
    assert not drawn(1.0, lambda painter: lines(painter, (5.0, 20.0), (([], LINE),), EXPOSED)).any()
