"""The operating system's keyring, used only where it is known to keep secrets encrypted.

`keyring` happily picks backends that write plaintext files or drop what they are given; so the backend's class must be
on the list below, and what was set is read back. Calls can block on D-Bus for ever, so each runs under a timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from providers.errors import KeyringUnusable

T = TypeVar("T")

SERVICE = "deltacut"

# Module and class, compared exactly: a subclass may do anything.
ENCRYPTED_BACKENDS = frozenset(
    {
        ("keyring.backends.SecretService", "Keyring"),
        ("keyring.backends.libsecret", "Keyring"),
        ("keyring.backends.kwallet", "DBusKeyring"),
        ("keyring.backends.kwallet", "DBusKeyringKWallet4"),
        ("keyring.backends.macOS", "Keyring"),
        ("keyring.backends.Windows", "WinVaultKeyring"),
    }
)
_CHAINER = ("keyring.backends.chainer", "ChainerBackend")


class KeyringStore(Protocol):
    """A place for the master key."""

    def get(self, name: str) -> str | None:
        """Return what is stored under the name, None if nothing is."""
        ...

    def put(self, name: str, text: str) -> None:
        """Store the text, so that `get` returns it."""
        ...

    def delete(self, name: str) -> None:
        """Remove the text; nothing happens if there is none."""
        ...


class Backend(Protocol):
    """The part of a keyring backend that is used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the stored text."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a text."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Remove a text."""
        ...


class SystemKeyring:
    """The operating system's keyring; every method raises KeyringUnusable where it cannot be trusted or reached."""

    def __init__(self, choose: Callable[[], object] | None = None, timeout_s: float = 20.0) -> None:
        self._choose = choose or _configured_backend
        self._timeout_s = timeout_s

    def get(self, name: str) -> str | None:
        """Return what is stored under the name, None if nothing is."""
        return self._timed(lambda: self._backend().get_password(SERVICE, name))

    def put(self, name: str, text: str) -> None:
        """Store the text and read it back."""

        def store() -> str | None:
            backend = self._backend()
            backend.set_password(SERVICE, name, text)
            return backend.get_password(SERVICE, name)

        if self._timed(store) != text:
            raise KeyringUnusable(
                "the keyring took the vault's master key but does not give it back; "
                "set KEY_VAULT_MASTER_KEY or use a passphrase instead"
            )

    def delete(self, name: str) -> None:
        """Remove the text; nothing happens if there is none."""

        def remove() -> None:
            backend = self._backend()
            if backend.get_password(SERVICE, name) is not None:
                backend.delete_password(SERVICE, name)

        self._timed(remove)

    def _backend(self) -> Backend:
        return encrypted_backend(self._choose())

    def _timed(self, act: Callable[[], T]) -> T:
        done: list[T] = []
        failed: list[str] = []

        def run() -> None:
            try:
                done.append(act())
            except KeyringUnusable as error:
                failed.append(str(error))
            except Exception as error:
                # Only the type: a backend's message may quote what it was given.
                failed.append(f"the keyring failed ({type(error).__name__}); is it unlocked?")

        worker = threading.Thread(target=run, name="keyring", daemon=True)
        worker.start()
        worker.join(self._timeout_s)
        if failed:
            raise KeyringUnusable(failed[0])
        if not done:
            raise KeyringUnusable(
                f"the keyring did not answer within {self._timeout_s:g} s; "
                "unlock it, set KEY_VAULT_MASTER_KEY or use a passphrase"
            )
        return done[0]


def encrypted_backend(backend: object) -> Backend:
    """Return the backend, or the first of a chain, that is on the list.

    Raises:
        KeyringUnusable: none is.
    """
    candidates = [backend]
    if _class_name(backend) == _CHAINER:
        candidates = list(getattr(backend, "backends", ()))
    for candidate in candidates:
        if _class_name(candidate) in ENCRYPTED_BACKENDS:
            return candidate  # type: ignore[return-value]
    names = ", ".join(".".join(_class_name(candidate)) for candidate in candidates) or "none"
    raise KeyringUnusable(
        f"no keyring that is known to encrypt (found: {names}); set KEY_VAULT_MASTER_KEY or use a passphrase"
    )


def _configured_backend() -> object:
    import keyring  # 0.1 s, and it looks for backends: only when it is needed

    return keyring.get_keyring()


def _class_name(backend: object) -> tuple[str, str]:
    return type(backend).__module__, type(backend).__qualname__
