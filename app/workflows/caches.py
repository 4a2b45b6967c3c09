"""Where the caches of projects and films are kept on this machine; all of it can be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from engine.store.cache import Cache, cache_path

FOLDER_VARIABLE = "DELTACUT_CACHE"
"""Names another folder for the caches."""

MOST_BYTES = 20 << 30


def cache_folder() -> Path:
    """Return the folder of the caches: DELTACUT_CACHE, else the platform's place for them."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else platformdirs.user_cache_path("deltacut", appauthor=False)


def project_cache(project_id: str) -> Cache:
    """Return the cache of a project."""
    return Cache(cache_path(cache_folder(), project_id), MOST_BYTES)


def films_cache() -> Cache:
    """Return the cache of what is known of films that are in no project."""
    return Cache(cache_path(cache_folder(), "films"), MOST_BYTES)
