"""OpenCV's own threads while ours are many."""

from __future__ import annotations

import cv2
import pytest

from engine.media.picture_threads import opencv_in_the_calling_thread


@pytest.fixture(autouse=True)
def three_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


def test_the_former_number_comes_back_when_the_last_one_ends():
    one, other = opencv_in_the_calling_thread(), opencv_in_the_calling_thread()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    other.__exit__(None, None, None)
    assert cv2.getNumThreads() == 3


def test_it_comes_back_after_an_error_too():
    with pytest.raises(ValueError, match="anything"), opencv_in_the_calling_thread():
        raise ValueError("anything")
    assert cv2.getNumThreads() == 3
