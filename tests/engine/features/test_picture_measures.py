"""What is measured of pictures that follow each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.features.camera import CameraMotion, shot_motion
from engine.features.end_cards import end_cards
from engine.features.lettering import lettering_share
from engine.features.measures import PICTURE_ROWS
from engine.features.picture_measures import PictureMeter
from engine.model.time import Range
from tests.measured import ArrayPicture, measured_film, measured_pictures
from tests.shots import Shot

SIZE = {"width": 320, "height": 180}


def shot(seed=1, **look):
    return Shot(seed, 320, 180, **look)


def test_a_shift_of_the_picture_is_measured_as_a_share_of_its_long_side():
    # The world moves 12 of 480 pixels a frame, so the picture moves the other way by a fortieth.
    picture, _ = measured_film([{"shot": shot(speed=(12.0, 0.0)), "frames": 12}], **SIZE)
    assert np.median(picture.pan_x[1:]) == pytest.approx(-12 / 480, rel=0.1)
    assert abs(np.median(picture.pan_y[1:])) < 0.002
    assert picture.unexplained[1:].max() < 0.05


def test_a_growing_picture_zooms():
    picture, _ = measured_film([{"shot": shot(zoom=0.99), "frames": 20}], **SIZE)
    assert np.median(picture.zoom[1:]) == pytest.approx(0.01, rel=0.35)


def test_nothing_moves_in_a_still_picture_with_noise():
    picture, _ = measured_film([{"shot": shot(), "frames": 10}], noise=2.0, **SIZE)
    assert picture.motion.max() < 0.002
    assert picture.unexplained.max() < 0.02


@pytest.mark.parametrize(
    ("look", "camera"),
    [
        ({}, CameraMotion.STATIC),
        ({"walker": True}, CameraMotion.STATIC),
        ({"speed": (8.0, 0.0)}, CameraMotion.PAN),
        ({"speed": (0.0, -6.0)}, CameraMotion.PAN),
        ({"shake": 3.0}, CameraMotion.HANDHELD),
        ({"zoom": 0.992}, CameraMotion.ZOOM),
    ],
    ids=["still", "somebody walks", "pan", "tilt", "handheld", "zoom"],
)
def test_what_the_camera_does_is_told(look, camera):
    picture, _ = measured_film([{"shot": shot(4, **look), "frames": 24}], **SIZE)
    assert shot_motion(picture, Range(0, 24), 25.0).camera is camera


def test_what_moves_before_a_still_camera_is_activity():
    still, walked = (
        shot_motion(measured_film([{"shot": shot(4, walker=walker), "frames": 20}], **SIZE)[0], Range(0, 20), 25.0)
        for walker in (False, True)
    )
    assert walked.activity > 5 * still.activity


def test_frames_that_do_not_decode_repeat_the_one_before():
    frames = [shot(2).frame(t).astype(np.uint8) for t in (0, 0, 9)]
    pictures = [(number, ArrayPicture(frame[..., 0].copy())) for number, frame in zip((0, 1, 4), frames, strict=True)]
    rows = PictureMeter(25).measured(pictures, 6).rows
    assert rows.count == 6
    assert rows.change[[2, 3, 5]].tolist() == [0, 0, 0]
    assert rows.luma[2] == rows.luma[1]
    assert (rows.signature[5] == rows.signature[4]).all()
    assert PictureMeter(25).measured([], 6) is None


def test_every_row_has_a_value_for_every_frame():
    picture = measured_pictures([np.full((90, 160, 3), 128, np.uint8)] * 3)
    assert {getattr(picture, name).shape[0] for name in PICTURE_ROWS} == {3}


def card(text="SUBSCRIBE NOW", ground=30):
    frame = np.full((180, 320, 3), 128, np.uint8)
    frame[..., 0] = ground
    for line, y in ((text, 80), ("more films every week", 120)):
        face = np.zeros((180, 320), np.uint8)
        cv2.putText(face, line, (30, y), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 220, 2, cv2.LINE_AA)
        frame[..., 0] = np.maximum(frame[..., 0], face)
    return frame


def test_lettering_is_told_from_pictures():
    with_letters = lettering_share(np.ascontiguousarray(card()[..., 0]))
    assert with_letters > 0.02
    for seed in range(4):
        view = np.ascontiguousarray(shot(seed).frame(0)[..., 0].astype(np.uint8))
        assert lettering_share(view) < 0.2 * with_letters
    assert lettering_share(np.full((180, 320), 90, np.uint8)) == 0


def test_a_still_card_with_lettering_at_the_end_is_an_end_card():
    walk = shot(1, walker=True)
    scene = [walk.frame(t).astype(np.uint8) for t in range(100)]
    times = np.arange(201) / 25
    picture = measured_pictures([*scene, *([card()] * 100)])
    (found,) = end_cards(picture, times)
    assert abs(found.start - 100) <= 1
    assert found.stop == 200
    # The same in front of the film is a title, and a still picture without lettering no card.
    assert end_cards(measured_pictures([*([card()] * 100), *scene]), times) == ()
    still = [shot(2).frame(0).astype(np.uint8)] * 100
    assert end_cards(measured_pictures([*scene, *still]), times) == ()
