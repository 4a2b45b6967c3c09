"""A patch and a take are named by number or by id, and a slip of the finger never names another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.workflows.take_names import found_patch, found_take
from engine.errors import UsageError
from engine.model import edits as e
from engine.model.patch import Take
from engine.model.tool import Blur
from tests.projects import one_source_project, patch


@pytest.fixture
def project():
    project = one_source_project(100)
    takes = (Take("3fa9d1", Blur(4)), Take("12345678ab", Blur(8)))
    for number, id in enumerate(("2b71aa", "2b71cc", "40071e9", "12345678")):
        made = replace(patch(id, (10 * number, 10 * number + 5)), takes=takes if number == 0 else (), pick=None)
        project = e.AddPatch(made).apply(project)
    return project


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("1", "2b71aa"),
        ("4", "12345678"),
        ("2b71c", "2b71cc"),
        ("2b71aa", "2b71aa"),
        ("4007", None),
        ("40071e", "40071e9"),
        ("12345678", "12345678"),
    ],
)
def test_a_patch_is_found_by_number_or_by_four_or_more_characters_of_its_id(project, name, id):
    if id is None:
        with pytest.raises(UsageError, match="no patch '4007'"):
            found_patch(project, name)
    else:
        assert found_patch(project, name).id == id


@pytest.mark.parametrize("name", ["0", "5", "40", "", "4", "2b7", "٣", "-1"])
def test_what_is_no_patch_is_none_whatever_ids_begin_with(project, name):
    if name == "4":
        project = e.RemovePatch("2b71cc").apply(project)
    with pytest.raises(UsageError, match="there is no patch"):
        found_patch(project, name)


def test_a_beginning_that_two_patches_share_names_neither(project):
    with pytest.raises(UsageError, match="2 patches begin with 2b71; give more"):
        found_patch(project, "2b71")


@pytest.mark.parametrize(("name", "id"), [("1.2", "12345678ab"), ("2b71aa.3fa9", "3fa9d1"), ("3fa9d1", "3fa9d1")])
def test_a_take_is_found_within_its_patch_or_by_its_id(project, name, id):
    assert found_take(project, name)[1].id == id


@pytest.mark.parametrize("name", ["1.3", "1.0", "3", "1", "3fa", "1.3fa", "2.1", "9.1"])
def test_what_is_no_take_is_none_whatever_ids_begin_with(project, name):
    with pytest.raises(UsageError, match=r"there is no (take|patch)"):
        found_take(project, name)
