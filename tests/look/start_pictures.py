"""Make the pictures of the start screen anew, from a frame of the sample film: ``python -m tests.look.start_pictures``.

`mug.jpg` is the frame around the mug, `mug-clean.jpg` the same without the logo, as a take would show it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.media import sample

_AT_S = 7.0
_SIZE = (660, 310)
_FOLDER = Path(__file__).parents[2] / "resources" / "pictures"


def main() -> None:
    """Write both pictures."""
    table, mug, ball = sample._table(), sample._mug(), sample._ball()
    x0, y0, x1, y1 = sample.logo_box(_AT_S)
    middle = ((x0 + x1) / 2 * sample.WIDTH, (y0 + y1) / 2 * sample.HEIGHT)
    left, top = (round(at - side / 2) for at, side in zip(middle, _SIZE, strict=True))
    for name, with_logo in (("mug", True), ("mug-clean", False)):
        shown = mug if with_logo else (_without_logo(mug[0]), mug[1])
        picture = sample._picture(table, shown, ball, _AT_S)[top : top + _SIZE[1], left : left + _SIZE[0]]
        kept, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
        if not kept:
            raise SystemExit("the picture was not encoded")
        (_FOLDER / f"{name}.jpg").write_bytes(data.tobytes())


def _without_logo(mug: sample.Picture) -> sample.Picture:
    hole = np.zeros(mug.shape[:2], np.uint8)
    x, y, radius = sample._MUG_LOGO_PX
    cv2.circle(hole, (round(x), round(y)), round(radius) + 3, 255, -1)
    # The mug's shade only changes across: a row above the logo continues it.
    return np.where(hole[..., None] > 0, mug[95:96], mug).astype(np.uint8)


if __name__ == "__main__":
    main()
