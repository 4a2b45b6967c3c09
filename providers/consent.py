"""Nothing leaves the machine before a person has seen what it is and agreed.

A consent is given for one provider and for kinds of things (a crop and its mask, say): for this request only, for a
project, or for good. A request that sends a kind that was not agreed to asks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from pathlib import Path

from providers.contract import Disclosure, Place
from providers.database import Database, Durability
from providers.errors import ConsentMissing
from providers.layers import Call, Forward, Operation, Outcome

_SCHEMA = """
CREATE TABLE IF NOT EXISTS consents (
    provider TEXT NOT NULL, host TEXT NOT NULL, kind TEXT NOT NULL, reach TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (provider, host, kind, reach))
"""
_ALWAYS = "always"


class Reach(Enum):
    """How far a consent reaches."""

    REQUEST = "request"
    PROJECT = "project"
    ALWAYS = "always"


class Consents:
    """What was agreed to."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, _SCHEMA, Durability.POWER_CUT)
        self._clock = clock

    def grant(self, disclosure: Disclosure, reach: Reach, project: str) -> None:
        """Agree to what the disclosure shows."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO consents VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        disclosure.provider,
                        disclosure.host,
                        kind.value,
                        _reach(reach, disclosure, project),
                        self._clock(),
                    )
                    for kind in disclosure.kinds
                ],
            )

    def covers(self, disclosure: Disclosure, project: str) -> bool:
        """Return whether everything that the disclosure shows was agreed to."""
        rows = self._database.rows(
            "SELECT kind FROM consents WHERE provider = ? AND host = ? AND reach IN (?, ?, ?)",
            (disclosure.provider, disclosure.host, *(_reach(reach, disclosure, project) for reach in Reach)),
        )
        return {kind.value for kind in disclosure.kinds} <= {kind for (kind,) in rows}

    def withdraw(self, provider: str) -> None:
        """Take every consent for a provider back."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM consents WHERE provider = ?", (provider,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class ConsentLayer:
    """Stops what nobody agreed to."""

    def __init__(self, consents: Consents, project: str) -> None:
        self._consents = consents
        self._project = project

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on if there is consent."""
        if call.operation is Operation.START and call.traits.place is Place.REMOTE:
            assert call.quote is not None
            if not self._consents.covers(call.quote.sends, self._project):
                sends = call.quote.sends
                what = ", ".join(sorted(kind.value for kind in sends.kinds))
                raise ConsentMissing(
                    f"{call.traits.title} would get {what} ({_size(sends.size_bytes)}, to {sends.host}); look at it "
                    "and agree, or choose a local tool",
                    disclosure=sends,
                )
        return await forward(call)


def _size(count: int) -> str:
    return f"{count} bytes" if count < 1000 else f"{count / 1000:,.0f} kB"


def disclosure_digest(disclosure: Disclosure) -> str:
    """Return a digest of everything that a disclosure shows."""
    digest = blake2b(f"{disclosure.provider}\n{disclosure.host}".encode(), digest_size=16)
    for item in disclosure.items:
        digest.update(f"\n{item.kind.value} {item.mime} {len(item.data)}\n".encode() + item.data)
    return digest.hexdigest()


def _reach(reach: Reach, disclosure: Disclosure, project: str) -> str:
    match reach:
        case Reach.REQUEST:
            return f"request {disclosure_digest(disclosure)}"
        case Reach.PROJECT:
            return f"project {project}"
        case Reach.ALWAYS:
            return _ALWAYS
