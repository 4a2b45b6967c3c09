"""A patch on a film of which the storyline shows nothing, so that it is not open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.workflows.follow import must_be_open
from app.workflows.import_media import open_project
from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.store.connection import Access
from tests.moving_films import ANCHOR, disc


def test_it_is_told_that_its_film_is_not_on_the_storyline(project, run):
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "2:2")
    assert run("patch", project, *where, "--tool", "fill", "--colour", "#ffffff")[0] == 0
    opened = open_project(project, Access.READ, Progress(), CancelToken())
    try:
        patch = next(iter(opened.file.project.patches))
        must_be_open(opened, patch.id)
        with pytest.raises(EditRefused, match=r"film\.mp4, which is not on the storyline"):
            must_be_open(replace(opened, films={}), patch.id)
    finally:
        opened.close()
