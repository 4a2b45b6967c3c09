"""A film file kept open with FFmpeg, for reading its packets and for playing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from av.container import InputContainer
from av.stream import Disposition, Stream

from engine.errors import UnsupportedMedia
from engine.media.bitstream.nal import Framing
from engine.media.containers import Family, family, patience
from engine.media.demux import is_still, opened

_UNDECODED = {"skip_frame": "all", "probesize": "100000"}
"""FFmpeg's options: look at the first packets only, and decode none."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmFile:
    """An open film; made by `open_film`. For one thread at a time.

    Attributes:
        container: open for reading.
        edited: the stream index of the film's picture.
        view: opens the film as it will be, None where its file shows that.
    """

    path: Path
    container: InputContainer
    edited: int
    view: Callable[[], BinaryIO] | None = None

    @property
    def family(self) -> Family:
        """Return the family of its format."""
        return family(self.container.format.name)


@contextmanager
def open_film(path: Path, view: Callable[[], BinaryIO] | None = None) -> Iterator[FilmFile]:
    """Open a film with every track it has.

    Args:
        path: the film.
        view: opens the film as it will be, where that is not yet what its file shows.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia: it cannot be opened, or holds no picture.
    """
    with ExitStack() as stack:
        stream = None if view is None else stack.enter_context(view())
        container = stack.enter_context(opened(path, stream=stream))
        options = patience(container.format.name)
        if options and view is None:
            container = stack.enter_context(opened(path, options))
        yield FilmFile(path, container, _edited(path, container), view)


@contextmanager
def open_to_play(path: Path, view: Callable[[], BinaryIO] | None = None) -> Iterator[FilmFile]:
    """Open a film without decoding a first picture of it, which is most of the time that opening takes.

    What only a decoded picture tells (pixel format, colour where the format has no place for it) is not known of its
    streams. Arguments and errors as of `open_film`.
    """
    with ExitStack() as stack:
        stream = None if view is None else stack.enter_context(view())
        container = stack.enter_context(opened(path, stream=stream, probing=_UNDECODED))
        yield FilmFile(path, container, _edited(path, container), view)


def framing_of(stream: Stream) -> Framing:
    """Return how a stream's packets separate NAL units; start codes for codecs that have none."""
    context = stream.codec_context
    extradata = (context.extradata if context is not None else None) or b""
    if context is None or context.name not in ("h264", "hevc") or not extradata.startswith(b"\x01"):
        return Framing.START_CODES
    # lengthSizeMinusOne: ISO/IEC 14496-15 5.3.3.1.2 and 8.3.3.1.2.
    at = 4 if context.name == "h264" else 21
    size = (extradata[at] & 3) + 1 if len(extradata) > at else 4
    return Framing(size) if size != 3 else Framing.LENGTH_4


def _edited(path: Path, container: InputContainer) -> int:
    """Return the index of the film's picture: the video track marked as default, else the first, covers aside."""
    videos = [s for s in container.streams.video if not is_still(s) and s.codec_context is not None]
    marked = [s for s in videos if s.disposition & Disposition.default]
    if not videos:
        raise UnsupportedMedia(f"{path} holds no video that can be decoded here; give a film with a picture")
    return (marked or videos)[0].index
