"""The project: one immutable value from which everything else derives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.layers import Layer, LayerKind, LayerSettings
from engine.model.markers import Marker
from engine.model.media import Colour
from engine.model.patch import Patch
from engine.model.sound import UNMIXED, AudioTrack, Mix
from engine.model.source import UNSPECIFIED, PictureFacts, Source
from engine.model.storyline import Clip, Conformed, Native, StoryItem, Timing
from engine.model.time import Range


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture that the timeline makes; pixels as displayed, rate in frames per second."""

    width: int = 1920
    height: int = 1080
    rate: Fraction = Fraction(25)
    sar: Fraction = Fraction(1)
    colour: Colour = UNSPECIFIED
    bit_depth: int = 8

    def __post_init__(self) -> None:
        if not (16 <= self.width <= 16384 and 16 <= self.height <= 16384):
            raise EditRefused(f"a canvas of {self.width}x{self.height} pixels: each side must be 16 to 16384")
        if not (Fraction(1, 10) <= self.rate <= 1000 and self.sar > 0):
            raise EditRefused(f"a canvas rate of {self.rate} frames/s: it must be 1/10 to 1000")

    @classmethod
    def of(cls, picture: PictureFacts) -> Canvas:
        """Return the canvas that a source's picture fills as it is."""
        rate = min(max(picture.rate, Fraction(1, 10)), Fraction(1000))
        return cls(picture.width, picture.height, rate, picture.sar, picture.colour, picture.bit_depth)

    def holds(self, picture: PictureFacts) -> bool:
        """Tell whether a picture fills the canvas pixel for pixel."""
        return (self.width, self.height, self.sar) == (picture.width, picture.height, picture.sar)


FIRST_LAYERS = (
    Layer("patches", LayerKind.PATCHES, LayerSettings("Patches")),
    Layer("overlays", LayerKind.OVERLAYS, LayerSettings("Overlays")),
    Layer("captions", LayerKind.CAPTIONS, LayerSettings("Captions")),
)
"""The layers of a new project; never to be changed, since stored projects leave them out while they are untouched."""


@dataclass(frozen=True, slots=True)
class Project:
    """A film in the making.

    Attributes:
        layers: bottom first.
        in_out: the marked range of the timeline, None for all of it.
    """

    id: str
    name: str = ""
    canvas: Canvas = Canvas()
    sources: tuple[Source, ...] = ()
    storyline: tuple[StoryItem, ...] = ()
    layers: tuple[Layer, ...] = FIRST_LAYERS
    markers: tuple[Marker, ...] = ()
    tracks: tuple[AudioTrack, ...] = ()
    mix: Mix = UNMIXED
    in_out: Range | None = None

    @classmethod
    def of_source(cls, id: str, source: Source) -> Project:
        """Return the untouched project of one film: timeline frame n is source frame n.

        Raises:
            EditRefused: the source has no picture or no frame.
        """
        if source.picture is None or source.frame_count == 0:
            raise EditRefused(f"{source.name} has no picture to edit")
        clip = Clip(f"{source.id}-clip", source.id, Native(Range(0, source.frame_count)), source.name)
        return cls(id, source.name, Canvas.of(source.picture), (source,), (clip,))

    def source(self, source_id: str) -> Source:
        """Return a source by id.

        Raises:
            EditRefused: there is none.
        """
        for source in self.sources:
            if source.id == source_id:
                return source
        raise EditRefused(f"the project has no source {source_id}")

    def picture(self, source_id: str) -> PictureFacts:
        """Return a source's picture.

        Raises:
            EditRefused: there is no such source, or it has none.
        """
        source = self.source(source_id)
        if source.picture is None:
            raise EditRefused(f"{source.name} has no picture")
        return source.picture

    def layer(self, layer_id: str) -> Layer:
        """Return a layer by id.

        Raises:
            EditRefused: there is none.
        """
        for layer in self.layers:
            if layer.id == layer_id:
                return layer
        raise EditRefused(f"the project has no layer {layer_id}")

    def layer_of(self, item_id: str) -> Layer:
        """Return the layer that holds an item.

        Raises:
            EditRefused: none does.
        """
        for layer in self.layers:
            if any(item.id == item_id for item in layer.items):
                return layer
        raise EditRefused(f"the project has no item {item_id}")

    def clip(self, clip_id: str) -> StoryItem:
        """Return a clip or gap of the storyline by id.

        Raises:
            EditRefused: there is none.
        """
        for item in self.storyline:
            if item.id == clip_id:
                return item
        raise EditRefused(f"the storyline has no clip {clip_id}")

    def track(self, track_id: str) -> AudioTrack:
        """Return a sound track by id.

        Raises:
            EditRefused: there is none.
        """
        for track in self.tracks:
            if track.id == track_id:
                return track
        raise EditRefused(f"the project has no sound track {track_id}")

    def marker(self, marker_id: str) -> Marker:
        """Return a marker by id.

        Raises:
            EditRefused: there is none.
        """
        for marker in self.markers:
            if marker.id == marker_id:
                return marker
        raise EditRefused(f"the project has no marker {marker_id}")

    @property
    def patches(self) -> Iterator[Patch]:
        """Yield all patches, bottom first."""
        for layer in self.layers:
            for item in layer.items:
                if isinstance(item, Patch):
                    yield item

    @property
    def frame_count(self) -> int:
        """Return the number of output frames."""
        return sum(len(item) for item in self.storyline)


def default_timing(project: Project, source: Source) -> Timing:
    """Return how all of a source goes onto the timeline: native where its rate is the canvas's, else conformed.

    Raises:
        EditRefused: the source has no picture or no frame.
    """
    picture = source.picture
    if picture is None or picture.frame_count == 0:
        raise EditRefused(f"{source.name} has no picture to put on the storyline")
    if picture.rate == project.canvas.rate:
        return Native(Range(0, picture.frame_count))
    start, stop = picture.times.time_of(0), picture.times.time_of(picture.frame_count)
    return Conformed(start, max(1, round((stop - start) * project.canvas.rate)))
