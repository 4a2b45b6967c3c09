"""The tests of the providers reach loopback only, and see no key of the machine that runs them."""

from __future__ import annotations

import functools
import os
import socket
import ssl

import pytest
from pytest_socket import socket_allow_hosts

from providers.database import Durability

_FOREIGN = ("GOOGLE_", "GEMINI_", "KLING_", "ELEVENLABS_", "VERTEX_", "KEY_VAULT_", "OTEL_", "DELTACUT_")


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", socket.socket.connect)
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().endswith(("_API_KEY", "_PROXY")) or name.startswith(_FOREIGN):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _one_ssl_context():
    """Reading the system's certificates takes 30 ms, and each test makes clients of its own for plain loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk():
    """What survives a power cut is SQLite's matter; the tests kill processes, and those need no sync."""
    with pytest.MonkeyPatch.context() as patch:
        for level in Durability:
            patch.setattr(level, "_value_", "OFF")
        yield
