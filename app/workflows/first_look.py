"""Meet a film: for the first time in a child process, later from the cache."""

from __future__ import annotations

from pathlib import Path

from app.workflows.caches import films_cache
from engine.control import CancelToken, Progress
from engine.errors import ProtectedMedia
from engine.index.frame_index import build_index
from engine.index.index_blob import kept_index, load_or_build, to_bytes
from engine.media.guard import run_guarded_task
from engine.media.probe import probe
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo
from engine.store.cache import Cache
from engine.store.identity import quick_identity

MOST_SILENCE_S = 30.0
"""How long the first look at a film may take without getting on."""

_MET = "met"


def look_at(path: Path, progress: Progress, cancel: CancelToken) -> tuple[MediaInfo, FrameIndex]:
    """Return what a film is, and its frame index; nothing is written but the cache.

    Raises:
        MediaError: it cannot be used; the message says why.
        Cancelled: on request.
    """
    identity = quick_identity(path)
    key = f"{path.absolute()}:{identity.size}:{identity.mtime_ns}"
    with films_cache() as cache:
        return known_film(path, key, cache, progress, cancel)


def known_film(
    path: Path, key: str, cache: Cache, progress: Progress, cancel: CancelToken
) -> tuple[MediaInfo, FrameIndex]:
    """Return what a film is, and its index: found out in a child process the first time.

    There a decoder that crashes or hangs costs one message. A file that came through once is trusted from then on, as
    long as its key stays.
    """
    if cache.get(_MET, key) is not None:
        info = _readable(path, probe(path))
        return info, load_or_build(path, info, key, cache, progress, cancel)
    info, blob = run_guarded_task(_met, path, stall_s=MOST_SILENCE_S, progress=progress, cancel=cancel)
    index = kept_index(_readable(path, info), key, blob, cache)
    cache.put(_MET, key, b"1")
    return info, index


def _met(path: Path, progress: Progress, cancel: CancelToken) -> tuple[MediaInfo, bytes]:
    info = probe(path)
    return info, b"" if info.encrypted else to_bytes(build_index(path, info, progress, cancel))


def _readable(path: Path, info: MediaInfo) -> MediaInfo:
    if info.encrypted:
        raise ProtectedMedia(f"{path} is protected (CENC): its pictures cannot be read; use an unprotected copy")
    return info
