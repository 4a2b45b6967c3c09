"""Services on loopback, folders of the test's own, and a project of a film of a wall."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from app.main import main
from tests.app.services.wall import make_clip
from tests.fakes.media import FAITHFUL
from tests.fakes.world import World

_FOREIGN = ("GOOGLE_", "GEMINI_", "KLING_", "ELEVENLABS_", "VERTEX_", "KEY_VAULT_", "OTEL_", "DELTACUT_")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.upper().endswith(("_API_KEY", "_PROXY")) or name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KEY_VAULT_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())


@pytest.fixture
def run(capsys):
    def command(*arguments: object) -> tuple[int, dict, str]:
        status = main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else {}, err

    return command


@pytest.fixture
def world(monkeypatch):
    with World(drift=FAITHFUL, video_height=192) as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services
        assert services.mistakes == []


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "film.mp4")


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    return path
