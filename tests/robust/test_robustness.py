"""Short versions of `python -m tests.robust`: kills, power cuts, full disks and mutated files lose nothing."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from engine.errors import NoSpace
from engine.model import edits as e
from engine.model.project import Project
from engine.store.project_file import ProjectFile
from tests.robust.disk_full import limited_series, refused_series
from tests.robust.kills import kill_series
from tests.robust.mutations import mutation_series
from tests.robust.power_cuts import cut_series
from tests.robust.sqlite_vfs import available
from tests.robust.workload import Memory, perform, state_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
wrappable = pytest.mark.skipif(not available(), reason="this interpreter's SQLite is built in and cannot be wrapped")


def test_a_kill_at_any_moment_loses_nothing_acknowledged(tmp_path):
    outcome = kill_series(tmp_path, 15, seed=11)
    assert outcome.bad == 0, outcome.first_trouble


@wrappable
def test_a_power_cut_at_any_moment_loses_nothing_acknowledged(tmp_path):
    outcome = cut_series(tmp_path, 100, seed=12)
    assert outcome.bad == 0, outcome.first_trouble


@wrappable
def test_without_syncing_the_same_power_cuts_are_fatal(tmp_path):
    assert cut_series(tmp_path, 12, seed=12, synchronous="OFF").bad > 0


def test_a_file_size_limit_refuses_the_edit_and_nothing_else(tmp_path):
    outcome = limited_series(tmp_path, 6, seed=13)
    assert outcome.bad == 0, outcome.first_trouble


@wrappable
def test_a_full_disk_refuses_the_edit_and_nothing_else(tmp_path):
    outcome = refused_series(tmp_path, 8, seed=14)
    assert outcome.bad == 0, outcome.first_trouble


def test_mutated_files_are_read_or_refused(tmp_path):
    outcome = mutation_series(tmp_path, 300, seed=15)
    assert outcome.bad == 0, outcome.first_trouble


def test_the_workload_does_what_memory_says(tmp_path):
    from tests.robust.workload import first_value

    with ProjectFile.create(tmp_path / "film.dcut", first_value()) as file:
        memory = Memory()
        for number in range(60):
            perform(1, number, memory, file)
        assert state_of(file) == memory.state
        assert memory.at > 5
        assert memory.takes
        assert memory.notes


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    assert os.statvfs(folder).f_bavail == 0
    return filler


def test_the_reserve_lets_the_last_edits_through_when_another_program_filled_the_disk(small_disk):
    with ProjectFile.create(small_disk / "film.dcut", Project("p")) as file:
        filler = fill(small_disk)
        file.commit(e.RenameProject("saved all the same"))
        assert file.space_is_low
        filler.write_bytes(b"")
        file.commit(e.RenameProject("space again"))
        assert not file.space_is_low
        fill(small_disk)
        file.commit(e.RenameProject("and once more"))
        with pytest.raises(NoSpace, match="nothing was lost"):
            file.add_take(bytes(2_000_000), "image/png")
        assert file.project.name == "and once more"
        # Nothing of the take that did not fit stays behind.
        assert file._connection.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
        (small_disk / "filler").unlink()
        file.add_take(bytes(100_000), "image/png")
    with ProjectFile.open(small_disk / "film.dcut") as file:
        assert file.project.name == "and once more"
        assert len(file.take_ids) == 1
    assert sorted(p.name for p in small_disk.iterdir()) == ["film.dcut"]


def test_no_project_is_begun_on_a_full_disk(small_disk):
    fill(small_disk)
    with pytest.raises(NoSpace):
        ProjectFile.create(small_disk / "film.dcut", Project("p"))
    assert sorted(p.name for p in small_disk.iterdir()) == ["filler"]
