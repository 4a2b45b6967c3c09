"""Small pictures: keyframes first, kept in the cache, forgotten when they scrolled away."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from app.session.thumbnails import HEIGHT, Thumbnails, image_of
from app.workflows.caches import project_cache


@pytest.fixture
def source(stage) -> str:
    return stage.project.sources[0].id


def test_the_keyframes_come_first_and_stand_for_their_frames_until_these_come(stage, qtbot, source):
    thumbnails = stage.session.thumbnails
    keyframe = thumbnails._keyframe(source, 9)
    assert thumbnails.picture(source, 9) is None
    thumbnails.want("test", [(source, 9)])
    qtbot.waitUntil(lambda: thumbnails.picture(source, 9) is not None, timeout=10_000)
    assert (source, keyframe) in thumbnails._pictures
    qtbot.waitUntil(lambda: (source, 9) in thumbnails._pictures, timeout=10_000)
    picture = thumbnails.picture(source, 9)
    assert picture.height() == HEIGHT
    assert picture.width() == pytest.approx(HEIGHT * 320 / 192, abs=1)


def test_a_frame_just_behind_a_keyframe_is_not_decoded_by_itself(stage, source):
    assert stage.session.thumbnails.nearest(source, 2) == 0
    assert stage.session.thumbnails.nearest(source, 9) == 9


def test_a_screen_with_more_pixels_has_them_made_finer_and_shows_the_coarse_ones_until_then(stage, qtbot, source):
    thumbnails = stage.session.thumbnails
    thumbnails.want("test", [(source, 0)])
    qtbot.waitUntil(lambda: thumbnails.picture(source, 0) is not None)
    thumbnails.show_lines(2 * 63)
    thumbnails.want("test", [(source, 0)])
    assert thumbnails.picture(source, 0).height() == HEIGHT
    qtbot.waitUntil(lambda: thumbnails.picture(source, 0).height() == 126)
    assert thumbnails._bytes == thumbnails.picture(source, 0).sizeInBytes()
    thumbnails.show_lines(63)
    thumbnails.want("test", [(source, 0)])
    assert thumbnails._asked == []


def test_pictures_are_kept_up_to_a_number_of_bytes(stage, qtbot, source, monkeypatch):
    thumbnails = stage.session.thumbnails
    monkeypatch.setattr("app.session.thumbnails._KEPT_BYTES", 100_000)
    thumbnails.want("test", [(source, frame) for frame in (0, 5, 8, 15, 18)])
    qtbot.waitUntil(lambda: thumbnails.picture(source, 18) is not None, timeout=10_000)
    qtbot.waitUntil(lambda: len(thumbnails._pictures) < 3)
    assert thumbnails._bytes <= 100_000
    assert thumbnails._bytes == sum(image.sizeInBytes() for image in thumbnails._pictures.values())


def test_a_new_wish_replaces_the_one_before(stage, qtbot, source):
    thumbnails = stage.session.thumbnails
    thumbnails.want("test", [(source, frame) for frame in range(5, 50)])
    thumbnails.want("test", [(source, 20)])
    qtbot.waitUntil(lambda: (source, 20) in thumbnails._pictures, timeout=10_000)
    # One of the first wish may have been in the making; none of the others was made.
    assert len(thumbnails._pictures) <= 4


def test_what_was_made_once_is_taken_from_the_cache(stage, qtbot, source):
    thumbnails = stage.session.thumbnails
    thumbnails.want("test", [(source, 0)])
    qtbot.waitUntil(lambda: thumbnails.picture(source, 0) is not None, timeout=10_000)
    film = stage.session.document.films[source]
    with project_cache(stage.project.id) as cache:
        assert cache.get("thumbnail", f"{film.identity}:0:{HEIGHT}")
    again = Thumbnails(stage.session.document)
    again._films_changed()
    film.path.rename(film.path.with_suffix(".gone"))
    try:
        again.want("test", [(source, 0)])
        qtbot.waitUntil(lambda: again.picture(source, 0) is not None, timeout=10_000)
    finally:
        film.path.with_suffix(".gone").rename(film.path)
        again.shut_down()


def test_closing_the_project_forgets_the_pictures(stage, qtbot, source):
    thumbnails = stage.session.thumbnails
    thumbnails.want("test", [(source, 0)])
    qtbot.waitUntil(lambda: thumbnails.picture(source, 0) is not None, timeout=10_000)
    stage.session.document.close()
    assert thumbnails.picture(source, 0) is None


def test_qt_pictures_are_made_in_the_main_thread_only(stage, qtbot, source, monkeypatch):
    makers = set()

    def watched(pixels):
        makers.add(threading.get_ident())
        return image_of(pixels)

    monkeypatch.setattr("app.session.thumbnails.image_of", watched)
    stage.session.thumbnails.want("test", [(source, 0)])
    qtbot.waitUntil(lambda: stage.session.thumbnails.picture(source, 0) is not None, timeout=10_000)
    assert makers == {threading.get_ident()}


def test_a_picture_has_memory_of_its_own(qapp):
    pixels = np.full((4, 6, 4), 200, np.uint8)
    image = image_of(pixels)
    pixels[:] = 0
    del pixels
    assert image.pixelColor(5, 3).getRgb() == (200, 200, 200, 255)
