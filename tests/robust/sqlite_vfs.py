"""Between SQLite and the disk: every write, truncation, sync and deletion is recorded, and a write may be made to fail.

The interpreter's own SQLite is wrapped through ctypes (sqlite3.h: `sqlite3_vfs`, `sqlite3_io_methods`), so that what is
tested is what ships. Only where that library is a shared one; else `available()` says no.
"""

from __future__ import annotations

import _sqlite3
import ctypes as c
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SQLITE_OK = 0
SQLITE_FULL = 13


class _IoMethods(c.Structure):
    pass


class _File(c.Structure):
    _fields_ = [("methods", c.POINTER(_IoMethods))]


_FileP = c.POINTER(_File)
_CLOSE = c.CFUNCTYPE(c.c_int, _FileP)
_WRITE = c.CFUNCTYPE(c.c_int, _FileP, c.c_void_p, c.c_int, c.c_int64)
_TRUNCATE = c.CFUNCTYPE(c.c_int, _FileP, c.c_int64)
_SYNC = c.CFUNCTYPE(c.c_int, _FileP, c.c_int)

_IoMethods._fields_ = [
    ("version", c.c_int),
    ("close", _CLOSE),
    ("read", c.c_void_p),
    ("write", _WRITE),
    ("truncate", _TRUNCATE),
    ("sync", _SYNC),
    # xFileSize to xUnfetch: used as they are.
    ("others", c.c_void_p * 13),
]


class _Vfs(c.Structure):
    pass


# The path is a bare address: SQLite keeps the very pointer, so it must not become a Python object on its way through.
_OPEN = c.CFUNCTYPE(c.c_int, c.POINTER(_Vfs), c.c_void_p, _FileP, c.c_int, c.POINTER(c.c_int))
_DELETE = c.CFUNCTYPE(c.c_int, c.POINTER(_Vfs), c.c_char_p, c.c_int)

_Vfs._fields_ = [
    ("version", c.c_int),
    ("file_size", c.c_int),
    ("path_limit", c.c_int),
    ("next", c.c_void_p),
    ("name", c.c_char_p),
    ("data", c.c_void_p),
    ("open", _OPEN),
    ("delete", _DELETE),
    # xAccess to xNextSystemCall: used as they are.
    ("others", c.c_void_p * 14),
]


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes were written at an offset."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file was cut off."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """A file's content, and its name, were made durable."""

    path: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A file was removed; durable: the folder was synced too."""

    path: str
    durable: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """The program noted that it had got so far."""

    number: int


Event = Write | Truncate | Sync | Delete | Mark


@dataclass
class Disk:
    """What happened, and what shall happen.

    Attributes:
        writes_left: how many more writes succeed before the disk is full; None: all.
    """

    events: list[Event] = field(default_factory=list)
    recording: bool = True
    writes_left: int | None = None
    paths: dict[int, str] = field(default_factory=dict)


def available() -> bool:
    """Tell whether the interpreter's SQLite is a library that can be wrapped."""
    try:
        return bool(_library().sqlite3_vfs_find)
    except (OSError, AttributeError):
        return False


def _library() -> c.CDLL:
    library = c.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = c.POINTER(_Vfs)
    return library


_kept_alive: list[object] = []
"""SQLite may call a wrapper as long as a connection made through it lives; so none is ever freed."""


@contextmanager
def wrapped() -> Iterator[Disk]:
    """Put the recorder between SQLite and the disk for every connection that is opened inside."""
    library = _library()
    original = library.sqlite3_vfs_find(None)
    disk = Disk()
    vfs = _Vfs()
    c.memmove(c.byref(vfs), original, c.sizeof(_Vfs))
    name = f"recorded-{id(disk)}".encode()
    vfs.name = name
    methods: dict[int, _IoMethods] = {}

    # Where the wrapped methods of each open file are; an address, since a ctypes pointer would be a view of the field.
    originals: dict[int, int] = {}

    def real(file: _FileP) -> _IoMethods:
        return _IoMethods.from_address(originals[c.addressof(file.contents)])

    def write(file: _FileP, data: int, count: int, offset: int) -> int:
        if disk.writes_left is not None:
            if disk.writes_left <= 0:
                return SQLITE_FULL
            disk.writes_left -= 1
        if disk.recording:
            path = disk.paths[c.addressof(file.contents)]
            disk.events.append(Write(path, offset, c.string_at(data, count)))
        return int(real(file).write(file, data, count, offset))

    def truncate(file: _FileP, size: int) -> int:
        if disk.recording:
            disk.events.append(Truncate(disk.paths[c.addressof(file.contents)], size))
        return int(real(file).truncate(file, size))

    def sync(file: _FileP, flags: int) -> int:
        if disk.recording:
            disk.events.append(Sync(disk.paths[c.addressof(file.contents)]))
        return int(real(file).sync(file, flags))

    def close(file: _FileP) -> int:
        address = c.addressof(file.contents)
        result = int(real(file).close(file))
        originals.pop(address, None)
        return result

    callbacks = (_WRITE(write), _TRUNCATE(truncate), _SYNC(sync), _CLOSE(close))

    def patched(address: int) -> _IoMethods:
        if address not in methods:
            table = _IoMethods.from_buffer_copy(_IoMethods.from_address(address))
            table.write, table.truncate, table.sync, table.close = callbacks
            methods[address] = table
        return methods[address]

    def open_file(vfs_pointer: object, path: int | None, file: _FileP, flags: int, out: object) -> int:
        result = int(original.contents.open(vfs_pointer, path, file, flags, out))
        if result == SQLITE_OK and path and file.contents.methods:
            address = c.addressof(file.contents)
            originals[address] = c.addressof(file.contents.methods.contents)
            disk.paths[address] = c.string_at(path).decode()
            file.contents.methods = c.pointer(patched(originals[address]))
        return result

    def delete(vfs_pointer: object, path: bytes, sync_folder: int) -> int:
        result = int(original.contents.delete(vfs_pointer, path, sync_folder))
        if result == SQLITE_OK and disk.recording:
            disk.events.append(Delete(path.decode(), bool(sync_folder)))
        return result

    vfs.open = _OPEN(open_file)
    vfs.delete = _DELETE(delete)
    _kept_alive.extend([vfs, name, methods, callbacks, vfs.open, vfs.delete, disk])
    library.sqlite3_vfs_register(c.byref(vfs), 1)
    try:
        yield disk
    finally:
        disk.recording = False
        disk.writes_left = None
        library.sqlite3_vfs_register(original, 1)
        library.sqlite3_vfs_unregister(c.byref(vfs))
