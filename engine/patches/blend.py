"""Composite into a frame's own planes, so that what lies outside the matte is not touched at all.

Colour conversion is engine.patches.colour; nothing here goes through RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EditRefused
from engine.model.pixel_format import BOTTOM, CENTRED, TOP, Family, PixelFormat, Scan
from engine.patches.matte import Float32, Matte

Plane = NDArray[Any]
Planes = tuple[Plane, ...]


def blend(
    planes: Planes, pixel_format: PixelFormat, matte: Matte, patch: Sequence[Float32], opacity: Float32 | None = None
) -> Planes:
    """Return the planes with a patch blended in; a sample where the matte is zero keeps its value.

    A chroma sample changes only if every luma pixel that shares it lies under the matte.

    Args:
        planes: uint8 or uint16 [H, W] per plane in the frame's own format; not modified.
        pixel_format: the format of the planes.
        matte: where, and how much.
        patch: float32 [h, w] per colour plane in code values, the size of that plane's part of the matte's window.
        opacity: float32 [h, w] in [0, 1] at luma size, multiplied into the matte (a picture's own alpha).

    Raises:
        EditRefused: the matte was made for another frame size, or the patch for another window.
    """
    check_planes(planes, pixel_format, matte)
    result = list(planes)
    alphas = plane_alphas(pixel_format, matte, opacity)
    for index, (values, alpha) in enumerate(zip(patch, alphas, strict=True)):
        if not alpha.any():
            continue
        if values.shape != alpha.shape:
            raise EditRefused(f"a patch of {values.shape} does not fit the matte's window of {alpha.shape}")
        rows, columns = plane_window(pixel_format, matte, index)
        changed = planes[index].copy()
        old = changed[rows, columns]
        mixed = old.astype(np.float32)
        mixed += (values - mixed) * alpha
        changed[rows, columns] = np.where(alpha > 0, to_codes(mixed, pixel_format), old)
        result[index] = changed
    return tuple(result)


def mixed(before: Planes, after: Planes, opacity: float) -> Planes:
    """Return the planes `opacity` of the way from one to the other; equal samples stay as they are."""
    if opacity >= 1.0 or after is before:
        return after
    result = []
    for old, new in zip(before, after, strict=True):
        change = (new.astype(np.float32) - old.astype(np.float32)) * np.float32(opacity)
        result.append((old + np.rint(change)).astype(old.dtype))
    return tuple(result)


def to_codes(values: Float32, pixel_format: PixelFormat) -> Plane:
    """Return code values rounded to the nearest and kept within the depth."""
    codes: Plane = np.clip(np.floor(values + 0.5), 0, pixel_format.max_value).astype(pixel_format.dtype)
    return codes


def check_planes(planes: Planes, pixel_format: PixelFormat, matte: Matte) -> None:
    """Check that the planes are of the format and of the matte's frame.

    Raises:
        EditRefused: they are not.
    """
    if len(planes) != pixel_format.plane_count:
        raise EditRefused(f"a {pixel_format.name} frame has {pixel_format.plane_count} planes, not {len(planes)}")
    for index, plane in enumerate(planes):
        width, height = pixel_format.plane_size(matte.width, matte.height, index)
        if plane.shape != (height, width):
            raise EditRefused(
                f"plane {index} is {plane.shape[1]}x{plane.shape[0]}, the matte of a {matte.width}x{matte.height} "
                f"frame needs {width}x{height}"
            )
        if plane.dtype != pixel_format.dtype:
            raise EditRefused(f"plane {index} holds {plane.dtype}, {pixel_format.name} holds {pixel_format.dtype}")


def plane_window(pixel_format: PixelFormat, matte: Matte, plane: int) -> tuple[slice, slice]:
    """Return the (rows, columns) of a plane that the matte's window covers."""
    shift_x, shift_y = pixel_format.shift_of(plane)
    height, width = matte.alpha.shape
    x, y = matte.x >> shift_x, matte.y >> shift_y
    return slice(y, y + (-(-height >> shift_y))), slice(x, x + (-(-width >> shift_x)))


def windows(planes: Planes, pixel_format: PixelFormat, matte: Matte) -> tuple[Float32, ...]:
    """Return the colour planes' parts under the matte's window, as float32 code values."""
    return tuple(
        planes[index][plane_window(pixel_format, matte, index)].astype(np.float32)
        for index in range(pixel_format.colour_planes)
    )


def plane_alphas(pixel_format: PixelFormat, matte: Matte, opacity: Float32 | None = None) -> tuple[Float32, ...]:
    """Return the alpha of each colour plane under the matte's window."""
    luma = matte.alpha if opacity is None else matte.alpha * opacity
    if pixel_format.family is not Family.YUV or pixel_format.chroma_shift == (0, 0):
        return (luma,) * pixel_format.colour_planes
    chroma = to_chroma_sites(luma, pixel_format)
    chroma[~_shared_by_all(matte.alpha > 0, pixel_format)] = 0.0
    return luma, chroma, chroma


def to_chroma_sites(values: Float32, pixel_format: PixelFormat) -> Float32:
    """Return values at luma size averaged at the chroma samples' own places.

    4:2:0 of interlaced frames is sited field by field: a quarter line down in the top field, three quarters in the
    bottom one (ISO/IEC 13818-2, 6.1.1.8; H.264, 6.2).
    """
    across = _narrowed(values, pixel_format)
    shift = pixel_format.chroma_shift[1]
    if not shift:
        return across
    if pixel_format.scan is Scan.INTERLACED:
        rows = -(-values.shape[0] >> shift)
        result = np.empty((rows, across.shape[1]), np.float32)
        for field, weights in ((0, (0.75, 0.25)), (1, (0.25, 0.75))):
            lines = across[field::2]
            count = len(range(field, rows, 2))
            if not count:
                continue
            lines = _padded_rows(lines if len(lines) else across, count << shift)
            if shift == 1:
                result[field::2] = lines[0::2] * np.float32(weights[0]) + lines[1::2] * np.float32(weights[1])
            else:
                result[field::2] = lines.reshape(count, 1 << shift, -1).mean(axis=1)
        return result
    rows = -(-values.shape[0] >> shift)
    location = pixel_format.chroma_location
    if shift == 1 and location in (*TOP, *BOTTOM):
        framed = _padded_rows(across, 2 * rows)
        offset = 1 if location in BOTTOM else 0
        framed = np.concatenate([framed[:1], framed, framed[-1:]])
        before, at, after = (framed[offset + step : offset + step + 2 * rows : 2][:rows] for step in (0, 1, 2))
        result = (before + 2 * at + after) * np.float32(0.25)
    else:
        result = _padded_rows(across, rows << shift).reshape(rows, 1 << shift, -1).mean(axis=1, dtype=np.float32)
    return np.asarray(result, np.float32)


def _narrowed(values: Float32, pixel_format: PixelFormat) -> Float32:
    shift = pixel_format.chroma_shift[0]
    if not shift:
        return values.copy()
    columns = -(-values.shape[1] >> shift)
    padded = np.pad(values, ((0, 0), (1, (columns << shift) - values.shape[1])), mode="edge")
    if shift == 1 and pixel_format.chroma_location not in CENTRED:
        return (padded[:, 0:-1:2] + 2 * padded[:, 1::2] + np.pad(padded, ((0, 0), (0, 1)), mode="edge")[:, 2::2]) * (
            np.float32(0.25)
        )
    whole = padded[:, 1:].reshape(len(values), columns, 1 << shift)
    return np.asarray(whole.mean(axis=2, dtype=np.float32))


def _padded_rows(values: Float32, count: int) -> Float32:
    """Return exactly `count` rows: a bottom field's odd last line has no chroma line of its own."""
    return values[:count] if len(values) >= count else np.pad(values, ((0, count - len(values)), (0, 0)), mode="edge")


def _shared_by_all(inside: NDArray[np.bool_], pixel_format: PixelFormat) -> NDArray[np.bool_]:
    """Tell for each chroma sample whether all luma pixels that take it are inside, by frame and by field lines."""
    shift_x, shift_y = pixel_format.chroma_shift
    rows, columns = -(-inside.shape[0] >> shift_y), -(-inside.shape[1] >> shift_x)
    field_rows = -(-rows // 2) * 2
    padded = np.pad(
        inside,
        ((0, (field_rows << shift_y) - inside.shape[0]), (0, (columns << shift_x) - inside.shape[1])),
        mode="edge",
    )
    across: NDArray[np.bool_] = np.logical_and.reduce(padded.reshape(len(padded), columns, 1 << shift_x), axis=2)
    if not shift_y:
        return across[:rows]
    shared: NDArray[np.bool_] = np.logical_and.reduce(across.reshape(field_rows, 1 << shift_y, columns), axis=1)
    if pixel_format.scan is Scan.INTERLACED:
        for field in (0, 1):
            lines = across[field::2].reshape(field_rows // 2, 1 << shift_y, columns)
            shared[field::2] &= np.logical_and.reduce(lines, axis=1)
    return shared[:rows]
