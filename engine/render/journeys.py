"""Where patches that follow the picture are: tracked once per inputs, and kept in the project's cache.

A track depends on the source, the anchor and its region alone, so another tool, picture, feather or correction by hand
does not track again, and a longer window goes on where a shorter one stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from engine.control import CancelToken, Progress
from engine.model.media import VideoStream
from engine.model.ops import PatchOp
from engine.model.patch import Follow, Nudge
from engine.model.pixel_format import PixelFormat, Scan
from engine.model.region import Region
from engine.model.time import Range
from engine.model.tool import Remove
from engine.motion import track as tracking
from engine.motion.frame import FrameReader, MotionFrame
from engine.motion.track import Track
from engine.motion.track_blob import track_from_bytes, track_to_bytes
from engine.patches.blend import Planes
from engine.patches.fields import FieldOrder
from engine.patches.journey_blob import journey_from_bytes, journey_to_bytes
from engine.patches.matte import Matte
from engine.patches.patch import FilmFacts, PlaneReader, motion_frame
from engine.patches.propagate import Anchor, Journey, propagate, stay
from engine.render.films import Films
from engine.render.frame_shelf import FrameShelf
from engine.render.kept import Kept
from engine.render.patch_matte import PatchMattes
from engine.render.segment import SegmentCache

_TRACK, _JOURNEY = "track", "journey"
_KEPT = 24


class Journeys:
    """Finds where patches are on the frames of their windows; thread-safe.

    Args:
        films: the sources.
        shelf: their frames, read lately.
        mattes: of patches on their anchors.
        cache: of tracks and journeys.
        identities: what stands for each source's content, by source id; the id itself where it is missing.
    """

    def __init__(
        self, films: Films, shelf: FrameShelf, mattes: PatchMattes, cache: SegmentCache, identities: Mapping[str, str]
    ) -> None:
        self._films = films
        self._shelf = shelf
        self._mattes = mattes
        self._cache = cache
        self._identities = dict(identities)
        self._kept: Kept[str, Journey] = Kept(_KEPT)

    def facts(self, source_id: str) -> FilmFacts:
        """Return what a patch needs to know of a source."""
        video = self._films.video(source_id)
        pixel_format = PixelFormat.of(video)
        fields = FieldOrder.of(video) if pixel_format.scan is Scan.INTERLACED else None
        return FilmFacts(pixel_format, video.rotation, video.sar, fields)

    def picture_planes(self, source_id: str) -> PlaneReader:
        """Return a reader of a source's pictures: its frames, or the single fields of an interlaced film."""
        facts = self.facts(source_id)

        def read(number: int) -> Planes:
            frame, moment = divmod(number, facts.per_frame)
            return facts.picture(self._shelf.planes(source_id, frame), moment)

        return read

    def is_known(self, op: PatchOp, source_id: str) -> bool:
        """Tell whether a journey is at hand without any tracking."""
        if op.motion.follow is Follow.STATIC:
            return True
        key = self._key(op, source_id)
        return self._kept.find(key) is not None or self._cache.get(_JOURNEY, key) is not None

    def journey(self, op: PatchOp, source_id: str, progress: Progress, cancel: CancelToken) -> Journey:
        """Return where a patch is, counted in pictures (see FilmFacts.per_frame); tracked where it has to be.

        Raises:
            EditRefused: it cannot be followed.
            MediaError: a frame cannot be read.
            Cancelled: on request.
        """
        key = self._key(op, source_id)

        def make() -> Journey:
            blob = self._cache.get(_JOURNEY, key)
            known = journey_from_bytes(blob) if blob is not None else None
            if known is not None:
                return known
            journey = self._followed(op, source_id, progress, cancel)
            if op.motion.follow is not Follow.STATIC:
                self._cache.put(_JOURNEY, key, journey_to_bytes(journey))
            return journey

        return self._kept.get(key, make)

    def _key(self, op: PatchOp, source_id: str) -> str:
        return _digest(
            "journey",
            tracking.VERSION,
            self._identity(source_id),
            (op.region, op.matte, op.anchor),
            (op.motion.follow, op.motion.anchors, op.motion.nudges),
            self._frames(op, source_id),
        )

    def _identity(self, source_id: str) -> str:
        return self._identities.get(source_id, source_id)

    def _frames(self, op: PatchOp, source_id: str) -> Range:
        """Return the frames that a journey covers: the window, and where a removal looks for the background."""
        count = self._films.times(source_id).count
        if op.window is None:
            return Range(0, count)
        reach = op.tool.reach if isinstance(op.tool, Remove) else 0
        return Range(max(0, op.window.start - reach), min(count, op.window.stop + reach))

    def _followed(self, op: PatchOp, source_id: str, progress: Progress, cancel: CancelToken) -> Journey:
        facts, video = self.facts(source_id), self._films.video(source_id)
        per_frame = facts.per_frame
        frames = self._frames(op, source_id)
        window = Range(frames.start * per_frame, frames.stop * per_frame)
        drawn = {op.anchor: (op.region, op.matte)}
        drawn |= {
            frame: (region, None) for frame, region in op.motion.anchors if frame in frames and frame != op.anchor
        }
        nudges = tuple(
            replace(nudge, frame=nudge.frame * per_frame + moment)
            for nudge in _decoded(op.motion.nudges, video)
            for moment in range(per_frame)
        )
        size = video.width, video.height
        if op.motion.follow is Follow.STATIC:
            anchor = _anchor(op.anchor * per_frame, self._mattes.matte(op.region, op.matte, video))
            if not nudges:
                return stay(anchor, window)
            return propagate(_no_frame, (anchor,), window, Follow.STATIC, nudges, size, progress, cancel)
        anchors = tuple(
            _anchor(frame * per_frame, self._mattes.matte(region, refined, video))
            for frame, (region, refined) in drawn.items()
        )
        keys = {
            frame * per_frame: self._track_key(source_id, frame, region, refined, op.motion.follow)
            for frame, (region, refined) in drawn.items()
        }
        former = tuple(item for item in map(self._known_track, keys.values()) if item is not None)
        journey = propagate(
            self._reader(source_id), anchors, window, op.motion.follow, nudges, size, progress, cancel, former
        )
        lengths = {item.anchor: len(item.frames) for item in former}
        for item in journey.tracks:
            if len(item.frames) > lengths.get(item.anchor, 0):
                self._cache.put(_TRACK, keys[item.anchor], track_to_bytes(item))
        return journey

    def _track_key(self, source_id: str, frame: int, region: Region, refined: str | None, follow: Follow) -> str:
        return _digest("track", tracking.VERSION, self._identity(source_id), (region, refined, frame), follow)

    def _known_track(self, key: str) -> Track | None:
        blob = self._cache.get(_TRACK, key)
        return None if blob is None else track_from_bytes(blob)

    def _reader(self, source_id: str) -> FrameReader:
        read, pixel_format = self.picture_planes(source_id), self.facts(source_id).picture_format

        def looked(number: int) -> MotionFrame:
            return motion_frame(read(number), pixel_format)

        return looked


def _anchor(picture: int, matte: Matte) -> Anchor:
    return Anchor(picture, matte.full(), matte.bounds)


def _no_frame(number: int) -> MotionFrame:
    raise AssertionError(f"a patch that stays needs no frame, but {number} was asked for")


def _decoded(nudges: tuple[Nudge, ...], video: VideoStream) -> tuple[Nudge, ...]:
    """Return corrections of the displayed picture as those of the decoded frame."""
    match video.rotation % 360:
        case 90:
            return tuple(replace(nudge, dx=nudge.dy, dy=-nudge.dx) for nudge in nudges)
        case 180:
            return tuple(replace(nudge, dx=-nudge.dx, dy=-nudge.dy) for nudge in nudges)
        case 270:
            return tuple(replace(nudge, dx=-nudge.dy, dy=nudge.dx) for nudge in nudges)
        case _:
            return nudges


def _digest(*inputs: object) -> str:
    # The inputs are frozen values of numbers and texts, whose repr says all of them.
    return hashlib.blake2b(repr(inputs).encode(), digest_size=20, person=b"dcut-journey").hexdigest()
