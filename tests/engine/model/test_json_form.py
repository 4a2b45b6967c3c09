"""Edits and projects have one text each, and no text can do more than be refused."""

import copy
import json
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import EditRefused
from engine.model import codec
from engine.model import edits as e
from engine.model.ids import new_id
from engine.model.patch import Take
from engine.model.project import Canvas, Project
from engine.model.region import Box
from engine.model.source import Source
from engine.model.time import Range
from engine.model.tool import Blur, Fill, Rgb
from tests.projects import any_edits, edited_projects, one_source_project, patch


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_edits_and_projects_read_back_equal_and_as_the_same_text(data):
    project = data.draw(edited_projects(most=6))
    text = e.project_to_json(project)
    again = e.project_from_json(text)
    assert again == project
    assert e.project_to_json(again) == text
    edit = data.draw(any_edits(project))
    line = e.edit_to_json(edit)
    assert e.edit_from_json(line) == edit
    assert e.edit_to_json(e.edit_from_json(line)) == line
    assert "\n" not in line


def test_the_text_is_compact_sorted_and_leaves_defaults_out():
    edit = e.AddPatch(patch("p", (100, 130), tool=Blur(12)))
    assert e.edit_to_json(edit) == (
        '{"is":"AddPatch","patch":{"anchor":100,"frames":[100,130],"id":"p","pick":"1",'
        '"region":{"is":"Box","x0":0.25,"x1":0.75,"y0":0.25,"y1":0.75},"source_id":"s",'
        '"takes":[{"id":"1","tool":{"is":"Blur","radius_px":12.0}}]}}'
    )
    assert e.edit_to_json(e.RenameProject("Grüße")) == '{"is":"RenameProject","name":"Grüße"}'


def test_hand_written_edits_may_be_one_or_a_list_in_any_layout():
    text = """
    [ {"is": "RenameProject", "name": "A"},
      {"is": "SetCanvas", "canvas": {"width": 640, "height": 360, "rate": "30000/1001"}},
      {"is": "Compound", "title": "both", "edits": [{"is": "SetInOut", "frames": [0, 5]},
                                                    {"is": "SetInOut", "frames": null}]} ]
    """
    edits = e.edits_from_json(text)
    assert edits[0] == e.RenameProject("A")
    assert edits[1] == e.SetCanvas(Canvas(640, 360, Fraction(30000, 1001)))
    assert edits[2].edits == (e.SetInOut(Range(0, 5)), e.SetInOut(None))
    assert e.edits_from_json('{"is":"RenameProject","name":"A"}') == (e.RenameProject("A"),)


REFUSED = {
    "no JSON": ("{", "not valid JSON"),
    "no edit": ("3", "an object"),
    "unknown edit": ('{"is":"Format"}', "one of .*AddPatch"),
    "edit without a name": ('{"name":"x"}', "is: one of"),
    "name of another type": ('{"is":["AddPatch"]}', "one of"),
    "unknown field": ('{"is":"RenameProject","name":"a","colour":1}', "no field 'colour'"),
    "missing field": ('{"is":"RenameProject"}', "'name' of RenameProject is missing"),
    "wrong type": ('{"is":"RenameProject","name":3}', "name: a text expected, 3 found"),
    "number as text": ('{"is":"RemoveItems","item_ids":"all"}', "item_ids: a list"),
    "true for a number": ('{"is":"SplitClip","at":true,"new_id":"x"}', "whole number"),
    "half a frame": ('{"is":"SplitClip","at":1.5,"new_id":"x"}', "whole number"),
    "huge number": ('{"is":"SplitClip","at":9223372036854775808,"new_id":"x"}', "whole number"),
    "backward range": ('{"is":"ExtractRange","frames":[5,2]}', "does not end before"),
    "not a number": ('{"is":"SetMix","mix":{"loudness_lufs":NaN}}', "NaN"),
    "infinite": ('{"is":"SetMix","mix":{"loudness_lufs":1e999}}', "finite"),
    "huge whole for a float": ('{"is":"SetMix","mix":{"loudness_lufs":1%s}}' % ("0" * 400), "finite"),
    "zero division": ('{"is":"SetCanvas","canvas":{"rate":"1/0"}}', "fraction"),
    "long fraction": ('{"is":"SetCanvas","canvas":{"rate":"%s/3"}}' % ("9" * 50), "fraction"),
    "fraction in words": ('{"is":"SetCanvas","canvas":{"rate":"ten"}}', "fraction"),
    "unknown choice": ('{"is":"MoveClip","clip_id":"a","to":1,"mode":"swap"}', "one of insert, overwrite"),
    "unhashable choice": ('{"is":"MoveClip","clip_id":"a","to":1,"mode":{}}', "one of insert, overwrite"),
    "lone surrogate": ('{"is":"RenameProject","name":"\\ud800"}', "broken characters"),
    "too deep": ("[" * 100_000, "nested|JSON"),
    "compound in a compound": (
        '{"is":"Compound","title":"a","edits":[{"is":"Compound","title":"b","edits":[]}]}',
        r"edits\[0\]\.is",
    ),
    "empty compound": ('{"is":"Compound","title":"a","edits":[]}', "no edit"),
    "value out of bounds": ('{"is":"SetMix","mix":{"loudness_lufs":5}}', "loudness is 5"),
    "bad base64": (
        '{"is":"AddSource","source":{"id":"a","name":"b","picture":{"width":64,"height":36,"rate":1,'
        '"times":{"is":"ListedTimes","time_base":1,"count":2,"packed":"%%"}}}}',
        "base64",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused_with_its_place(text, message):
    with pytest.raises(EditRefused, match=message):
        e.edit_from_json(text)


def test_a_project_that_does_not_hold_together_is_refused():
    good = json.loads(e.project_to_json(e.AddPatch(patch("p")).apply(one_source_project(60))))

    def refused(message, change):
        data = json.loads(json.dumps(good))
        change(data)
        with pytest.raises(EditRefused, match=message):
            e.project_from_json(json.dumps(data))

    e.project_from_json(json.dumps(good))
    refused("no source t", lambda d: d["storyline"][0].update(source_id="t"))
    refused("reach beyond", lambda d: d["storyline"][0]["timing"].update(source_range=[0, 61]))
    refused("share the item id", lambda d: d["storyline"].append(d["storyline"][0]))
    refused("share the source id", lambda d: d["sources"].append(d["sources"][0]))
    refused("share the layer id", lambda d: d["layers"].append(d["layers"][0]))
    refused("cannot hold Patch", lambda d: d["layers"][0].update(kind="overlays"))
    refused("reach beyond", lambda d: d["layers"][0]["items"][0].update(frames=[10, 99]))
    refused("holds no frame", lambda d: d.update(in_out=[3, 3]))


def mutations(value, path=()):
    """Yield the places of a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from mutations(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from mutations(item, (*path, index))


ODD = st.sampled_from(
    [None, True, -1, 0, 1, 2**62, -(2**62), 1.5, 1e308, "", "x", "1/3", "-1/3", [], [0, 1], [1, 0], {}, {"is": "Blur"}]
)


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_projects_are_sound_or_refused_and_nothing_else(data):
    project = data.draw(edited_projects(most=4))
    value = json.loads(e.project_to_json(project))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(mutations(value))[1:]))
        holder = value
        for step in path[:-1]:
            holder = holder[step]
        if data.draw(st.booleans()):
            # A copy: a list that is drawn twice must not come to hold itself.
            holder[path[-1]] = copy.deepcopy(data.draw(ODD))
        else:
            del holder[path[-1]]
    try:
        read = e.project_from_json(json.dumps(value))
    except EditRefused:
        return
    # What was accepted can be worked with.
    from engine.model.recipe import recipe_runs

    if read.frame_count < 10_000:
        recipe_runs(read)
    assert e.project_from_json(e.project_to_json(read)) == read


def test_ids_are_short_and_differ():
    made = {new_id() for _ in range(100)}
    assert len(made) == 100
    assert all(len(id) == 16 for id in made)


def test_regions_without_area_are_refused_with_their_figures():
    for corners in [(0.1, 0.1, 0.1, 0.5), (0.5, 0.5, 0.1, 0.9), (2, 2, 3, 3), (-1, 0, 0, 1)]:
        with pytest.raises(EditRefused, match="box"):
            Box(*corners)
    assert Box(-0.5, 0.2, 0.5, 1.5).bounds == Box(-0.5, 0.2, 0.5, 1.5)


@pytest.mark.parametrize("kind", [set[int], dict[str, int], object])
def test_a_type_without_a_form_is_a_mistake_of_ours(kind):
    with pytest.raises(TypeError):
        codec.dumps({1}, kind)


def test_values_of_another_type_are_a_mistake_of_ours():
    with pytest.raises(TypeError):
        codec.dumps(Rgb(0, 0, 0), Take | Source)


def test_a_project_made_whole_by_hand_needs_only_an_id():
    assert e.project_from_json('{"id":"x"}') == Project("x")
    assert e.edit_from_json('{"is":"AddTake","patch_id":"p","take":{"id":"t","tool":{"is":"Fill"}}}') == e.AddTake(
        "p", Take("t", Fill())
    )
