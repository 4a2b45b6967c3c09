"""A value that never shows itself: not in repr, str, format, pickle or a traceback that prints locals."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A key held in memory; `reveal()` is the only way to its text, called at the wire and nowhere else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself."""
        return self._text

    @property
    def tail(self) -> str:
        """The last four characters, for "ends in 1234"; nothing of a key too short to spare them."""
        return self._text[-4:] if len(self._text) >= 12 else ""

    def scrubbed(self, text: str) -> str:
        """Return `text` with every occurrence of the key blotted out (a service may echo it in an error)."""
        return text.replace(self._text, "***") if self._text else text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")
