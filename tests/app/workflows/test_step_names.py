"""A step of the history says what changed, and of what."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from app.workflows.step_names import named
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.layers import LayerKind, LayerSettings
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Overlay, Title
from engine.model.patch import Nudge
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box
from engine.model.sound import AtTime, AudioItem, Ducking, TrackSettings
from engine.model.time import Range
from tests.projects import one_source_project, patch

LAYER = LayerSettings("Titles")
MUSIC = TrackSettings("Music")
TITLE = Overlay("title", OnTimeline(Range(0, 10)), Title("Ana"), name="Lower third")
MARKER = Marker("m", OnTimeline(Range(3, 4)), name="Catch")
CUE = Caption("cue", AtTimeline(Fraction(0), Fraction(1)), "<i>Good</i> morning")


def project():
    made = one_source_project(frames=60)
    source = made.sources[0].id
    sound = AudioItem("song", source, AtTime(Fraction(0)), Fraction(0), Fraction(2), name="song")
    for edit in (
        e.AddPatch(replace(patch(frames=(10, 20)), name="Mug")),
        e.AddLayer("titles", LayerKind.OVERLAYS, LAYER),
        e.AddLayer("said", LayerKind.CAPTIONS, LayerSettings("Captions")),
        e.AddItems("titles", (TITLE,)),
        e.AddItems("said", (CUE,)),
        e.AddTrack("music", MUSIC),
        e.AddSounds("music", (sound,)),
        e.AddMarkers((MARKER,)),
    ):
        made = edit.apply(made)
    return made


PROJECT = project()
MUG = next(iter(PROJECT.patches))
SONG = PROJECT.tracks[0].items[0]


@pytest.mark.parametrize(
    ("edit", "title"),
    [
        (e.ChangeLayer("titles", replace(LAYER, visible=False)), "Hide “Titles”"),
        (e.ChangeLayer("titles", replace(LAYER, locked=True)), "Lock “Titles”"),
        (e.ChangeLayer("titles", replace(LAYER, opacity=0.41)), "Opacity of “Titles”: 41%"),
        (e.ChangeLayer("titles", replace(LAYER, opacity=0.41, visible=False)), "Change “Titles”"),
        (e.ChangeTrack("music", replace(MUSIC, solo=True)), "Hear “Music” alone"),
        (e.ChangeTrack("music", replace(MUSIC, ducking=Ducking())), "Turn “Music” down under speech"),
        (e.SetMix(replace(PROJECT.mix, keep_original=True)), "Keep the original sound"),
        (e.SetMix(replace(PROJECT.mix, original=replace(PROJECT.mix.original, muted=True))), "Mute “Film”"),
        (e.ReplaceSound(replace(SONG, gain_db=-22.5)), "Gain of “song”: −22.5 dB"),
        (e.ReplaceSound(replace(SONG, fade_out_s=Fraction(1))), "Fade out of “song”: 1 s"),
        (e.ReplaceItem(replace(TITLE, visible=False)), "Hide “Lower third”"),
        (e.ReplaceItem(replace(TITLE, content=Title("Pixel"))), "Change “Lower third”"),
        (e.ReplaceItem(replace(CUE, text="Good evening")), "Words of “Good evening”"),
        (e.ReplaceItem(replace(CUE, visible=False)), "Hide “Good morning”"),
        (e.AddItems("titles", (replace(TITLE, id="other"),)), "Add “Lower third”"),
        (e.ReplaceMarker(replace(MARKER, name="Throw")), "Name the marker “Throw”"),
        (e.ReplaceMarker(replace(MARKER, kind=MarkerKind.CHAPTER)), "Make “Catch” a chapter"),
        (e.ReplacePatch(replace(MUG, feather_px=20.0)), "Softness of “Mug”: 20 px"),
        (e.ReplacePatch(replace(MUG, visible=False)), "Hide “Mug”"),
        (e.ReplacePatch(replace(MUG, motion=replace(MUG.motion, nudges=(Nudge(12, 0.1),)))), "Nudge “Mug”"),
        (
            e.ReplacePatch(replace(MUG, motion=replace(MUG.motion, anchors=((12, Box(0.1, 0.1, 0.2, 0.2)),)))),
            "Further anchor of “Mug”",
        ),
    ],
)
def test_a_step_says_what_changed_and_of_what(edit, title):
    step = named(PROJECT, edit)
    assert step.title == title
    assert step.apply(PROJECT) == edit.apply(PROJECT)


def test_what_has_a_name_of_its_own_keeps_it():
    step = e.Compound("Approve take", (e.ChangeLayer("titles", replace(LAYER, visible=False)),))
    assert named(PROJECT, step) is step
    assert named(PROJECT, e.RemoveItems(("title",))).title == "Remove"


def test_what_the_project_refuses_is_left_as_it_is():
    for edit in (
        e.ChangeLayer("nowhere", LAYER),
        e.ReplaceItem(replace(TITLE, id="nowhere")),
        e.ReplaceSound(replace(SONG, id="nowhere")),
        e.ChangeTrack("nowhere", MUSIC),
    ):
        assert named(PROJECT, edit) is edit
