"""Sample bytes straight from a file, by position."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from engine.errors import DamagedMedia, MissingMedia


class SampleReader:
    """Read samples of one file, which stays open until the reader is closed; use it as a context manager.

    Raises:
        MissingMedia: there is no such file.
        DamagedMedia: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise MissingMedia(f"{path} is not there; relink the source or choose another file") from error
        except OSError as error:
            raise DamagedMedia(f"{path} cannot be read: {error.strerror or error}") from error

    def read(self, position: int, size: int) -> bytes:
        """Return `size` bytes from byte offset `position` on.

        Raises:
            DamagedMedia: the file ends before, or cannot be read there.
        """
        try:
            self._file.seek(position)
            data = self._file.read(size)
            while len(data) < size and (more := self._file.read(size - len(data))):
                data += more
        except OSError as error:
            raise DamagedMedia(f"{self._path} cannot be read at byte {position}: {error.strerror or error}") from error
        if len(data) < size:
            raise DamagedMedia(
                f"{self._path} is truncated: {size} bytes expected at byte {position}, {len(data)} are there"
            )
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
