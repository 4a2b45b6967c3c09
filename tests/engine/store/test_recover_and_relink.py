"""What is left of a damaged project is brought into a new one; media that moved is found again."""

import random
import sqlite3
from pathlib import Path

import pytest

from engine.control import CancelToken
from engine.errors import Cancelled, MissingMedia, ProjectDamaged, ProjectError, StorageError, UsageError
from engine.model import edits as e
from engine.model.project import Project
from engine.store import migrations, project_file, schema
from engine.store.connection import Access
from engine.store.identity import content_hash, quick_identity
from engine.store.project_file import ProjectFile
from engine.store.recover import read_what_is_readable, recover
from engine.store.relink import missing_sources, relink
from tests.projects import one_source_project, patch, source


@pytest.fixture
def damaged(tmp_path):
    path = tmp_path / "film.dcut"
    media = tmp_path / "s.mp4"
    media.write_bytes(b"film")
    with ProjectFile.create(path, one_source_project(60), {"s": media}) as file:
        for n in range(12):
            file.commit(e.AddPatch(patch(f"p{n}")))
        file.undo(2)
        file.commit(e.RenameProject("last"))
        file.add_take(b"a" * 2_000_000, "image/png", {"n": "1"})
        file.add_take(b"b" * 10, "image/png")
        file.put_record("job", "j1", '{"state":"queued"}')
    return path


def execute(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def names(project):
    return [p.id for p in project.patches]


def test_a_sound_file_is_recovered_whole(damaged, tmp_path):
    into = tmp_path / "new.dcut"
    found = recover(damaged, into)
    assert found.losses == ()
    with ProjectFile.open(damaged, Access.READ) as old, ProjectFile.open(into) as new:
        assert new.project == old.project
        assert new.take_ids == old.take_ids
        assert new.records("job") == {"j1": '{"state":"queued"}'}
        assert new.media("s") == tmp_path / "s.mp4"


def test_a_lost_step_costs_that_step_alone(damaged, tmp_path):
    execute(damaged, "DELETE FROM journal WHERE seq = 4", "UPDATE journal SET payload = 'x' WHERE seq = 7")
    with pytest.raises(ProjectDamaged, match="recover what is readable"):
        ProjectFile.open(damaged)
    found = recover(damaged, tmp_path / "new.dcut")
    assert names(found.project) == [f"p{n}" for n in range(10) if n not in (3, 6)]
    assert found.project.name == "last"
    assert found.losses == ("2 of 14 steps of the history cannot be read",)


@pytest.mark.parametrize(
    "harm", ["UPDATE journal SET payload = 'x' WHERE seq >= 13", "DELETE FROM journal WHERE seq >= 13"]
)
def test_steps_that_are_lost_at_the_end_are_named_too(damaged, harm):
    execute(damaged, harm)
    assert read_what_is_readable(damaged).losses[0] == "2 of 14 steps of the history cannot be read"


def test_what_depends_on_a_lost_step_is_named(damaged, tmp_path):
    with ProjectFile.open(damaged) as file:
        file.commit(e.RemovePatch("p3"))
    execute(damaged, "DELETE FROM journal WHERE seq = 4")
    found = read_what_is_readable(damaged)
    assert found.losses[1].startswith("step 15 of the history no longer applies")


def test_damaged_takes_places_and_notes_are_named_and_the_rest_comes_along(damaged, tmp_path):
    execute(
        damaged,
        "UPDATE chunks SET data = 'x' WHERE number = 1",
        "UPDATE places SET size = 5",
        "UPDATE records SET payload = 'x'",
        "UPDATE meta SET value = '0'",
    )
    into = tmp_path / "new.dcut"
    found = recover(damaged, into)
    assert len(found.take_ids) == 1
    assert len(found.losses) == 3
    with ProjectFile.open(into) as new:
        assert new.project.name == "last"
        assert new.take(*new.take_ids).data == b"b" * 10
    assert len(found.project.layers[0].items) == 10


def test_a_view_that_poses_as_a_table_is_not_read(damaged):
    execute(damaged, "ALTER TABLE takes RENAME TO hidden", "CREATE VIEW takes AS SELECT * FROM hidden")
    found = read_what_is_readable(damaged)
    assert found.take_ids == ()
    assert "the table takes cannot be read" in found.losses


def test_nothing_readable_is_said_plainly(damaged, tmp_path):
    execute(damaged, "DELETE FROM snapshots")
    into = tmp_path / "new.dcut"
    with pytest.raises(ProjectDamaged, match="no state of the project"):
        recover(damaged, into)
    assert not into.exists()
    (tmp_path / "text").write_text("no project")
    with pytest.raises(ProjectDamaged):
        read_what_is_readable(tmp_path / "text")
    with pytest.raises(ProjectError, match="there is no project"):
        read_what_is_readable(tmp_path / "none")


def test_flipped_and_cut_off_files_are_recovered_or_refused_and_never_written(damaged, tmp_path):
    original = damaged.read_bytes()
    rng = random.Random(3)
    recovered = 0
    for _ in range(60):
        data = bytearray(original)
        for _ in range(rng.choice([1, 10, 200])):
            data[rng.randrange(100, len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            data = data[: rng.randrange(4096, len(data))]
        damaged.write_bytes(data)
        try:
            found = read_what_is_readable(damaged)
            recovered += 1
            assert set(names(found.project)) <= {f"p{n}" for n in range(12)}
        except (ProjectDamaged, StorageError):
            pass
        assert damaged.read_bytes() == data
    assert recovered > 20


# --- relinking -------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(tmp_path):
    """A project whose two files moved into a folder below another, under other names."""
    media = {name: tmp_path / f"{name}.mp4" for name in ("s", "t")}
    for name, path in media.items():
        path.write_bytes(name.encode() * 5000)
    project = e.AddSource(source("t")).apply(one_source_project(60))
    file = ProjectFile.create(tmp_path / "film.dcut", project, media)
    for name, path in media.items():
        file.note_content_hash(name, content_hash(path))
    new = tmp_path / "archive" / "deep"
    new.mkdir(parents=True)
    (new / "loop").symlink_to(tmp_path / "archive")
    (new / "same size.mp4").write_bytes(b"u" * 5000)
    media["s"].rename(new / "first.mov")
    media["t"].rename(new / "second.mov")
    yield file
    file.close()


def test_moved_media_is_found_by_content_in_one_look(moved, tmp_path):
    assert missing_sources(moved) == ("s", "t")
    result = relink(moved, tmp_path / "archive")
    assert result.found == {
        name: tmp_path / "archive/deep" / f for name, f in (("s", "first.mov"), ("t", "second.mov"))
    }
    assert result.missing == ()
    assert moved.media("s").name == "first.mov"
    assert moved.place("s").content_hash == content_hash(moved.media("s"))


def test_what_is_not_there_stays_missing_and_nothing_is_guessed(moved, tmp_path):
    (tmp_path / "archive/deep/second.mov").write_bytes(b"x" * 5000)
    result = relink(moved, tmp_path / "archive")
    assert result.missing == ("t",)
    with pytest.raises(MissingMedia):
        moved.media("t")


def test_without_a_known_hash_size_and_name_must_fit(tmp_path):
    media = tmp_path / "s.mp4"
    media.write_bytes(b"film")
    with ProjectFile.create(tmp_path / "film.dcut", one_source_project(), {"s": media}) as file:
        media.unlink()
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "other.mp4").write_bytes(b"film")
        assert relink(file, tmp_path / "a").missing == ("s",)
        (tmp_path / "a" / "s.mp4").write_bytes(b"film")
        assert relink(file, tmp_path / "a").found == {"s": tmp_path / "a" / "s.mp4"}


def test_a_search_can_be_stopped(moved, tmp_path):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        relink(moved, tmp_path, cancel=cancel)
    assert missing_sources(moved) == ("s", "t")


def test_a_hash_covers_every_byte(tmp_path):
    path = tmp_path / "a"
    data = bytearray(random.Random(1).randbytes(3_000_000))
    path.write_bytes(data)
    first = content_hash(path)
    assert len(first) == 64
    data[1_500_000] ^= 1
    path.write_bytes(data)
    assert content_hash(path) != first
    assert quick_identity(path).size == 3_000_000
    with pytest.raises(MissingMedia):
        quick_identity(tmp_path / "none")


# --- copies and formats ----------------------------------------------------------------------------------------------


def test_a_copy_holds_everything_and_replaces_nothing(damaged, tmp_path):
    with ProjectFile.open(damaged) as file:
        file.copy_to(tmp_path / "copy.dcut")
        with pytest.raises(UsageError, match="exists already"):
            file.copy_to(tmp_path / "copy.dcut")
        with pytest.raises(StorageError):
            file.copy_to(tmp_path / "nowhere" / "copy.dcut")
        expected = file.project, file.history, file.take_ids
    with ProjectFile.open(tmp_path / "copy.dcut") as copy:
        assert (copy.project, copy.history, copy.take_ids) == expected
        assert copy.undo().name != "last"


def test_notes_are_kept_replaced_and_forgotten(tmp_path):
    with ProjectFile.create(tmp_path / "film.dcut", Project("p")) as file:
        file.put_record("job", "1", "queued")
        file.put_record("job", "1", "done")
        file.put_record("spend", "1", "0.04")
        file.put_record("job", "2", "queued")
        file.drop_record("job", "2")
    with ProjectFile.open(tmp_path / "film.dcut") as file:
        assert file.records("job") == {"1": "done"}
        assert file.records("spend") == {"1": "0.04"}
        assert file.records("nothing") == {}
    execute(tmp_path / "film.dcut", "UPDATE records SET payload = 'free' WHERE kind = 'spend'")
    with ProjectFile.open(tmp_path / "film.dcut") as file, pytest.raises(ProjectDamaged, match="'spend'"):
        file.records("spend")


def test_an_earlier_format_is_brought_up_with_a_copy_beside_it(damaged, tmp_path, monkeypatch):
    with ProjectFile.open(damaged) as file:
        project = file.project
    new_tables = {**schema.TABLES, "extra": "CREATE TABLE extra (a INTEGER)"}
    steps = {1: lambda connection: connection.execute(new_tables["extra"])}
    for module in (schema, migrations, project_file):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(project_file, "TABLES", new_tables)
    monkeypatch.setattr(migrations, "STEPS", steps)
    before = damaged.read_bytes()
    with pytest.raises(ProjectError, match="earlier format"):
        ProjectFile.open(damaged, Access.READ)
    assert damaged.read_bytes() == before
    with ProjectFile.open(damaged) as file:
        assert file.project == project
        assert file._connection.execute("PRAGMA user_version").fetchone() == (2,)
    copy = damaged.with_name("film.before-format-2.dcut")
    monkeypatch.undo()
    with ProjectFile.open(copy) as file:
        assert file.project == project
    assert damaged.read_bytes() != before


def test_a_migration_that_fails_leaves_the_old_file(damaged, monkeypatch):
    for module in (schema, migrations, project_file):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(migrations, "STEPS", {1: lambda connection: connection.execute("CREATE TABLE journal (a)")})
    with pytest.raises(ProjectDamaged):
        ProjectFile.open(damaged)
    monkeypatch.undo()
    with ProjectFile.open(damaged) as file:
        assert file.project.name == "last"


def test_a_reader_changes_no_byte(damaged):
    before = damaged.read_bytes()
    with ProjectFile.open(damaged, Access.READ) as file:
        assert file.project.name == "last"
        assert file.media("s") == damaged.parent / "s.mp4"
    assert damaged.read_bytes() == before
    assert Path(damaged.parent / ".film.dcut.reserve").exists() is False
