"""The project file keeps every acknowledged edit, its history and its takes, and says clearly what is wrong with it."""

import os
import random
import shutil
import sqlite3
import threading
from dataclasses import replace

import pytest

from engine.errors import (
    EditRefused,
    MissingMedia,
    ProjectBusy,
    ProjectDamaged,
    ProjectError,
    ProjectTooNew,
    SourceChanged,
    StorageError,
    UsageError,
)
from engine.model import edits as e
from engine.model.project import Project
from engine.store import schema
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.projects import one_source_project, patch


@pytest.fixture
def path(tmp_path):
    return tmp_path / "film.dcut"


@pytest.fixture
def media(tmp_path):
    file = tmp_path / "media" / "s.mp4"
    file.parent.mkdir()
    file.write_bytes(b"film" * 1000)
    return file


def rename(name):
    return e.RenameProject(name)


def test_what_is_committed_is_there_when_the_file_is_opened_again(path):
    project = one_source_project(60)
    with ProjectFile.create(path, project) as file:
        assert file.project == project
        after = file.commit(e.AddPatch(patch("p", (10, 20))))
        assert file.project == after
    with ProjectFile.open(path) as file:
        assert file.project == after
    assert sorted(p.name for p in path.parent.iterdir()) == ["film.dcut"]


def test_a_refused_edit_leaves_no_trace(path):
    with ProjectFile.create(path, one_source_project(60)) as file:
        with pytest.raises(EditRefused):
            file.commit(e.RemovePatch("none"))
        assert file.history.done == ()
    with ProjectFile.open(path) as file:
        assert file.project == one_source_project(60)


def test_undo_and_redo_go_through_everything_and_survive_closing(path):
    names = [f"name {n}" for n in range(12)]
    with ProjectFile.create(path, Project("p")) as file:
        for name in names:
            file.commit(rename(name))
        assert file.undo(3).name == "name 8"
    with ProjectFile.open(path) as file:
        assert file.project.name == "name 8"
        assert len(file.history.done) == 9
        assert len(file.history.undone) == 3
        assert file.redo().name == "name 9"
        assert file.undo(10).name == ""
        with pytest.raises(EditRefused, match="there is nothing to undo"):
            file.undo()
    with ProjectFile.open(path) as file:
        assert file.redo(12).name == "name 11"
        with pytest.raises(EditRefused, match="there is nothing to redo"):
            file.redo()
        file.undo(6)
        assert file.commit(rename("branch")).name == "branch"
        assert file.history.undone == ()
        assert file.undo().name == "name 5"


def test_the_history_names_its_steps_next_to_redo_first(path):
    with ProjectFile.create(path, one_source_project(60)) as file:
        file.commit(rename("a"))
        file.commit(e.AddPatch(patch()))
        file.commit(e.SetInOut(None))
        file.undo(2)
        assert [step.title for step in file.history.done] == ["Rename project"]
        assert [step.title for step in file.history.undone] == ["Add patch", "Set in and out"]
        assert file.history.done[0].at_ms > 1_600_000_000_000


def test_many_edits_are_undone_to_the_start_from_snapshots_alone(path, monkeypatch):
    monkeypatch.setattr("engine.store.project_file.REMEMBERED", 4)
    monkeypatch.setattr("engine.store.project_file.EVERY", 20)
    with ProjectFile.create(path, Project("p")) as file:
        for n in range(90):
            file.commit(rename(str(n)))
    with ProjectFile.open(path) as file:
        kept = [row[0] for row in file._connection.execute("SELECT seq FROM snapshots ORDER BY seq")]
        assert kept == [0, 20, 40, 60, 80]
        assert file.project.name == "89"
        assert file.undo(30).name == "59"
        assert file.undo(50).name == "9"
        assert file.undo(10).name == ""
        assert file.redo(73).name == "72"


def test_only_the_newest_snapshots_and_the_first_are_kept(path, monkeypatch):
    monkeypatch.setattr("engine.store.project_file.EVERY", 5)
    with ProjectFile.create(path, Project("p")) as file:
        for n in range(60):
            file.commit(rename(str(n)))
        kept = [row[0] for row in file._connection.execute("SELECT seq FROM snapshots ORDER BY seq")]
        assert kept == [0, *range(25, 61, 5)]


def test_creating_never_replaces_what_is_there(path):
    path.write_bytes(b"something of value")
    with pytest.raises(UsageError, match="exists already"):
        ProjectFile.create(path, Project("p"))
    assert path.read_bytes() == b"something of value"
    assert os.listdir(path.parent) == [path.name]


def test_creating_where_it_cannot_be_leaves_nothing(tmp_path):
    with pytest.raises(StorageError):
        ProjectFile.create(tmp_path / "nowhere" / "film.dcut", Project("p"))
    with pytest.raises(MissingMedia):
        ProjectFile.create(tmp_path / "film.dcut", one_source_project(), {"s": tmp_path / "none.mp4"})
    assert os.listdir(tmp_path) == []


def test_one_writer_and_any_number_of_readers(path):
    with ProjectFile.create(path, Project("p")) as file:
        with pytest.raises(ProjectBusy, match="another window or program"):
            ProjectFile.open(path)
        file.commit(rename("a"))
        with ProjectFile.open(path, Access.READ) as reader:
            assert reader.project.name == "a"
            file.commit(rename("b"))
            assert reader.project.name == "a"
            with pytest.raises(ProjectError, match="for reading only"):
                reader.commit(rename("c"))
            with pytest.raises(ProjectError, match="for reading only"):
                reader.add_take(b"x", "image/png")
    with ProjectFile.open(path) as file:
        assert file.project.name == "b"


def test_a_writer_notices_that_another_program_wrote(path):
    with ProjectFile.create(path, Project("p")) as file:
        file.commit(rename("a"))
        # What a program on a network folder without locks could do.
        file._lock.release()
        with ProjectFile.open(path) as other:
            other.commit(rename("theirs"))
        with pytest.raises(ProjectBusy, match="changed by another program"):
            file.commit(rename("ours"))
        assert file.project.name == "a"
    with ProjectFile.open(path) as file:
        assert file.project.name == "theirs"


def test_threads_share_one_file(path):
    with ProjectFile.create(path, one_source_project(60)) as file:

        def work(number):
            for n in range(8):
                file.commit(e.AddPatch(patch(f"{number}-{n}")))
                file.take(file.add_take(f"{number}-{n}".encode(), "image/png"))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(file.project.patches)) == 32
        expected = file.project
    with ProjectFile.open(path) as file:
        assert file.project == expected
        assert len(file.take_ids) == 32


def test_commands_in_the_same_process_do_not_disturb_an_open_writer(path):
    with ProjectFile.create(path, Project("p")) as file:
        for n in range(20):
            file.commit(rename(str(n)))
            with ProjectFile.open(path, Access.READ) as reader:
                assert reader.project.name == str(n)


# --- takes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 960 << 10, (960 << 10) + 1, 3_000_000])
def test_takes_are_lossless_and_kept_once(path, size):
    data = random.Random(size).randbytes(size)
    with ProjectFile.create(path, Project("p")) as file:
        id = file.add_take(data, "image/png", {"tool": "blur", "prompt": "Grüße"})
        assert file.add_take(data, "image/png") == id
        assert file.add_take(data, "image/jpeg") != id
    with ProjectFile.open(path) as file:
        take = file.take(id)
        assert (take.data, take.media_type, take.details) == (data, "image/png", {"tool": "blur", "prompt": "Grüße"})
        assert len(file.take_ids) == 2
        with pytest.raises(ProjectDamaged, match="does not hold the take nothing"):
            file.take("nothing")


def test_the_pieces_of_a_take_that_a_crash_left_unfinished_are_cleared_away(path):
    with ProjectFile.create(path, Project("p")) as file:
        id = file.add_take(b"x" * 2_000_000, "image/png")
        file._connection.execute("DELETE FROM takes")
    with ProjectFile.open(path) as file:
        assert file.take_ids == frozenset()
        assert file._connection.execute("SELECT count(*) FROM chunks").fetchone() == (0,)
        assert file.add_take(b"x" * 2_000_000, "image/png") == id


# --- media -----------------------------------------------------------------------------------------------------------


def test_media_is_found_where_it_was(path, media):
    with ProjectFile.create(path, one_source_project(), {"s": media}) as file:
        assert file.media("s") == media
        with pytest.raises(ProjectError, match="source t"):
            file.media("t")


def test_a_missing_file_and_a_changed_one_are_told_apart(path, media):
    with ProjectFile.create(path, one_source_project(), {"s": media}) as file:
        saved = media.read_bytes()
        media.write_bytes(b"another film")
        with pytest.raises(SourceChanged, match=r"s\.mp4 is not the file"):
            file.media("s")
        media.unlink()
        with pytest.raises(MissingMedia, match=r"s\.mp4 is not there"):
            file.media("s")
        other = path.parent / "moved.mp4"
        other.write_bytes(saved)
        file.place_media("s", other)
        assert file.media("s") == other
    with ProjectFile.open(path) as file:
        assert file.media("s") == other


def test_a_project_moved_with_its_media_finds_it_beside_itself(path, media, tmp_path):
    from engine.store.identity import content_hash

    with ProjectFile.create(path, one_source_project(), {"s": media}) as file:
        file.note_content_hash("s", content_hash(media))
    moved = tmp_path / "elsewhere"
    (moved / "media").mkdir(parents=True)
    shutil.copy(path, moved / "film.dcut")
    shutil.copy(media, moved / "media" / "s.mp4")
    media.unlink()
    with ProjectFile.open(moved / "film.dcut") as file:
        assert file.media("s") == moved / "media" / "s.mp4"
        assert file.place("s").absolute == str(moved / "media" / "s.mp4")


def test_a_touched_file_is_believed_by_its_content_alone(path, media):
    from engine.store.identity import content_hash

    with ProjectFile.create(path, one_source_project(), {"s": media}) as file:
        os.utime(media, ns=(1, 1))
        with pytest.raises(SourceChanged):
            file.media("s")
        file.note_content_hash("s", content_hash(media))
        assert file.media("s") == media
        assert file.place("s").identity.mtime_ns == 1
        data = bytearray(media.read_bytes())
        data[2000] ^= 1
        media.write_bytes(data)
        with pytest.raises(SourceChanged):
            file.media("s")


@pytest.mark.parametrize(
    "relative", ["../secret", "/etc/passwd", "a/../../secret", "C:\\x", "\\\\host\\share", "link/secret", "a\0b", "c:x"]
)
def test_a_strangers_relative_path_leads_nowhere_outside(tmp_path, relative):
    from engine.store.places import beside_project

    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (folder / "link").symlink_to(tmp_path)
    assert beside_project(relative, folder / "film.dcut") is None
    assert beside_project("media/s.mp4", folder / "film.dcut") == folder / "media" / "s.mp4"


# --- damage and strangers --------------------------------------------------------------------------------------------


def filled(path, edits=30):
    with ProjectFile.create(path, one_source_project(60)) as file:
        for n in range(edits):
            file.commit(e.AddPatch(patch(f"p{n}")))
        file.add_take(random.Random(1).randbytes(50_000), "image/png")
    return path


def test_a_later_version_is_named_as_such(path):
    filled(path, 1)
    _execute(path, f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(ProjectTooNew, match="update Deltacut"):
        ProjectFile.open(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no Deltacut project"),
        (b"text, not a project" * 100, "no project"),
        (b"SQLite format 3\0" * 40, "project"),
    ],
)
def test_what_is_no_project_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ProjectDamaged, match=message):
        ProjectFile.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(path):
    _execute(path, "CREATE TABLE t (a)")
    with pytest.raises(ProjectDamaged, match="no Deltacut project"):
        ProjectFile.open(path)


def test_a_missing_project_is_no_project(path):
    with pytest.raises(ProjectError, match="there is no project"):
        ProjectFile.open(path)
    with pytest.raises(ProjectError, match="there is no project"):
        ProjectFile.open(path.parent)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON journal BEGIN DELETE FROM takes; END",
        "CREATE VIEW v AS SELECT * FROM journal",
        "CREATE TABLE other (a)",
        "CREATE INDEX i ON journal (payload)",
        "CREATE VIRTUAL TABLE v USING fts5(a)",
        "DROP TABLE takes",
        "ALTER TABLE journal ADD COLUMN extra",
        "ALTER TABLE journal RENAME TO journal2",
    ],
)
def test_anything_else_in_the_schema_is_refused_before_it_can_run(path, statement):
    filled(path, 1)
    _execute(path, statement)
    with pytest.raises(ProjectDamaged):
        ProjectFile.open(path)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM journal WHERE seq = 30", "1 edits are missing"),
        ("DELETE FROM journal WHERE seq = 10", "row 10 is missing"),
        ("UPDATE journal SET payload = replace(payload, 'p7', 'q7') WHERE seq = 8", "row 8 fails its digest"),
        ("UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 8", "row 8 fails its digest"),
        ("UPDATE journal SET kind = 'oops' WHERE seq = 8", "row 8 is no journal row"),
        ("UPDATE journal SET payload = x'ff' WHERE seq = 8", "row 8"),
        ("DELETE FROM meta", "head"),
        ("UPDATE meta SET value = '0 ' || hex(zeroblob(16))", "head"),
        ("DELETE FROM snapshots", "snapshot"),
        ("UPDATE snapshots SET payload = x'00'", "snapshot"),
        ("UPDATE places SET size = size + 1", "place"),
    ],
)
def test_a_changed_row_is_noticed(path, media, statement, message):
    filled(path)
    with ProjectFile.open(path) as file:
        file.place_media("s", media)
    _execute(path, statement)
    with pytest.raises(ProjectDamaged, match=message):
        ProjectFile.open(path)


def test_a_damaged_take_is_noticed_when_it_is_read(path):
    filled(path)
    _execute(path, "UPDATE chunks SET data = zeroblob(length(data))")
    with ProjectFile.open(path) as file:
        (id,) = file.take_ids
        with pytest.raises(ProjectDamaged, match="picture of the take"):
            file.take(id)


def test_a_rewritten_journal_with_good_digests_is_still_only_refused(path):
    """A stranger can compute digests too: what the rows say must be checked as well."""
    from engine.store.journal import Head, RowKind, append, next_row

    for number, (kind, payload) in enumerate(
        [(RowKind.EDIT, "{}"), (RowKind.EDIT, '{"is":"RemovePatch","patch_id":"x"}'), (RowKind.UNDO, "99")]
    ):
        copy = path.with_name(f"{number}.dcut")
        with ProjectFile.create(copy, Project("p")):
            pass
        connection = sqlite3.connect(copy, isolation_level=None)
        append(connection, next_row(Head(), kind, payload, 0))
        connection.close()
        with pytest.raises(ProjectDamaged):
            ProjectFile.open(copy)


def test_a_row_exchanged_for_another_sound_one_is_noticed(path):
    from engine.store.journal import Head, RowKind, next_row

    with ProjectFile.create(path, Project("p")) as file:
        file.commit(rename("true"))
    row = next_row(Head(), RowKind.EDIT, e.edit_to_json(rename("false")), 0)
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE journal SET payload = ?, at_ms = 0, digest = ?, chain = ?", (row.payload, row.digest, row.chain)
    )
    connection.commit()
    connection.close()
    with pytest.raises(ProjectDamaged, match="journal"):
        ProjectFile.open(path)


def test_a_take_exchanged_for_another_sound_one_is_noticed(path):
    with ProjectFile.create(path, Project("p")) as file:
        id = file.add_take(b"true", "image/png")
    connection = sqlite3.connect(path)
    digest = schema.row_digest("chunk", id, 0, b"lies")
    connection.execute("UPDATE chunks SET data = ?, digest = ?", (b"lies", digest))
    connection.commit()
    connection.close()
    with ProjectFile.open(path) as file, pytest.raises(ProjectDamaged, match="picture of the take"):
        file.take(id)


def test_flipped_bytes_are_noticed_or_harmless(path, tmp_path):
    """Only our own errors, and never another project than the one that was saved."""
    filled(path)
    with ProjectFile.open(path, Access.READ) as file:
        project = file.project
    original = path.read_bytes()
    rng = random.Random(7)
    noticed = 0
    for number in range(150):
        data = bytearray(original)
        for _ in range(rng.choice([1, 1, 3, 40])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if number % 10 == 0:
            data = data[: rng.randrange(len(data))]
        damaged = tmp_path / "damaged.dcut"
        damaged.write_bytes(data)
        try:
            with ProjectFile.open(damaged) as file:
                assert file.project == project
                for id in file.take_ids:
                    file.take(id)
        except (ProjectError, StorageError):
            noticed += 1
        damaged.unlink()
    assert noticed > 50


def _execute(path, statement):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_project_with_a_changed_take_state_is_another_value(path):
    with ProjectFile.create(path, one_source_project(60)) as file:
        file.commit(e.AddPatch(patch("p")))
        before = file.project
        file.commit(e.ReplacePatch(replace(patch("p"), feather_px=3.0)))
        assert file.undo() == before
