"""Where the caches of projects and films are kept on this machine; all of it can be deleted at any time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs

from app.workflows.places import data_folder
from engine.store.cache import Cache, cache_path

FOLDER_VARIABLE = "DELTACUT_CACHE"
"""Names another folder for the caches."""

MOST_BYTES = 20_000_000_000
"""The largest size of one project's cache, unless the settings name another."""


def cache_folder() -> Path:
    """Return the folder of the caches: DELTACUT_CACHE, else the platform's place for them."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else platformdirs.user_cache_path("deltacut", appauthor=False)


def most_bytes() -> int:
    """Return how large one project's cache may become, in bytes; settings that cannot be read change nothing."""
    try:
        chosen = json.loads((data_folder() / "settings.json").read_text("utf-8")).get("cache_bytes")
    except (OSError, ValueError, AttributeError):
        return MOST_BYTES
    return chosen if isinstance(chosen, int) and chosen >= 1 << 20 else MOST_BYTES


def project_cache(project_id: str) -> Cache:
    """Return the cache of a project."""
    return Cache(cache_path(cache_folder(), project_id), most_bytes())


def films_cache() -> Cache:
    """Return the cache of what is known of films that are in no project."""
    return Cache(cache_path(cache_folder(), "films"), most_bytes())
