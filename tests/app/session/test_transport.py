"""The playhead: seeks, steps, plays and loops, and never stands outside the film."""

from __future__ import annotations

from fractions import Fraction

import pytest

from app.session.transport import Transport
from engine.model.edits import LiftRange, SetInOut
from engine.model.ids import new_id
from engine.model.time import Range


class Clock:
    """Time as the test sets it."""

    def __init__(self) -> None:
        self.played: Fraction | None = Fraction(0)

    def __call__(self) -> Fraction | None:
        return self.played


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport(stage, clock) -> Transport:
    made = Transport(stage.session.document)
    made.set_clock(clock)
    yield made
    made.pause()


def test_a_seek_outside_the_film_stands_on_its_end(transport):
    transport.seek(500)
    assert transport.frame == 49
    transport.seek(-3)
    assert transport.frame == 0


def test_it_steps_by_frames_and_by_seconds(transport):
    transport.step(3)
    transport.step_seconds(1)
    assert transport.frame == 28
    transport.step_seconds(-1)
    transport.step(-1)
    assert transport.frame == 2


def test_it_is_where_its_clock_says(transport, clock, qtbot):
    transport.seek(10)
    transport.play()
    clock.played = Fraction(2, 5)
    qtbot.waitUntil(lambda: transport.frame == 20)
    clock.played = Fraction(41, 100)
    qtbot.wait(50)
    assert transport.frame == 20


def test_at_the_end_it_pauses_on_the_last_frame_and_begins_anew(transport, clock, qtbot):
    transport.play()
    clock.played = Fraction(3)
    qtbot.waitUntil(lambda: not transport.is_playing)
    assert transport.frame == 49
    clock.played = Fraction(0)
    transport.play()
    assert transport.frame == 0


def test_backwards_it_ends_on_the_first_frame(transport, clock, qtbot):
    transport.seek(5)
    transport.play(Fraction(-1))
    clock.played = Fraction(-1)
    qtbot.waitUntil(lambda: not transport.is_playing)
    assert transport.frame == 0


def test_shuttling_doubles_up_to_eight_times_and_stops_before_it_turns(transport):
    speeds = []
    for _ in range(5):
        transport.shuttle(1)
        speeds.append(transport.speed)
    assert speeds == [1, 2, 4, 8, 8]
    transport.shuttle(-1)
    assert transport.speed == 0
    transport.shuttle(-1)
    assert transport.speed == -1


def test_a_loop_goes_round_between_in_and_out(stage, transport, clock, qtbot):
    stage.do(SetInOut(Range(10, 15)))
    transport.set_loops(True)
    transport.seek(40)
    transport.play()
    assert transport.frame == 10
    clock.played = Fraction(1, 5)
    with qtbot.waitSignal(transport.clock_restarted) as told:
        pass
    assert told.args == [10]


def test_without_a_clock_the_computers_own_goes_on(transport, clock, qtbot):
    clock.played = None
    transport.play(Fraction(2))
    qtbot.waitUntil(lambda: transport.frame >= 4)


def test_a_gap_takes_its_time_too(stage, transport, clock, qtbot):
    stage.do(LiftRange(Range(10, 20), new_id()))
    transport.seek(5)
    transport.play()
    clock.played = Fraction(2, 5)
    qtbot.waitUntil(lambda: transport.frame == 15)


def test_after_a_hitch_every_frame_shows_in_quick_succession(transport, clock, qtbot):
    shown = []
    transport.play()
    transport.frame_changed.connect(shown.append)
    clock.played = Fraction(8, 100)
    qtbot.waitUntil(lambda: transport.frame == 2)
    assert shown == [1, 2]


def test_what_would_come_more_than_a_tenth_of_a_second_late_is_left_out(transport, clock, qtbot):
    shown = []
    transport.play()
    transport.frame_changed.connect(shown.append)
    clock.played = Fraction(41, 100)
    qtbot.waitUntil(lambda: transport.frame == 10)
    assert shown == [7, 8, 9, 10]


def test_backwards_too_every_frame_shows_after_a_hitch(transport, clock, qtbot):
    transport.seek(20)
    shown = []
    transport.play(Fraction(-1))
    transport.frame_changed.connect(shown.append)
    clock.played = Fraction(-1, 20)
    qtbot.waitUntil(lambda: transport.frame == 18)
    assert shown == [19, 18]


def test_a_hitch_at_the_end_does_not_take_the_last_frames_away(transport, clock, qtbot):
    transport.seek(46)
    shown = []
    transport.play()
    transport.frame_changed.connect(shown.append)
    clock.played = Fraction(4, 25)
    qtbot.waitUntil(lambda: not transport.is_playing)
    assert shown == [47, 48, 49]


def test_a_frame_changes_when_it_is_due_not_at_the_next_look_at_a_clock(transport, clock, qtbot):
    late_s = []
    clock.played = None
    transport.play(Fraction(7, 10))
    transport.frame_changed.connect(lambda frame: late_s.append(float(transport._played_s()) / 0.7 - frame / 25 / 0.7))
    qtbot.waitUntil(lambda: transport.frame >= 10)
    assert sorted(late_s)[len(late_s) // 2] < 0.006


def test_a_frame_waits_for_its_picture_while_it_may_be_late(transport, clock, qtbot):
    ready, asked = {1}, []
    transport.set_pictures(lambda frame: asked.append(frame) or frame in ready)
    transport.play()
    clock.played = Fraction(9, 100)
    qtbot.waitUntil(lambda: asked.count(2) > 2)
    assert transport.frame == 1
    ready.add(2)
    qtbot.waitUntil(lambda: transport.frame == 2)


def test_no_picture_is_waited_for_longer_than_it_may_be_late(transport, clock, qtbot):
    transport.set_pictures(lambda frame: False)
    transport.play()
    clock.played = Fraction(21, 100)
    qtbot.waitUntil(lambda: transport.frame == 2)
    qtbot.wait(50)
    assert transport.frame == 2
    clock.played = Fraction(3, 10)
    qtbot.waitUntil(lambda: transport.frame == 5)


def test_fast_playing_waits_for_no_picture(transport, clock, qtbot):
    transport.set_pictures(lambda frame: False)
    transport.play(Fraction(2))
    clock.played = Fraction(4, 10)
    qtbot.waitUntil(lambda: transport.frame == 10)
