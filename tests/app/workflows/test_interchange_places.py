"""Where an exchanged timeline's films are looked for, and where never."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.workflows import interchange
from app.workflows.interchange import export_otio, import_otio
from engine.control import CancelToken, Progress
from engine.errors import InterchangeError, StorageError, UsageError
from engine.model.project import Project
from engine.store.project_file import ProjectFile

FOLDER = Path("/edits/today")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("film.mp4", FOLDER / "film.mp4"),
        ("media/a%20film.mp4", FOLDER / "media/a film.mp4"),
        ("../film.mp4", FOLDER / "../film.mp4"),
        ("/films/film.mp4", Path("/films/film.mp4")),
        ("file:///films/a%20film.mp4", Path("/films/a film.mp4")),
        ("file://localhost/films/film.mp4", Path("/films/film.mp4")),
    ],
)
def test_a_url_of_this_machine_names_a_file(url, path):
    assert interchange._path_of(url, FOLDER) == path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com/film.mp4",
        "https://example.com/film.mp4",
        "smb://server/share/film.mp4",
        "file://server/share/film.mp4",
        "//server/share/film.mp4",
        "\\\\server\\share\\film.mp4",
        "file:////server/share/film.mp4",
        "data:video/mp4;base64,AAAA",
        "film%00.mp4",
        "http://[",
    ],
)
def test_a_url_of_anywhere_else_is_never_followed(url):
    assert interchange._path_of(url, FOLDER) is None


@pytest.fixture
def project(tmp_path) -> Path:
    path = tmp_path / "empty.dcut"
    ProjectFile.create(path, Project("p")).close()
    return path


def test_a_timeline_is_written_under_its_own_suffix_only(project, tmp_path):
    with pytest.raises(UsageError, match=r"\.otio"):
        export_otio(project, tmp_path / "film.mp4", Progress(), CancelToken())


def test_a_timeline_that_cannot_be_written_leaves_nothing(project, tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        export_otio(project, tmp_path / "nowhere" / "film.otio", Progress(), CancelToken())


def test_a_timeline_that_shows_no_film_is_no_project(project, tmp_path):
    export_otio(project, tmp_path / "film.otio", Progress(), CancelToken())
    with pytest.raises(InterchangeError, match="shows no film"):
        import_otio(tmp_path / "film.otio", tmp_path / "new.dcut", None, Progress(), CancelToken())
    assert not (tmp_path / "new.dcut").exists()


def test_a_project_that_is_there_is_never_written_over(project, tmp_path):
    with pytest.raises(UsageError, match="exists already"):
        import_otio(tmp_path / "film.otio", project, None, Progress(), CancelToken())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"not a timeline", b"[" * 50_000])
def test_what_is_no_timeline_is_said_to_be_none(tmp_path, content):
    (tmp_path / "film.otio").write_bytes(content)
    with pytest.raises(InterchangeError, match=r"film\.otio"):
        import_otio(tmp_path / "film.otio", tmp_path / "new.dcut", None, Progress(), CancelToken())


def test_a_folder_of_films_that_is_not_there_is_named(project, tmp_path):
    export_otio(project, tmp_path / "film.otio", Progress(), CancelToken())
    with pytest.raises(UsageError, match="nowhere"):
        import_otio(tmp_path / "film.otio", tmp_path / "new.dcut", tmp_path / "nowhere", Progress(), CancelToken())
