"""A patch that nobody has named tells what its pick is; a name that was given stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.workflows.patch_names import automatic_name, name_by_words, named_after_pick
from engine.model import edits as e
from engine.model.patch import Provenance, ReviewState, Take
from engine.model.tool import Blur
from tests.projects import one_source_project, patch

BLUR = Take("blurred", Blur(4.0), provenance=Provenance("blur"))
PICTURE = Take("drawn", Blur(4.0), provenance=Provenance("image"))
WORDS = Take(
    "made", Blur(4.0), provenance=Provenance("gemini", prompt="A plain white mug, glazed and without any logo")
)


def project(name="Blur", *others):
    one = replace(patch(frames=(10, 20)), name=name, takes=(BLUR,), pick=BLUR.id)
    made = e.AddPatch(one).apply(one_source_project(frames=60))
    for other in others:
        made = e.AddPatch(replace(one, id=other, name=other)).apply(made)
    return made


def first(project):
    return next(iter(project.patches))


def after(before, edit):
    return first(named_after_pick(before, edit, "patch").apply(before))


@pytest.mark.parametrize("name", ["Blur", "Blur 3", ""])
def test_a_further_take_that_is_picked_gives_the_patch_its_name(name):
    assert after(project(name), e.AddTake("patch", PICTURE)).name == "Picture"
    assert after(project(name), e.AddTake("patch", WORDS)).name == "A plain white mug, glazed and without an…"


def test_a_name_that_a_person_gave_stays():
    assert after(project("Mug logo"), e.AddTake("patch", PICTURE)).name == "Mug logo"
    assert after(project("Blurred logo"), e.AddTake("patch", PICTURE)).name == "Blurred logo"


def test_going_back_to_the_former_take_gives_the_former_name_back():
    before = named_after_pick(project(), e.AddTake("patch", PICTURE), "patch").apply(project())
    edit = named_after_pick(before, e.Compound("Pick", (e.PickTake("patch", BLUR.id),)), "patch")
    assert edit.title == "Pick"
    assert first(edit.apply(before)).name == "Blur"


def test_two_patches_never_get_the_same_name_and_a_numbered_one_keeps_its_number():
    assert after(project("Blur", "Picture", "Picture 2"), e.AddTake("patch", PICTURE)).name == "Picture 3"
    again = replace(BLUR, id="again")
    assert after(project("Blur 2"), e.AddTake("patch", again)).name == "Blur 2"


def test_what_changes_no_pick_and_what_is_refused_are_left_as_they_are():
    before = project()
    for edit in (
        e.ReviewPatch("patch", ReviewState.PROPOSED),
        e.PickTake("patch", "none such"),
        e.PickTake("patch", None),
        e.AddTake("elsewhere", PICTURE),
    ):
        assert named_after_pick(before, edit, "patch") is edit


def test_words_that_are_too_long_are_cut_and_none_at_all_make_a_region():
    assert automatic_name(WORDS) == name_by_words(WORDS.provenance.prompt)
    assert len(name_by_words("word " * 40)) <= 41
    assert name_by_words("  ") == "Region"


def test_the_history_says_which_patch_was_added_and_changed():
    (one,) = project("Mug logo").patches
    assert e.AddPatch(one).title == "Add patch “Mug logo”"
    assert e.ReplacePatch(one).title == "Change patch “Mug logo”"
    assert e.AddPatch(replace(one, name="")).title == "Add patch"
