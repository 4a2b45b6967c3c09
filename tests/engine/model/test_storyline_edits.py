"""Each edit of the storyline, drawn: a letter per frame of a clip, a dot per frame of a gap; and what follows along."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EditRefused
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.checks import check
from engine.model.geometry import Geometry
from engine.model.keyframes import Curve, Keyframe, value_at
from engine.model.layers import LayerSettings
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Overlay, Still
from engine.model.place import AtSource, AtTimeline, OnSource, OnTimeline, Ripple
from engine.model.placement import caption_times, timeline_ranges
from engine.model.sound import AtTime, AudioItem, ClipSound, TrackSettings, WithClip
from engine.model.sound_runs import sound_is_original, start_of, storyline_sound
from engine.model.storyline import Clip, Conformed, Gap, Native, source_time
from engine.model.time import Range
from engine.model.timeline import ShownFrame, TimelineMap
from tests.projects import edited_projects, one_source_project, patch, source, storyline_edits

START = "abcdefghij"
"""A storyline of one clip per drawing; frame n of the source is the n-th letter."""


def film(drawing):
    """Return a project for a drawing: runs of following letters are clips of source "s", dots are gaps, "|" cuts."""
    project = one_source_project(26)
    storyline = []
    for number, piece in enumerate(_pieces(drawing), 1):
        if piece[0] == ".":
            storyline.append(Gap(f"{number}", len(piece)))
        else:
            start = ord(piece[0]) - ord("a")
            storyline.append(Clip(f"{number}", "s", Native(Range(start, start + len(piece)))))
    project = replace(project, storyline=tuple(storyline))
    check(project)
    return project


def _pieces(drawing):
    pieces = []
    for part in drawing.split("|"):
        for at, letter in enumerate(part):
            goes_on = at and (letter == part[at - 1] == "." or ord(letter) == ord(part[at - 1]) + 1)
            if goes_on:
                pieces[-1] += letter
            else:
                pieces.append(letter)
    return pieces


def drawn(project):
    """Return the drawing of a project, with its cuts."""
    parts = []
    for item in project.storyline:
        if isinstance(item, Gap):
            parts.append("." * len(item))
        else:
            parts.append("".join(chr(ord("a") + frame) for frame in item.timing.source_range))
    return "|".join(parts)


def clip(letters, id="new"):
    start = ord(letters[0]) - ord("a")
    return Clip(id, "s", Native(Range(start, start + len(letters))))


DRAWINGS = {
    "insert between clips": ("abc|def", e.InsertClip(clip("xyz"), 3), "abc|xyz|def"),
    "insert inside a clip divides it": ("abcdef", e.InsertClip(clip("xy"), 2), "ab|xy|cdef"),
    "insert a gap": ("abcdef", e.InsertClip(Gap("new", 2), 2), "ab|..|cdef"),
    "insert at the end": ("abc", e.InsertClip(clip("xy"), 3), "abc|xy"),
    "append": ("abc", e.AppendClip(clip("xy")), "abc|xy"),
    "overwrite the middle": ("abcdef", e.OverwriteClip(clip("xy"), 2), "ab|xy|ef"),
    "overwrite over several clips": ("abc|def|ghi", e.OverwriteClip(clip("vwxyz"), 2), "ab|vwxyz|hi"),
    "overwrite over the end": ("abc", e.OverwriteClip(clip("xy"), 2), "ab|xy"),
    "overwrite beyond the end": ("abc", e.OverwriteClip(clip("xy"), 5), "abc|..|xy"),
    "split": ("abcdef", e.SplitClip(2, "new"), "ab|cdef"),
    "trim the start later": ("abc|defg|hi", e.TrimClip("2", e.Edge.START, 2), "abc|fg|hi"),
    "trim the start earlier": ("abc|efg|hi", e.TrimClip("2", e.Edge.START, -1), "abc|defg|hi"),
    "trim the end earlier": ("abc|defg|hi", e.TrimClip("2", e.Edge.END, -2), "abc|de|hi"),
    "trim the end later": ("abc|defg|xy", e.TrimClip("2", e.Edge.END, 2), "abc|defghi|xy"),
    "trim a gap": ("abc|...|hi", e.TrimClip("2", e.Edge.END, -2), "abc|.|hi"),
    "roll later": ("abc|fgh", e.RollCut("1", 2), "abcde|h"),
    "roll earlier": ("abc|fgh", e.RollCut("1", -2), "a|defgh"),
    "slip": ("abc|fgh|xy", e.SlipClip("2", 2), "abc|hij|xy"),
    "slide later": ("abc|xyz|klm", e.SlideClip("2", 2), "abcde|xyz|m"),
    "slide earlier": ("abc|xyz|klm", e.SlideClip("2", -2), "a|xyz|ijklm"),
    "lift": ("abcdef", e.LiftRange(Range(2, 4), "gap"), "ab|..|ef"),
    "lift beside a gap joins gaps": ("ab|..|cdef", e.LiftRange(Range(4, 6), "gap"), "ab|....|ef"),
    "lift the end leaves no gap there": ("abcdef", e.LiftRange(Range(4, 6), "gap"), "abcd"),
    "extract": ("abcdef", e.ExtractRange(Range(2, 4)), "ab|ef"),
    "extract across clips": ("abc|def|ghi", e.ExtractRange(Range(2, 7)), "ab|hi"),
    "delete a clip": ("abc|de|fgh", e.LiftClips(("2",)), "abc|..|fgh"),
    "ripple delete clips": ("abc|de|fgh", e.ExtractClips(("1", "3")), "de"),
    "close a gap": ("abc|..|fgh", e.ExtractClips(("2",)), "abc|fgh"),
    "move a clip to the front": ("abc|de|fgh", e.MoveClip("3", 0), "fgh|abc|de"),
    "move a clip into another": ("abc|de|fgh", e.MoveClip("3", 1), "a|fgh|bc|de"),
    "move a clip to the end": ("abc|de|fgh", e.MoveClip("1", 8), "de|fgh|abc"),
    "move over others": ("abc|de|fghi", e.MoveClip("2", 6, e.MoveMode.OVERWRITE), "abc|..|f|de|i"),
    "move over the end": ("abc|de", e.MoveClip("1", 5, e.MoveMode.OVERWRITE), "...|de|abc"),
    "move a little over itself": ("abc|defg", e.MoveClip("1", 1, e.MoveMode.OVERWRITE), ".|abc|efg"),
    "reorder": ("abc|de|fgh", e.ReorderClip("1", 2), "de|fgh|abc"),
    "reorder to the same place": ("abc|de|fgh", e.ReorderClip("2", 1), "abc|de|fgh"),
    "retime to another part": ("abc|de", e.RetimeClip("1", Native(Range(20, 25))), "uvwxy|de"),
}


@pytest.mark.parametrize(("before", "edit", "after"), DRAWINGS.values(), ids=DRAWINGS.keys())
def test_drawing(before, edit, after):
    project = film(before)
    result = edit.apply(project)
    check(result)
    assert drawn(result) == after
    assert drawn(project) == before


REFUSED = {
    "insert beyond the end": ("abc", e.InsertClip(clip("xy"), 4), "outside the timeline"),
    "insert a taken id": ("abc", e.InsertClip(clip("xy", "1"), 0), "taken"),
    "insert what the source lacks": ("abc", e.InsertClip(Clip("n", "s", Native(Range(20, 30))), 0), "reach beyond"),
    "insert of an unknown source": ("abc", e.InsertClip(Clip("n", "t", Native(Range(0, 1))), 0), "no source t"),
    "conformed beyond the source": ("abc", e.AppendClip(Clip("n", "s", Conformed(Fraction(0), 28))), "its source has"),
    "split at a cut": ("abc|def", e.SplitClip(3, "n"), "a cut at frame 3 already"),
    "split outside": ("abc", e.SplitClip(9, "n"), "film ends before frame 9"),
    "trim everything away": ("abc|def", e.TrimClip("1", e.Edge.END, -3), "nothing would be left"),
    "trim beyond the source's start": ("abc", e.TrimClip("1", e.Edge.START, -1), "cannot show"),
    "trim beyond the source's end": ("xyz", e.TrimClip("1", e.Edge.END, 1), "reach beyond"),
    "roll the last": ("abc", e.RollCut("1", 1), "no cut"),
    "roll a clip away": ("abc|fg", e.RollCut("1", 2), "nothing would be left"),
    "slip beyond the source": ("abc", e.SlipClip("1", -1), "cannot show"),
    "slip a gap": ("a|..|b", e.SlipClip("2", 1), "nothing to slip"),
    "slide the first": ("abc|de", e.SlideClip("1", 1), "between two neighbours"),
    "lift nothing": ("abc", e.LiftRange(Range(1, 1), "n"), "no part"),
    "extract beyond the end": ("abc", e.ExtractRange(Range(2, 9)), "no part"),
    "move into itself": ("abc|de", e.MoveClip("1", 2), "already"),
    "move what is not there": ("abc", e.MoveClip("9", 0), "no clip 9"),
    "reorder out of the storyline": ("abc|de", e.ReorderClip("1", 2), "no place 2"),
    "change what is shown": ("abc", e.ChangeClip(clip("bcd", "1")), "trim, slip or retime"),
    "a compound with one bad part": (
        "abc",
        e.Compound("x", (e.SplitClip(1, "n"), e.SplitClip(1, "m"))),
        "a cut at frame 1 already",
    ),
}


@pytest.mark.parametrize(("before", "edit", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusal(before, edit, message):
    project = film(before)
    with pytest.raises(EditRefused, match=message):
        edit.apply(project)


@given(edited_projects(), st.data())
@settings(max_examples=150, deadline=None)
def test_every_edit_keeps_the_project_sound_or_is_refused(project, data):
    from tests.projects import any_edits

    for _ in range(5):
        edit = data.draw(any_edits(project))
        try:
            after = edit.apply(project)
        except EditRefused:
            continue
        check(after)
        assert edit.apply(project) == after
        project = after


# --- what follows along ----------------------------------------------------------------------------------------------


@given(edited_projects(kinds=storyline_edits, most=3), st.data())
@settings(max_examples=200, deadline=None)
def test_patches_and_captions_stay_on_their_content_through_every_edit(project, data):
    frames = data.draw(st.integers(0, project.source("s").frame_count - 1))
    span = Range(frames, project.source("s").frame_count)
    times = project.picture("s").times
    project = e.AddPatch(patch("p", (span.start, span.stop))).apply(project)
    said = Caption("c", AtSource("s", times.time_of(span.start), times.time_of(span.stop)), "said")
    project = e.AddItems("captions", (said,)).apply(project)
    project = e.AddMarkers((Marker("m", OnSource("s", span), MarkerKind.CHAPTER),)).apply(project)
    for _ in range(6):
        try:
            project = data.draw(storyline_edits(project)).apply(project)
        except EditRefused:
            continue
        timeline = TimelineMap(project)
        expected = {
            frame
            for frame in range(project.frame_count)
            if (shown := timeline.source_at(frame)) is not None and shown.source_id == "s" and shown.frame in span
        }
        for item in (next(project.patches), project.layer("captions").items[0], project.marker("m")):
            assert {frame for r in timeline_ranges(item, timeline) for frame in r} == expected


RIPPLING = st.sampled_from(["insert", "extract", "reorder", "move", "trim", "delete"])


@given(st.lists(st.tuples(RIPPLING, st.integers(0, 40), st.integers(1, 9)), max_size=6), st.integers(0, 49))
@settings(max_examples=200, deadline=None)
def test_a_marker_on_the_timeline_keeps_to_what_stood_under_it(steps, at):
    project = one_source_project(50)
    for number, cut in enumerate((10, 20, 35)):
        project = e.SplitClip(cut, f"c{number}").apply(project)
    project = e.AddMarkers((Marker("m", OnTimeline(Range(at, at + 1))),)).apply(project)
    project = e.AddMarkers((Marker("fixed", OnTimeline(Range(at, at + 1), Ripple.FIXED)),)).apply(project)
    for number, (kind, where, many) in enumerate(steps):
        ids = [item.id for item in project.storyline]
        chosen = ids[where % len(ids)]
        edit = {
            "insert": e.InsertClip(Gap(f"g{number}", many), where),
            "extract": e.ExtractRange(Range(where, where + many)),
            "reorder": e.ReorderClip(chosen, many % len(ids)),
            "move": e.MoveClip(chosen, where),
            "trim": e.TrimClip(chosen, e.Edge.START, many),
            "delete": e.ExtractClips((chosen,)),
        }[kind]
        try:
            project = edit.apply(project)
        except EditRefused:
            continue
        timeline = TimelineMap(project)
        content = [timeline.source_at(frame) for frame in range(project.frame_count)]
        assert project.marker("fixed").place.frames == Range(at, at + 1)
        found = [marker for marker in project.markers if marker.id == "m"]
        if found:
            assert timeline.source_at(found[0].place.frames.start) == ShownFrame("s", at)
        else:
            assert ShownFrame("s", at) not in content
            break


def test_a_title_keeps_its_length_when_frames_are_put_into_it_and_loses_those_taken_out():
    rise = Curve((Keyframe(0, 0.0), Keyframe(10, 1.0)))
    title = Overlay("t", OnTimeline(Range(10, 20)), Still("x"), opacity=rise)
    project = e.AddItems("overlays", (title,)).apply(one_source_project(60))
    put_in = e.InsertClip(Gap("g", 5), 15).apply(project)
    assert put_in.layer("overlays").items[0].place.frames == Range(10, 20)
    taken = e.ExtractRange(Range(5, 13)).apply(project)
    item = taken.layer("overlays").items[0]
    assert item.place.frames == Range(5, 12)
    # What was its fourth frame is its first now, and looks as it did.
    assert value_at(item.opacity, 0) == value_at(rise, 3)
    assert e.ExtractRange(Range(5, 25)).apply(project).layer("overlays").items == ()


def test_a_locked_layer_does_not_ripple_and_refuses_edits():
    title = Overlay("t", OnTimeline(Range(10, 20)), Still("x"))
    project = e.AddItems("overlays", (title,)).apply(one_source_project(60))
    project = e.ChangeLayer("overlays", LayerSettings("Overlays", locked=True)).apply(project)
    assert e.InsertClip(Gap("g", 5), 0).apply(project).layer("overlays").items == (title,)
    for edit in (
        e.RemoveItems(("t",)),
        e.ReplaceItem(title),
        e.AddItems("overlays", (replace(title, id="u"),)),
        e.RemoveLayer("overlays"),
        e.MoveLayer("overlays", 0),
        e.ChangeLayer("overlays", LayerSettings("Overlays", locked=True, opacity=0.5)),
    ):
        with pytest.raises(EditRefused, match="'Overlays' is locked"):
            edit.apply(project)
    unlocked = e.ChangeLayer("overlays", LayerSettings("Overlays")).apply(project)
    assert e.RemoveItems(("t",)).apply(unlocked).layer("overlays").items == ()


def test_a_caption_on_the_timeline_ripples_by_exact_time():
    ripple = AtTimeline(Fraction(1), Fraction(3, 2))
    fixed = AtTimeline(Fraction(1), Fraction(3, 2), Ripple.FIXED)
    project = e.AddItems("captions", (Caption("a", ripple, "a"), Caption("b", fixed, "b"))).apply(
        one_source_project(60)
    )
    project = e.InsertClip(Gap("g", 15), 5).apply(project)
    a, b = project.layer("captions").items
    assert (a.place.start_s, a.place.stop_s) == (Fraction(3, 2), Fraction(2))
    assert b.place == fixed
    project = e.ExtractRange(Range(50, 65)).apply(project)
    assert caption_times(project.layer("captions").items[0].place, TimelineMap(project)) == (
        (Fraction(3, 2), Fraction(5, 3)),
    )


def test_the_geometry_of_a_clip_keeps_to_its_content_when_it_is_cut():
    zoom = Geometry(scale=Curve((Keyframe(0, 1.0), Keyframe(50, 2.0))))
    project = one_source_project(60)
    project = e.ChangeClip(replace(project.storyline[0], geometry=zoom)).apply(project)
    right = e.SplitClip(20, "r").apply(project).clip("r")
    assert value_at(right.geometry.scale, 5) == value_at(zoom.scale, 25)
    trimmed = e.TrimClip("r", e.Edge.START, 4).apply(e.SplitClip(20, "r").apply(project)).clip("r")
    assert value_at(trimmed.geometry.scale, 1) == value_at(zoom.scale, 25)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (0, "the film begins here"),
        (20, "there is a cut at frame 20 already"),
        (60, "the film ends before frame 60"),
        (90, "the film ends before frame 90"),
    ],
)
def test_a_split_where_nothing_can_be_divided_says_why_and_what_to_do(at, why):
    cut = e.SplitClip(20, "r").apply(one_source_project(60))
    with pytest.raises(EditRefused, match=f"^{why}; put the playhead inside a clip"):
        e.SplitClip(at, "again").apply(cut)


# --- sound -----------------------------------------------------------------------------------------------------------


def with_detached_sound():
    project = e.AddTrack("t", TrackSettings("Voice")).apply(one_source_project(60))
    return e.DetachSound("s-clip", "t", "voice").apply(project)


def in_sync(project):
    """Tell whether every linked sound stands where its clip's picture does."""
    timeline = TimelineMap(project)
    for track in project.tracks:
        for item in track.items:
            span = next(s for s in timeline.spans if s.item.id == item.position.clip_id)
            shown = source_time(span.item.timing, 0, project.picture("s").times, project.canvas.rate)
            offset = item.source_start_s - shown
            assert start_of(project, item, timeline) == timeline.time_of(span.timeline_range.start) + offset
    return True


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_detached_sound_stays_in_step_and_never_loses_or_doubles_a_sample_by_cutting(data):
    project = with_detached_sound()
    for number in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(1, 59))
        try:
            project = e.SplitClip(at, f"c{number}").apply(project)
        except EditRefused:
            continue
    pieces = sorted((i.source_start_s, i.source_start_s + i.duration_s) for i in project.tracks[0].items)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == 2
    assert all(a[1] == b[0] for a, b in itertools.pairwise(pieces))
    for _ in range(4):
        try:
            project = data.draw(storyline_edits(project)).apply(project)
        except EditRefused:
            continue
        check(project)
        assert in_sync(project)


def test_a_sound_cut_of_its_own_survives_a_trim_of_the_picture():
    project = with_detached_sound()
    voice = project.tracks[0].items[0]
    project = e.ReplaceSound(replace(voice, duration_s=Fraction(1))).apply(project)
    project = e.TrimClip("s-clip", e.Edge.START, 10).apply(project)
    (voice,) = project.tracks[0].items
    assert voice.source_start_s == 0
    assert start_of(project, voice, TimelineMap(project)) == Fraction(-1, 3)


def test_a_clip_on_the_move_keeps_its_id_to_itself():
    project = with_detached_sound()
    for clip_id, to in (("s-clip", 8), ("s-clip.2", 7)):
        project = e.MoveClip(clip_id, to, e.MoveMode.OVERWRITE).apply(project)
        check(project)
        assert in_sync(project)


def test_deleting_a_clip_takes_its_sound_along_unless_the_track_is_locked():
    project = e.SplitClip(30, "r").apply(with_detached_sound())
    assert len(project.tracks[0].items) == 2
    gone = e.ExtractClips(("r",)).apply(project)
    assert [i.position for i in gone.tracks[0].items] == [WithClip("s-clip")]
    moved = e.MoveClip("r", 0).apply(project)
    assert len(moved.tracks[0].items) == 2
    over = e.MoveClip("r", 10, e.MoveMode.OVERWRITE).apply(project)
    assert {i.position.clip_id for i in over.tracks[0].items} == {"s-clip", "r"}
    locked = e.ChangeTrack("t", TrackSettings("Voice", locked=True)).apply(project)
    with pytest.raises(EditRefused, match="'Voice' is locked"):
        e.ExtractClips(("r",)).apply(locked)


def test_sound_is_attached_again_and_the_track_is_empty():
    project = e.AttachSound("s-clip").apply(with_detached_sound())
    assert project.tracks[0].items == ()
    assert project.clip("s-clip").sound is ClipSound.LINKED


def test_music_ripples_by_its_start_and_keeps_its_length():
    music = AudioItem("m", "s", AtTime(Fraction(1)), Fraction(0), Fraction(2))
    steady = AudioItem("n", "s", AtTime(Fraction(1), Ripple.FIXED), Fraction(0), Fraction(2))
    project = e.AddTrack("t", TrackSettings("Music")).apply(one_source_project(60))
    project = e.AddSounds("t", (music, steady)).apply(project)
    project = e.InsertClip(Gap("g", 30), 0).apply(project)
    assert [i.position.start_s for i in project.tracks[0].items] == [2, 1]
    project = e.ExtractRange(Range(45, 75)).apply(project)
    assert [i.position.start_s for i in project.tracks[0].items] == [Fraction(3, 2), 1]
    assert [i.duration_s for i in project.tracks[0].items] == [2, 2]


def test_untouched_sound_is_original_and_a_cut_in_the_middle_of_nothing_leaves_it_so():
    project = one_source_project(60)
    assert sound_is_original(project)
    assert sound_is_original(e.AddPatch(patch()).apply(project))
    cut = e.SplitClip(20, "r").apply(project)
    assert len(storyline_sound(cut)) == 1
    assert sound_is_original(cut)
    assert not sound_is_original(e.ExtractRange(Range(10, 20)).apply(project))
    assert not sound_is_original(e.ChangeClip(replace(project.storyline[0], gain_db=-3.0)).apply(project))
    shortened = e.ExtractRange(Range(50, 60)).apply(project)
    assert not sound_is_original(shortened)
    assert sound_is_original(one_source_project(60, sound=False))


def test_storyline_sound_says_what_sounds_when():
    project = e.AddSource(source("silent", 30, sound=False)).apply(one_source_project(60))
    project = e.InsertClip(Clip("x", "silent", Native(Range(0, 15))), 30).apply(project)
    project = e.ExtractRange(Range(50, 55)).apply(project)
    runs = [(r.start_s, r.stop_s, r.source_id, r.source_start_s) for r in storyline_sound(project)]
    third = Fraction(1, 30)
    assert runs == [
        (0, 1, "s", 0),
        (1, 45 * third, None, 0),
        (45 * third, 50 * third, "s", 1),
        (50 * third, 70 * third, "s", 40 * third),
    ]
