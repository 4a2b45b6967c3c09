"""A patch: a region of a source's picture, over a window of its frames, and the takes that may stand there.

Picture data is never here: a tool that needs bytes names them by their id in the project file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.errors import EditRefused
from engine.model.region import Region
from engine.model.time import Range
from engine.model.tool import Tool


class Follow(Enum):
    """How a patch is carried from its anchor frame over its window."""

    STATIC = "static"
    """It stays where it was drawn."""
    PLANAR = "planar"
    """As one flat surface."""
    HYBRID = "hybrid"
    """Flat surface plus bending, light, blur and occlusion."""
    PROVIDER = "provider"
    """As a provider's film moves."""


class WhenLost(Enum):
    """What happens on frames where the motion could not be followed."""

    FADE = "fade"
    """The patch fades out rather than smears."""
    COVER = "cover"
    """It covers more, never less: for faces and number plates."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """A correction by hand on one source frame; it wins over the tracker.

    Attributes:
        dx, dy: shift in picture sizes. scale: factor. turn_deg: clockwise.
    """

    frame: int
    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    turn_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Motion:
    """How a patch follows its object.

    Attributes:
        anchors: further source frames, besides the patch's anchor, on which the region is right; with their regions.
        nudges: corrections by hand, at most one per frame, in order.
    """

    follow: Follow = Follow.STATIC
    when_lost: WhenLost = WhenLost.FADE
    anchors: tuple[tuple[int, Region], ...] = ()
    nudges: tuple[Nudge, ...] = ()


IN_PLACE = Motion()


class ReviewState(Enum):
    """Where a patch stands between the first try and the film."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    STALE = "stale"
    """What it was made from has changed since."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a take came to be.

    Attributes:
        maker: the provider's or the tool's name. settings: its other parameters, name and value.
        cost_microusd: millionths of a dollar. elapsed_ms, made_at_ms: milliseconds; made_at since 1970 (UTC).
    """

    maker: str = ""
    model: str = ""
    prompt: str = ""
    seed: int | None = None
    settings: tuple[tuple[str, str], ...] = ()
    cost_microusd: int = 0
    elapsed_ms: int = 0
    made_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Take:
    """One way to fill the region.

    Attributes:
        motion: its own way to follow; None to use the patch's.
        rejected_because: empty while it is not rejected.
    """

    id: str
    tool: Tool
    name: str = ""
    motion: Motion | None = None
    provenance: Provenance = Provenance()
    starred: bool = False
    rejected_because: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """A region over a window of source frames.

    Attributes:
        frames: the propagation window, in frames of the source.
        anchor: the source frame on which the region was drawn; inside `frames`.
        feather_px: how far beyond the region the change may fade out, in pixels of the displayed source picture.
        grow_px: pixels by which the region is widened (negative: narrowed) before the feather.
        matte: the id of a grey picture (the region refined to an object's edge) in the project file; None to use the
            region's own shape. It stands in the region's bounds.
        takes: in order of making; pick: the id of the one that shows. None: nothing shows yet.

    Raises:
        EditRefused: an empty window, an anchor outside, a pick that is no take, a feather out of bounds.
    """

    id: str
    source_id: str
    region: Region
    frames: Range
    anchor: int
    name: str = ""
    feather_px: float = 0.0
    grow_px: float = 0.0
    matte: str | None = None
    motion: Motion = IN_PLACE
    anchor_locked: bool = False
    takes: tuple[Take, ...] = ()
    pick: str | None = None
    state: ReviewState = ReviewState.DRAFT
    visible: bool = True

    def __post_init__(self) -> None:
        if not self.frames:
            raise EditRefused(f"the patch has an empty range of frames: {self.frames.start}:{self.frames.stop}")
        if self.anchor not in self.frames:
            raise EditRefused(
                f"the anchor frame {self.anchor} lies outside the patch's frames {self.frames.start}:{self.frames.stop}"
            )
        if not 0 <= self.feather_px <= 1000:
            raise EditRefused(f"the feather is {self.feather_px:g} px; it must be 0 to 1000")
        if not -1000 <= self.grow_px <= 1000:
            raise EditRefused(f"the growth is {self.grow_px:g} px; it must be -1000 to 1000")
        ids = [take.id for take in self.takes]
        if len(set(ids)) != len(ids):
            raise EditRefused(f"patch {self.id}: two takes have the same id")
        if self.pick is not None and self.pick not in ids:
            raise EditRefused(f"patch {self.id}: there is no take {self.pick} to pick")

    @classmethod
    def with_tool(
        cls, id: str, source_id: str, region: Region, frames: Range, anchor: int, tool: Tool, feather_px: float = 0.0
    ) -> Patch:
        """Return a patch with one take, picked, made by a tool."""
        return cls(id, source_id, region, frames, anchor, feather_px=feather_px, takes=(Take("1", tool),), pick="1")

    @property
    def picked(self) -> Take | None:
        """Return the take that shows."""
        for take in self.takes:
            if take.id == self.pick:
                return take
        return None

    @property
    def tool(self) -> Tool | None:
        """Return the tool of the take that shows."""
        take = self.picked
        return None if take is None else take.tool

    @property
    def effective_motion(self) -> Motion:
        """Return how the take that shows follows its object."""
        take = self.picked
        return self.motion if take is None or take.motion is None else take.motion

    @property
    def shows(self) -> bool:
        """Whether the patch changes pixels: visible, not rejected, with a pick."""
        return self.visible and self.pick is not None and self.state is not ReviewState.REJECTED
