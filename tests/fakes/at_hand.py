"""The services on loopback for a test, with keys that they accept and none of the person's own."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.fakes.world import World

if TYPE_CHECKING:
    import pytest

_FOREIGN = ("GOOGLE_", "GEMINI_", "KLING_", "ELEVENLABS_", "VERTEX_", "KEY_VAULT_", "OTEL_", "DELTACUT_OFFLINE")


def without_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take everything about services out of the environment, and give the vault a master key of the test's."""
    for name in list(os.environ):
        if name.upper().endswith(("_API_KEY", "_PROXY")) or name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KEY_VAULT_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())


@contextmanager
def at_hand(monkeypatch: pytest.MonkeyPatch, **settings: object) -> Iterator[World]:
    """Start the services; at the end none of them may have seen a request that the true one would refuse to read."""
    without_own_keys(monkeypatch)
    with World(**settings) as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services
        assert services.mistakes == []
