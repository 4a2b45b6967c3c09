"""What a film is, as text for a person."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def info_text(path: Path, facts: Mapping[str, Any]) -> str:
    """Return what a film is as lines for a person."""
    video = facts["video"]
    size = f"{video['width']}x{video['height']}"
    turned = f", shown turned by {video['rotation']} degrees" if video["rotation"] else ""
    rate = "variable rate" if video["vfr"] else f"{video['frames'] / max(facts['duration_s'], 1e-9):.3f} frames/s"
    gop = "open" if video["open_gop"] else "closed"
    apart = f"at most {video['max_gop']:,} apart, {gop} GOP"
    return "\n".join(
        [
            f"{path}: {facts['container']}, {facts['duration_s']:.3f} s",
            f"  picture: {video['codec']} {video['profile']}, {video['pix_fmt']}, {size}{turned}, {rate}",
            f"  {video['frames']:,} frames, {video['keyframes']:,} keyframes, {apart}",
            *(
                f"  sound: {sound['codec']}, {sound['channels']} channels, {sound['sample_rate']} Hz"
                for sound in facts["audio"]
            ),
        ]
    )
