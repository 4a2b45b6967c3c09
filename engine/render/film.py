"""An opened source: where it is, what it is, and how its frames lie in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo


@dataclass(frozen=True, slots=True)
class Film:
    """A source that was probed and indexed.

    Attributes:
        identity: the digest of its whole content; caches are keyed by it.
    """

    path: Path
    info: MediaInfo
    index: FrameIndex
    identity: str
