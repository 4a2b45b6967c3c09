"""Whatever is done, saved, undone, redone, killed and reopened: the file is the list of values that memory holds."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.errors import EditRefused
from engine.model.changes import changed_ranges
from engine.model.checks import check
from engine.model.edits import project_from_json, project_to_json
from engine.model.recipe import recipe_runs
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.projects import any_edits, one_source_project


class FileAndMemory(RuleBasedStateMachine):
    """The file beside the simplest model of a history: a list of values and a place in it."""

    @initialize(frames=st.integers(1, 60))
    def create(self, frames):
        self.folder = Path(tempfile.mkdtemp())
        self.values = [one_source_project(frames)]
        self.at = 0
        self.takes = {}
        self.copies = 0
        self.file = ProjectFile.create(self.folder / "film.dcut", self.values[0])

    @rule(data=st.data())
    def edit(self, data):
        before = self.values[self.at]
        edit = data.draw(any_edits(before))
        try:
            expected = edit.apply(before)
        except EditRefused:
            expected = None
        try:
            after = self.file.commit(edit)
        except EditRefused:
            assert expected is None
            return
        assert after == expected
        check(after)
        self.values[self.at + 1 :] = [after]
        self.at += 1

    @precondition(lambda self: self.at > 0)
    @rule(data=st.data())
    def undo(self, data):
        steps = data.draw(st.integers(1, self.at))
        self.at -= steps
        assert self.file.undo(steps) == self.values[self.at]

    @precondition(lambda self: self.at + 1 < len(self.values))
    @rule(data=st.data())
    def redo(self, data):
        steps = data.draw(st.integers(1, len(self.values) - 1 - self.at))
        self.at += steps
        assert self.file.redo(steps) == self.values[self.at]

    @rule(data=st.binary(max_size=2000))
    def take(self, data):
        self.takes[self.file.add_take(data, "image/png")] = data

    @rule()
    def reopen(self):
        self.file.close()
        self.file = ProjectFile.open(self.folder / "film.dcut")

    @rule()
    def kill(self):
        """Go on from a copy of the bytes on disk, as after a crash or a copy made while the project was open."""
        self.copies += 1
        copy = self.folder / str(self.copies) / "film.dcut"
        copy.parent.mkdir()
        shutil.copy(self.file.path, copy)
        self.file.close()
        self.file = ProjectFile.open(copy)
        shutil.copy(copy, self.folder / "film.dcut")
        self.file.close()
        self.file = ProjectFile.open(self.folder / "film.dcut")

    @rule()
    def undone_changes_are_no_changes(self):
        if self.at > 0:
            last = self.values[self.at - 1]
            assert changed_ranges(last, self.file.undo()) == ()
            assert recipe_runs(self.file.redo()) == recipe_runs(self.values[self.at])

    @invariant()
    def file_and_memory_agree(self):
        if not hasattr(self, "file"):
            return
        project = self.values[self.at]
        assert self.file.project == project
        assert project_from_json(project_to_json(project)) == project
        history = self.file.history
        assert (len(history.done), len(history.undone)) == (self.at, len(self.values) - 1 - self.at)
        assert self.file.take_ids == self.takes.keys()

    def teardown(self):
        if not hasattr(self, "file"):
            return
        self.file.close()
        with ProjectFile.open(self.folder / "film.dcut", Access.READ) as file:
            assert file.project == self.values[self.at]
            assert all(file.take(id).data == data for id, data in self.takes.items())
        shutil.rmtree(self.folder)


FileAndMemory.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestFileAndMemory = FileAndMemory.TestCase
