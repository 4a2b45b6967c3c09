"""Change a region's tone: exposure, contrast, saturation, temperature, hue; one affine map of the film's own planes.

Texture stays, since each pixel keeps its own; chroma is not resampled.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.model.pixel_format import Family, PixelFormat
from engine.model.tool import Grade
from engine.patches.blend import Planes, blend, check_planes, to_chroma_sites, windows
from engine.patches.colour import HLG, PQ, REFERENCE_WHITE_NITS, film_to_codes, hlg_encoded, pq_encoded
from engine.patches.matte import Float32, Float64, Matte

_PIVOT = 0.43
"""Signal of middle grey (18 % of white through gamma 2.0 to 2.4), which contrast leaves alone."""
_AMBER = 0.18
"""How much temperature 1 raises red and lowers blue."""


def grade(planes: Planes, pixel_format: PixelFormat, matte: Matte, *, change: Grade) -> Planes:
    """Return the planes with the region's tone changed.

    Exposure scales the light: exact for a plain gamma, matched at the reference white for PQ and HLG.

    Args:
        planes: uint8 or uint16 [H, W] per plane; not modified.
        pixel_format: the format of the planes.
        matte: where, and how much.
        change: the tone's change.

    Raises:
        EditRefused: the matte does not fit the frame.
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    check_planes(planes, pixel_format, matte)
    matrix, offset = _film_map(change, pixel_format)
    here = windows(planes, pixel_format, matte)
    if pixel_format.family is Family.GRAY:
        scale, shift = float(matrix[:, :].sum(axis=1).mean()), float(offset.mean())
        black, white = (
            float(film_to_codes(np.full((1, 1, 3), level, np.float32), pixel_format)[0][0, 0]) for level in (0.0, 1.0)
        )
        return blend(planes, pixel_format, matte, [(here[0] - black) * scale + black + shift * (white - black)])
    to_codes, base = _code_basis(pixel_format)
    # The map of R'G'B' seen from the planes: codes = T rgb + b.
    whole = to_codes @ matrix @ np.linalg.inv(to_codes)
    shift3 = to_codes @ offset + base - whole @ base
    patch = []
    for index, plane in enumerate(here):
        result = plane * np.float32(whole[index, index]) + np.float32(shift3[index])
        for other, values in enumerate(here):
            if other != index and abs(whole[index, other]) > 1e-9:
                result = result + np.float32(whole[index, other]) * _at_size(values, plane.shape, pixel_format)
        patch.append(np.asarray(result, np.float32))
    return blend(planes, pixel_format, matte, patch)


def _film_map(change: Grade, pixel_format: PixelFormat) -> tuple[Float64, Float64]:
    """Return (matrix 3x3, offset 3) on the film's non-linear R'G'B'."""
    kr, kg, kb = 0.2126, 0.7152, 0.0722
    grey = np.array([[kr, kg, kb]] * 3)
    angle = np.radians(change.hue_deg)
    # Turn about the grey axis (Rodrigues), then bring the luma back.
    axis = np.ones((3, 3)) / 3
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * axis
    turn = turn + grey - grey @ turn
    saturate = grey + change.saturation * (np.eye(3) - grey)
    warm = np.diag([1 + _AMBER * change.temperature, 1.0, 1 - _AMBER * change.temperature])
    gain = _exposure_gain(change.exposure, pixel_format)
    matrix = change.contrast * gain * (saturate @ turn @ warm)
    offset = np.full(3, _PIVOT * (1 - change.contrast))
    return matrix, offset


def _exposure_gain(stops: float, pixel_format: PixelFormat) -> float:
    if pixel_format.transfer in (PQ, HLG):
        encoded = pq_encoded if pixel_format.transfer == PQ else hlg_encoded
        levels = np.array([[1.0] * 3, [2.0**stops] * 3], np.float32) * np.float32(REFERENCE_WHITE_NITS)
        signal = encoded(levels)[:, 0]
        return float(signal[1] / signal[0])
    return float(2.0 ** (stops / 2.4))


def _code_basis(pixel_format: PixelFormat) -> tuple[Float64, Float64]:
    """Return (matrix 3x3, offset 3) from the film's R'G'B' to its code values, in the planes' order."""
    probes = np.concatenate([np.zeros((1, 1, 3)), np.eye(3)[None]], axis=1).astype(np.float32)
    codes = np.stack([plane[0] for plane in film_to_codes(probes, pixel_format)]).astype(np.float64)
    return codes[:, 1:] - codes[:, :1], codes[:, 0]


def _at_size(values: Float32, shape: tuple[int, ...], pixel_format: PixelFormat) -> Float32:
    if values.shape == shape:
        return values
    if values.shape[0] * values.shape[1] > shape[0] * shape[1]:
        return to_chroma_sites(values, pixel_format)
    return np.asarray(cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)
