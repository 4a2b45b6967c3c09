"""The memory of pictures is used again, but never while anybody has it."""

from __future__ import annotations

import gc

import numpy as np
from PySide6.QtGui import QImage

from app.session.picture_memory import PictureMemory


def test_a_picture_that_is_gone_gives_its_memory_to_the_next_of_its_size():
    memory = PictureMemory()
    first = memory.new(20, 30)
    assert first.shape == (20, 30, 4)
    first[...] = 7
    at = first.ctypes.data
    del first
    other = memory.new(10, 30)
    again = memory.new(20, 30)
    assert other.ctypes.data != at
    assert again.ctypes.data == at
    again[...] = 1


def test_memory_that_a_view_or_an_image_still_shows_is_not_given_away():
    memory = PictureMemory()
    picture = memory.new(20, 30)
    picture[...] = 50
    row = picture[3, 2:5]
    image = QImage(picture.data, 30, 20, 120, QImage.Format.Format_RGB32)
    del picture
    gc.collect()
    for _ in range(10):
        memory.new(20, 30)[...] = 200
    assert (row == 50).all()
    assert image.pixelColor(5, 5).red() == 50
    del row
    for _ in range(10):
        memory.new(20, 30)[...] = 200
    assert image.pixelColor(5, 5).red() == 50


def test_of_what_is_not_used_little_is_kept():
    memory = PictureMemory()
    pictures = [memory.new(8, 8) for _ in range(50)]
    pictures.clear()
    assert 0 < len(memory._spare) <= 4
    memory.clear()
    assert not memory._spare
    assert np.array_equal(memory.new(8, 8), np.zeros((8, 8, 4), np.uint8))
