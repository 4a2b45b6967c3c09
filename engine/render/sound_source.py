"""A source as the sound sees it: a file and its sound streams, with or without a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.model.media import AudioStream
from engine.render.film import Film


@dataclass(frozen=True, slots=True)
class SoundSource:
    """A file with sound; the streams in the order in which the model counts them."""

    path: Path
    streams: tuple[AudioStream, ...]


def sounds_of(films: Mapping[str, Film]) -> dict[str, SoundSource]:
    """Return the sound of films, by source id."""
    return {source_id: SoundSource(film.path, film.info.audio) for source_id, film in films.items()}
