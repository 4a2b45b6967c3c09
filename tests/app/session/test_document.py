"""The document: an edit shows at once, is saved behind, and follows what jobs commit by themselves."""

from __future__ import annotations

import pytest

from engine.errors import NoSpace
from engine.model.edits import AddMarkers, RemoveMarkers, RenameProject
from engine.model.markers import Marker
from engine.model.place import OnTimeline
from engine.model.time import Range
from engine.store.connection import Access
from engine.store.project_file import ProjectFile


@pytest.fixture
def document(stage):
    return stage.session.document


def saved(document, qtbot):
    qtbot.waitUntil(lambda: document.is_saved)


def marker(frame=3):
    return Marker("m", OnTimeline(Range(frame, frame + 1)), name="Here")


def stored(document):
    with ProjectFile.open(document.path, Access.READ) as file:
        return file.project


def test_an_edit_shows_at_once_and_is_in_the_file_when_it_is_saved(document, qtbot):
    assert document.do(RenameProject("Mug"))
    assert document.project.name == "Mug"
    assert not document.is_saved
    saved(document, qtbot)
    assert stored(document).name == "Mug"


def test_a_refused_edit_changes_nothing_and_says_why(document, qtbot):
    before = document.project
    with qtbot.waitSignal(document.refused) as heard:
        assert not document.do(RemoveMarkers(("nowhere",)))
    assert "nowhere" in heard.args[0]
    assert document.project == before
    assert document.is_saved


def test_a_change_tells_which_frames_differ(document, qtbot):
    with qtbot.waitSignal(document.changed) as heard:
        document.do(RenameProject("Mug"))
    assert heard.args[0].ranges == ()
    assert (heard.args[0].before.name, heard.args[0].after.name) != ("Mug", "Mug")


def test_undo_and_redo_go_through_every_step_also_with_edits_in_between(document, qtbot):
    first = document.project
    for name in ("One", "Two", "Three"):
        document.do(RenameProject(name))
    document.undo()
    document.do(AddMarkers((marker(),)))
    saved(document, qtbot)
    assert (document.project.name, len(document.project.markers)) == ("Two", 1)
    document.undo(3)
    saved(document, qtbot)
    assert document.project == first
    document.redo(2)
    saved(document, qtbot)
    assert document.project.name == "Two"
    assert [step.title for step in document.history.undone]


def test_going_to_a_step_of_the_history_undoes_or_redoes_as_many_as_lie_between(document, qtbot):
    for name in ("One", "Two", "Three"):
        document.do(RenameProject(name))
    saved(document, qtbot)
    document.go_to(1)
    saved(document, qtbot)
    assert document.project.name == "One"
    document.go_to(3)
    saved(document, qtbot)
    assert document.project.name == "Three"


def test_an_edit_after_an_undo_that_is_not_done_yet_applies_to_what_the_undo_leaves(document, qtbot):
    document.do(AddMarkers((marker(),)))
    document.undo()
    document.do(AddMarkers((marker(5),)))
    saved(document, qtbot)
    assert [found.place for found in document.project.markers] == [OnTimeline(Range(5, 6))]


def test_what_a_job_commits_shows_by_itself(document, qtbot):
    with qtbot.waitSignal(document.changed):
        document.file.commit(RenameProject("From a job"))
    assert document.project.name == "From a job"


def test_an_edit_that_cannot_be_saved_is_taken_back_and_told(document, qtbot, monkeypatch):
    before = document.project

    def full(_edit):
        raise NoSpace("the disk is full")

    monkeypatch.setattr(document.file, "commit", full)
    with qtbot.waitSignal(document.failed) as heard:
        document.do(RenameProject("Lost"))
    assert "full" in str(heard.args[0])
    assert document.project == before


def test_closing_waits_until_all_is_saved(document):
    path = document.path
    for number in range(20):
        document.do(RenameProject(f"Name {number}"))
    document.close()
    with ProjectFile.open(path) as file:
        assert file.project.name == "Name 19"


def test_a_film_that_is_gone_is_told_and_the_project_opens_all_the_same(document, qtbot, small_film, tmp_path):
    from app.workflows.import_media import new_project
    from app.workflows.open_for_editing import open_for_editing
    from engine.control import CancelToken, Progress

    film = tmp_path / "gone.mp4"
    film.write_bytes(small_film.read_bytes())
    new_project(tmp_path / "gone.dcut", film, Progress(), CancelToken())
    film.unlink()
    document.adopt(open_for_editing(tmp_path / "gone.dcut", Progress(), CancelToken()))
    assert document.films == {}
    assert [str(film) in str(error) for error in document.missing.values()] == [True]
