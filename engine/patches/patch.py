"""A patch ready to be shown on any frame of its journey: the one door for a renderer.

Preparing needs the anchor frame (and for some tools others); showing needs only the frame itself, so frames may come in
any order and from several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.model.patch import Follow, WhenLost
from engine.model.picture import Picture as StillPicture
from engine.model.pixel_format import PixelFormat
from engine.model.time import Range
from engine.model.tool import Blur, Clone, Fill, Grade, Inpaint, Lettering, Picture, Pixelate, Remove, Tool
from engine.motion.frame import FrameReader, MotionFrame, eight_bits
from engine.patches.blend import Planes, mixed
from engine.patches.carry import Content, looked_at, warp
from engine.patches.clone import Tone, clone
from engine.patches.crop import Crop
from engine.patches.fields import FieldOrder, as_progressive, field_picture, with_field
from engine.patches.fit import FitReport, fit
from engine.patches.grade import grade
from engine.patches.inpaint import inpaint, plan_inpainting
from engine.patches.lettering import lettering
from engine.patches.matte import Matte
from engine.patches.moving import matte_on, shown, warped_on
from engine.patches.pictures import Fit, place
from engine.patches.propagate import Journey
from engine.patches.remove import WARN_ABOVE, Removal, plan_removal, remove
from engine.patches.retouch import blur, fill_colour, pixelate
from engine.patches.shift_map import ShiftMap

PlaneReader = Callable[[int], Planes]


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a patch needs to know of its film.

    Attributes:
        pixel_format: of the decoded frames. rotation: degrees clockwise by which a player turns them.
        sar: sample aspect ratio. fields: the order of an interlaced film's fields, None for a progressive one.
    """

    pixel_format: PixelFormat
    rotation: int
    sar: Fraction
    fields: FieldOrder | None

    @property
    def picture_format(self) -> PixelFormat:
        """Return the format of the pictures that are followed: of frames, or of single fields."""
        return self.pixel_format if self.fields is None else as_progressive(self.pixel_format)

    @property
    def per_frame(self) -> int:
        """Return the pictures per frame; a journey counts pictures, and picture 2n is the first field of frame n."""
        return 1 if self.fields is None else 2

    def picture(self, planes: Planes, moment: int) -> Planes:
        """Return a frame's picture at a moment: the frame itself, or one of its fields filled up."""
        return planes if self.fields is None else field_picture(planes, self.fields, moment)


def motion_frame(planes: Planes, pixel_format: PixelFormat) -> MotionFrame:
    """Return what the tracker sees of a picture."""
    chroma = planes[1:3] if pixel_format.colour_planes == 3 else ()
    return MotionFrame(
        eight_bits(planes[0], pixel_format.bit_depth),
        tuple(eight_bits(item, pixel_format.bit_depth) for item in chroma),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PreparedPatch:
    """A patch with everything it needs.

    Attributes:
        facts: of the film. tool: what it does. matte: on the anchor. journey: where it is, counted in pictures.
        follow, when_lost: how. content: the edited anchor, or the anchor alone where a tool works on each frame.
        removal: for Remove.
        filling: for Inpaint, of a wide region.
        report: how a picture fitted, None where none was. doubts: what a person should know.
        read: returns pictures for comparing. read_planes: for copying; both used by Remove only.
    """

    facts: FilmFacts
    tool: Tool
    matte: Matte
    journey: Journey
    follow: Follow
    when_lost: WhenLost
    content: Content
    removal: Removal | None
    filling: ShiftMap | None
    report: FitReport | None
    doubts: tuple[str, ...]
    read: FrameReader
    read_planes: PlaneReader

    def on(self, frame: int, planes: Planes, filmed: Planes | None = None) -> Planes:
        """Return a frame with the patch on it; the frame itself where the patch does not reach.

        Args:
            frame: the frame's number.
            planes: the frame; not modified.
            filmed: the frame as it was filmed, where other patches have changed `planes` already.
        """
        result = planes
        filmed = planes if filmed is None else filmed
        for moment in range(self.facts.per_frame):
            number = frame * self.facts.per_frame + moment
            if number not in self.journey.frames:
                continue
            before = self.facts.picture(result, moment)
            after = self._picture(number, before, self.facts.picture(filmed, moment))
            if after is before:
                continue
            if self.facts.fields is None:
                return after
            result = with_field(result, after, self.facts.fields, moment)
        return result

    def alpha_on(self, frame: int) -> Matte | None:
        """Return how much of each pixel of a frame the patch may change (both fields); None where it is off it."""
        first = frame * self.facts.per_frame
        moments = range(first, first + self.facts.per_frame)
        found = [matte for matte in map(self._alpha, moments) if matte is not None]
        if len(found) < 2:
            return found[0] if found else None
        return Matte.of_full(np.maximum(*(matte.full() for matte in found)))

    def _alpha(self, number: int) -> Matte | None:
        if number not in self.journey.frames:
            return None
        match self.tool:
            case Blur() | Pixelate() | Fill() | Grade():
                return matte_on(self.matte, self.journey, self.when_lost, number)
            case Remove():
                cover = matte_on(self.matte, self.journey, WhenLost.COVER, number)
                return None if cover is None else _times(cover, self._left(number))
            case _:
                warped = warped_on(self.content, self.journey, number)
                return None if warped is None else _times(warped.window, self.journey.opacity[self.journey.row(number)])

    def _picture(self, number: int, planes: Planes, filmed: Planes) -> Planes:
        form = self.facts.picture_format

        def inside(apply: Callable[[Matte], Planes]) -> Planes:
            return self._inside(number, planes, filmed, apply)

        match self.tool:
            case Blur(radius_px):
                return inside(lambda matte: blur(planes, form, matte, radius_px=radius_px))
            case Pixelate(block_px):
                return inside(lambda matte: pixelate(planes, form, matte, block_px=block_px))
            case Fill(colour):
                rgb = colour.red / 255, colour.green / 255, colour.blue / 255
                return inside(lambda matte: fill_colour(planes, form, matte, rgb=rgb))
            case Grade() as change:
                return inside(lambda matte: grade(planes, form, matte, change=change))
            case Remove():
                if self.removal is None:
                    return planes
                opacity = self._left(number)
                if opacity <= 0:
                    return planes
                filled = remove(self.removal, number, planes, self.read, self.read_planes).planes
                return mixed(planes, filled, opacity)
            case Inpaint(radius_px) if self._stands(number):
                # From the frame's own surroundings, always the same ones: light and focus may change, nothing flickers.
                return inpaint(planes, form, self.matte, radius_px=radius_px, plan=self.filling)
            case _:
                return shown(self.content, self.journey, self.follow, number, planes, filmed)

    def _stands(self, number: int) -> bool:
        """Tell whether the region is on a picture where it was drawn, because it is not followed."""
        rest = self.journey.surface.at_rest().homography
        place = self.journey.places[self.journey.row(number)]
        return self.follow is Follow.STATIC and np.array_equal(place.homography, rest)

    def _left(self, number: int) -> float:
        """Return how much of the patch is left on a picture: it fades where the region is lost, unless it covers."""
        return 1.0 if self.when_lost is WhenLost.COVER else float(self.journey.opacity[self.journey.row(number)])

    def _inside(self, number: int, planes: Planes, filmed: Planes, apply: Callable[[Matte], Planes]) -> Planes:
        matte = matte_on(self.matte, self.journey, self.when_lost, number)
        if matte is None:
            return planes
        if self.when_lost is WhenLost.FADE and self.follow is Follow.HYBRID:
            matte = self._unhidden(number, filmed) or matte
        return apply(matte) if matte.alpha.any() else planes

    def _unhidden(self, number: int, planes: Planes) -> Matte | None:
        """Return the matte without what something in front hides; a tool that must cover never asks for it."""
        row = self.journey.row(number)
        if number == self.journey.anchor:
            return None
        warped = warp(self.content, self.journey.places[row], None, 0.0)
        if warped is None:
            return None
        seen = looked_at(self.content, warped, planes).visibility * np.float32(self.journey.opacity[row])
        window = warped.window
        return Matte(window.width, window.height, window.x, window.y, window.alpha * seen, window.bounds)


def _times(matte: Matte, opacity: float) -> Matte:
    return Matte(matte.width, matte.height, matte.x, matte.y, matte.alpha * np.float32(opacity), matte.bounds)


def prepared(
    facts: FilmFacts,
    tool: Tool,
    matte: Matte,
    journey: Journey,
    follow: Follow,
    when_lost: WhenLost,
    read_planes: PlaneReader,
    picture: StillPicture | None,
    crop: Crop | None,
    window: Range | None,
    progress: Progress,
    cancel: CancelToken,
) -> PreparedPatch:
    """Make a patch ready.

    Args:
        facts: of the film.
        tool: what it does.
        matte: of the region on the anchor picture.
        journey: where it is, counted in pictures (see FilmFacts.per_frame).
        follow: how it was followed.
        when_lost: COVER never covers less than the region.
        read_planes: returns a picture's planes by its number.
        picture: for the tool Picture: its decoded bytes.
        crop: the part of the anchor that the picture shows where it was made from one; None: the region's own box.
        window: the pictures on which the patch stands, where the journey goes further; None: all of the journey.
        progress: is told of each frame that has to be looked at.
        cancel: checked between frames.

    Raises:
        EditRefused: a tool that cannot be carried, a missing picture, or a region that the tool refuses.
        UnsupportedMedia: colours into a film without a plain Y'CbCr matrix.
        Cancelled: the work was asked to stop.
    """
    form = facts.picture_format
    anchor = read_planes(journey.anchor)
    removal: Removal | None = None
    doubts: tuple[str, ...] = ()

    def read(number: int) -> MotionFrame:
        return motion_frame(read_planes(number), form)

    filling = plan_inpainting(anchor, form, matte, cancel) if isinstance(tool, Inpaint) else None
    edited, report = _edited(facts, tool, matte, anchor, journey.anchor, read, read_planes, picture, crop, filling)
    if isinstance(tool, Remove):
        there = window if follow is Follow.STATIC else None
        removal, unknown = plan_removal(read, read_planes, form, matte, journey, there, progress, cancel)
        if removal.journey is not journey:
            journey = removal.journey
            doubts = ("the camera moves past what is in the region: the removal follows it there",)
        if unknown > WARN_ABOVE:
            doubts += (f"no frame shows {100 * unknown:.0f} % of what lies behind the region: that part is invented",)
    if report is not None:
        doubts = (*doubts, *report.doubts)
    content = Content(form, anchor, edited, matte, journey.surface, journey.exposure.noise)
    return PreparedPatch(
        facts, tool, matte, journey, follow, when_lost, content, removal, filling, report, doubts, read, read_planes
    )


def _edited(
    facts: FilmFacts,
    tool: Tool,
    matte: Matte,
    anchor: Planes,
    number: int,
    read: FrameReader,
    read_planes: PlaneReader,
    picture: StillPicture | None,
    crop: Crop | None,
    filling: ShiftMap | None,
) -> tuple[Planes, FitReport | None]:
    """Return the edited anchor; the anchor itself for tools that work on each frame."""
    form = facts.picture_format
    match tool:
        case Blur() | Pixelate() | Fill() | Grade() | Remove():
            return anchor, None
        case Inpaint(radius_px):
            return inpaint(anchor, form, matte, radius_px=radius_px, plan=filling), None
        case Clone():
            return _cloned(facts, matte, anchor, number, tool, read, read_planes), None
        case Lettering():
            return lettered(anchor, form, matte, tool, facts.rotation), None
        case Picture(_, steps):
            if picture is None:
                raise EditRefused("the picture of this patch is missing from the project")
            if crop is None:
                return (
                    place(anchor, form, matte, picture, rotation=facts.rotation, fit=Fit.STRETCH, sar=facts.sar),
                    None,
                )
            return fit(anchor, form, matte, picture, crop, rotation=facts.rotation, steps=steps)
        case other:
            raise EditRefused(f"a {type(other).__name__} cannot be carried along here")


def _cloned(
    facts: FilmFacts,
    matte: Matte,
    anchor: Planes,
    number: int,
    tool: Clone,
    read: FrameReader,
    read_planes: PlaneReader,
) -> Planes:
    other = number + tool.frames * facts.per_frame
    source = anchor if tool.frames == 0 else read_planes(other)
    shift = decoded_shift(tool.dx, tool.dy, matte, facts.rotation)
    return clone(
        anchor,
        facts.picture_format,
        matte,
        source,
        shift_px=shift,
        tone=tone_of(tool),
        frames=None if tool.frames == 0 else (read(number), read(other)),
    )


def tone_of(tool: Clone) -> Tone:
    """Return where a copy's tone comes from."""
    return Tone.SURROUNDINGS if tool.heal else Tone.OWN


def lettered(planes: Planes, pixel_format: PixelFormat, matte: Matte, tool: Lettering, rotation: int) -> Planes:
    """Return a frame with text set into a region.

    Raises:
        EditRefused: no text, no room for it, or a font that cannot be read.
    """
    across, down = _shown_size(matte, rotation)
    letters = lettering(tool.text, across, down, colour=tool.colour, size=tool.size, font=tool.font)
    return place(planes, pixel_format, matte, letters, rotation=rotation, fit=Fit.STRETCH)


def decoded_shift(dx: float, dy: float, matte: Matte, rotation: int) -> tuple[float, float]:
    """Return a shift in shares of the displayed picture as decoded pixels."""
    match rotation % 360:
        case 90:
            return dy * matte.width, -dx * matte.height
        case 180:
            return -dx * matte.width, -dy * matte.height
        case 270:
            return -dy * matte.width, dx * matte.height
        case _:
            return dx * matte.width, dy * matte.height


def _shown_size(matte: Matte, rotation: int) -> tuple[int, int]:
    """Return the size of the region's box as displayed, in pixels of the decoded frame."""
    left, top, right, bottom = (round(edge) for edge in matte.bounds)
    across, down = max(1, right - left), max(1, bottom - top)
    return (down, across) if rotation % 180 == 90 else (across, down)
