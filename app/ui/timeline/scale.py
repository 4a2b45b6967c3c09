"""Between frames and pixels: how many frames stand on a pixel, and which pixel is at the left edge."""

from __future__ import annotations

from dataclasses import dataclass

CLOSEST_FRAMES_PER_PX = 1 / 48
"""At most so close: a frame is 48 pixels wide."""
_BEHIND_PX = 160
"""So much room stays behind the film's end, to drop something there."""
_BESIDE_PX = 24
"""So much of it shows where the whole film does."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A zoom and a scroll position.

    Attributes:
        frames_per_px: how many frames a pixel stands for. scroll_px: whole pixels scrolled away at the left.
    """

    frames_per_px: float
    scroll_px: int = 0

    def x(self, frame: float) -> float:
        """Return where a frame begins, in pixels from the left edge of the view."""
        return frame / self.frames_per_px - self.scroll_px

    def position(self, x: float) -> float:
        """Return the place on the timeline at a pixel, in frames and parts of them; negative before the film."""
        return (x + self.scroll_px) * self.frames_per_px

    def frame(self, x: float) -> int:
        """Return the frame under a pixel, 0 before the film."""
        return max(0, int(self.position(x) // 1))

    def boundary(self, x: float) -> int:
        """Return the frame boundary nearest to a pixel, 0 before the film."""
        return max(0, round(self.position(x)))

    def width_px(self, frames: float) -> float:
        """Return how wide frames are, in pixels."""
        return frames / self.frames_per_px

    def extent_px(self, frame_count: int) -> int:
        """Return how wide a film is with the room behind it, in pixels."""
        return int(frame_count / self.frames_per_px) + _BEHIND_PX

    def zoomed(self, factor: float, x: float, frame_count: int, view_px: int) -> Scale:
        """Return a scale closer by `factor` (below 1: farther), in which the place under pixel `x` stays there."""
        at = self.position(x)
        closest, farthest = CLOSEST_FRAMES_PER_PX, farthest_frames_per_px(frame_count, view_px)
        frames_per_px = min(max(self.frames_per_px / factor, closest), farthest)
        return Scale(frames_per_px).scrolled_to(round(at / frames_per_px - x), frame_count, view_px)

    def scrolled_to(self, scroll_px: int, frame_count: int, view_px: int) -> Scale:
        """Return the scale at another scroll position, as far as there is something to see."""
        return Scale(self.frames_per_px, min(max(0, scroll_px), self.farthest_px(frame_count, view_px)))

    def farthest_px(self, frame_count: int, view_px: int) -> int:
        """Return how far one can scroll: not at all where the whole film shows, else as far as the room behind it."""
        if frame_count / self.frames_per_px <= view_px - _BESIDE_PX:
            return 0
        return max(0, self.extent_px(frame_count) - view_px)


def fitted(frame_count: int, view_px: int) -> Scale:
    """Return the scale in which the whole film shows."""
    # A pixel less, so that rounding does not make it one that scrolls.
    room = max(1, view_px - _BESIDE_PX - 1)
    return Scale(
        min(max(max(1, frame_count) / room, CLOSEST_FRAMES_PER_PX), farthest_frames_per_px(frame_count, view_px))
    )


def farthest_frames_per_px(frame_count: int, view_px: int) -> float:
    """Return the scale in which the film fills a third of the view."""
    return max(1.0, 3 * frame_count / max(1, view_px))
