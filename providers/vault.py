"""The keys on disk: one file, each key sealed on its own with AES-256-GCM, readable by its owner only.

The file (0600, in a folder of its own, 0700) is JSON::

    {"format": "deltacut-vault", "version": 1,
     "master": {"kind": "keyring", "name": ...},           where the master key is; never the key
     "check": {"nonce": ..., "sealed": ...},               tells a wrong master key from a damaged entry
     "entries": [{"provider": ..., "key": ..., "nonce": ..., "sealed": ...}]}

What is sealed is bound to its place by the additional data (app, format version, provider, key id): an entry moved to
another provider does not open. A damaged entry is kept as it is, byte for byte, when another one is written.
Nothing here prints, logs or returns a key but `get`.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.errors import VaultDamaged, VaultError, VaultLocked, VaultUnsafe
from providers.file_lock import locked
from providers.master_key import MasterKey, MasterKeys, Origin, origin_as_json, origin_from_json
from providers.sealing import SealBroken, Sealed, seal, unseal
from providers.secret import Secret

FILE_NAME = "keys.vault"
FORMAT = "deltacut-vault"
VERSION = 1
_CHECK = ("", "check")
_CHECK_TEXT = b"deltacut"
_SIZE_LIMIT_BYTES = 1 << 20
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)  # absent on Windows, where a link needs a privilege


@dataclass(frozen=True, slots=True)
class EntryInfo:
    """What an interface may show of a stored key: whose it is, and its last four characters."""

    provider: str
    key_id: str
    tail: str


@dataclass(frozen=True, slots=True)
class _File:
    origin: Origin
    check: Sealed
    entries: dict[tuple[str, str], dict[str, Any]]


class Vault:
    """The keys in a folder."""

    def __init__(self, folder: Path, master_keys: MasterKeys) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._master_keys = master_keys
        self._unlocked: MasterKey | None = None
        self._thread_lock = threading.RLock()

    @property
    def exists(self) -> bool:
        """Whether a key was ever stored."""
        return os.path.lexists(self._path)

    def get(self, provider: str, key_id: str) -> Secret | None:
        """Return a key, None if it is not stored.

        Raises:
            VaultError: the vault or this entry does not open.
        """
        with self._thread_lock:
            if not self.exists:
                return None
            file = self._read()
            entry = file.entries.get((provider, key_id))
            return None if entry is None else self._open(file, provider, key_id, entry)

    def entries(self) -> tuple[EntryInfo, ...]:
        """Return what may be shown of all keys.

        Raises:
            VaultError: the vault or one of its entries does not open.
        """
        with self._thread_lock:
            if not self.exists:
                return ()
            file = self._read()
            return tuple(
                EntryInfo(provider, key_id, self._open(file, provider, key_id, entry).tail)
                for (provider, key_id), entry in sorted(file.entries.items())
            )

    def names(self) -> tuple[tuple[str, str], ...]:
        """Return provider and key id of all keys; needs no master key."""
        with self._thread_lock:
            return tuple(sorted(self._read().entries)) if self.exists else ()

    def put(self, provider: str, key_id: str, secret: Secret) -> None:
        """Store a key in place of the former one.

        Raises:
            VaultError: the vault does not open, or there is no master key; what was stored stays as it was.
        """
        with self._writing():
            if self.exists:
                file = self._read()
                master = self._unlock(file)
            else:
                master = self._master_keys.fresh()
                self._unlocked = master
                file = _File(master.origin, _sealed(master.key, *_CHECK, _CHECK_TEXT), {})
            entry = _entry(provider, key_id, _sealed(master.key, provider, key_id, secret.reveal().encode()))
            self._write(_File(file.origin, file.check, {**file.entries, (provider, key_id): entry}), master.key)

    def remove(self, provider: str, key_id: str) -> bool:
        """Remove a key; return whether it was there. Needs no master key: a lost one must not keep keys on disk."""
        with self._writing():
            if not self.exists:
                return False
            file = self._read()
            if (provider, key_id) not in file.entries:
                return False
            rest = {place: entry for place, entry in file.entries.items() if place != (provider, key_id)}
            self._write(_File(file.origin, file.check, rest), None)
            return True

    def rotate(self, to: MasterKey) -> None:
        """Seal everything anew under another master key.

        All is decrypted, encrypted to a temporary file, synced, read back and compared, then put in place; only then
        the former master key is dropped. A crash at any point leaves the one or the other, whole.

        Raises:
            VaultError: something does not open; nothing was changed.
        """
        with self._writing():
            if not self.exists:
                raise VaultError("there is no vault yet, so there is nothing to rotate")
            file = self._read()
            entries = {}
            for (provider, key_id), entry in file.entries.items():
                text = self._open(file, provider, key_id, entry).reveal().encode()
                entries[provider, key_id] = _entry(provider, key_id, _sealed(to.key, provider, key_id, text))
            self._unlock(file)
            self._write(_File(to.origin, _sealed(to.key, *_CHECK, _CHECK_TEXT), entries), to.key)
            self._unlocked = to
            if file.origin != to.origin:
                self._master_keys.drop(file.origin)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._thread_lock:
            _safe_folder(self._folder)
            with locked(self._folder / "lock"):
                yield

    def _unlock(self, file: _File) -> MasterKey:
        master = self._unlocked
        if master is None or not _opens(master.key, file.check, *_CHECK):
            master = self._master_keys.existing(file.origin)
        if not _opens(master.key, file.check, *_CHECK):
            if any(_opens(master.key, _seal_of(entry), *place) for place, entry in file.entries.items()):
                raise VaultDamaged(
                    f"{self._path} is damaged (its check does not open, its keys do); set the keys again"
                )
            raise VaultLocked(
                f"{self._path} was not made with this master key; use the one it was made with, or remove the file "
                "and set the keys again"
            )
        self._unlocked = master
        return master

    def _open(self, file: _File, provider: str, key_id: str, entry: dict[str, Any]) -> Secret:
        try:
            text = unseal(self._unlock(file).key, _seal_of(entry), _context(provider, key_id))
        except SealBroken:
            text = None
        if text is None:
            raise VaultDamaged(f"the key {provider}/{key_id} in {self._path} is damaged; set it again")
        return Secret(text.decode())

    def _read(self) -> _File:
        _safe_folder(self._folder)
        data = _read_private(self._path)
        try:
            return _parse(data)
        except VaultError as error:
            raise type(error)(f"{self._path}: {error}") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass
        raise VaultDamaged(f"{self._path} is damaged; restore it from a backup, or remove it and set the keys again")

    def _write(self, file: _File, master: bytes | None) -> None:
        data = _serialised(file)
        for stale in self._folder.glob(f"{FILE_NAME}.*.new"):  # what a crash left; we hold the lock
            stale.unlink()
        temporary = self._folder / f"{FILE_NAME}.{os.urandom(6).hex()}.new"
        try:
            _write_private(temporary, data)
            written = _parse(_read_private(temporary))
            if written != file or (master is not None and not _opens(master, written.check, *_CHECK)):
                raise VaultDamaged(f"{temporary} does not read back as written; nothing was changed")
            temporary.replace(self._path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(self._folder)


def _context(provider: str, key_id: str) -> bytes:
    place = {"app": "deltacut", "format": VERSION, "key": key_id, "provider": provider}
    return json.dumps(place, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _sealed(key: bytes, provider: str, key_id: str, text: bytes) -> Sealed:
    return seal(key, text, _context(provider, key_id))


def _opens(key: bytes, sealed: Sealed, provider: str, key_id: str) -> bool:
    try:
        unseal(key, sealed, _context(provider, key_id))
    except SealBroken:
        return False
    return True


def _entry(provider: str, key_id: str, sealed: Sealed) -> dict[str, Any]:
    return {"provider": provider, "key": key_id, **_seal_as_json(sealed)}


def _seal_as_json(sealed: Sealed) -> dict[str, str]:
    return {
        "nonce": base64.b64encode(sealed.nonce).decode(),
        "sealed": base64.b64encode(sealed.ciphertext).decode(),
    }


def _seal_of(entry: dict[str, Any]) -> Sealed:
    try:
        return Sealed(base64.b64decode(entry["nonce"], validate=True), base64.b64decode(entry["sealed"], validate=True))
    except (ValueError, TypeError, KeyError):
        return Sealed(b"", b"")  # opens with no key: a damaged entry among sound ones


def _serialised(file: _File) -> bytes:
    content = {
        "format": FORMAT,
        "version": VERSION,
        "master": origin_as_json(file.origin),
        "check": _seal_as_json(file.check),
        "entries": [entry for _, entry in sorted(file.entries.items())],
    }
    return json.dumps(content, indent=1).encode()


def _parse(data: bytes) -> _File:
    content = json.loads(data)
    if content["format"] != FORMAT:
        raise VaultDamaged("this is not a vault")
    if content["version"] != VERSION:
        raise VaultError(f"the vault has format {content['version']}, this Deltacut reads {VERSION}; update it")
    entries = {(str(entry["provider"]), str(entry["key"])): dict(entry) for entry in content["entries"]}
    return _File(origin_from_json(content["master"]), _seal_of(content["check"]), entries)


def _safe_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name != "posix":
        return  # Windows keeps the user's folders to the user by inherited access lists
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise VaultUnsafe(f"{folder} is a link, or not yours, or others may write to it; move it away or chmod 700 it")
    if status.st_mode & 0o077:
        folder.chmod(0o700)


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NOFOLLOW)
    except OSError as error:
        raise VaultUnsafe(f"{path} cannot be opened ({error.strerror}); a link is not followed") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise VaultUnsafe(f"{path} is not a plain file")
        if os.name == "posix" and (status.st_uid != os.geteuid() or status.st_mode & 0o077):
            raise VaultUnsafe(f"{path} is not yours, or others may read it; chmod 600 it if you trust its content")
        if status.st_size > _SIZE_LIMIT_BYTES:
            raise VaultDamaged(f"{path} has {status.st_size} bytes, too many for a vault")
        return file.read()


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # a folder cannot be opened there; the rename itself is journalled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
