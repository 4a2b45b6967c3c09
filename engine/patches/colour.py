"""RGB to a film's own code values and back: matrix, range, depth, and SDR into PQ or HLG.

An SDR picture in an HDR film is an approximation: its white is put at the reference white of 203 cd/m2 (ITU-R BT.2408),
without tone expansion; HLG is taken for a display of 1000 cd/m2.
"""

from __future__ import annotations

import numpy as np

from engine.errors import UnsupportedMedia
from engine.model.picture import PictureColour
from engine.model.pixel_format import Family, PixelFormat
from engine.patches.matte import Float32

_KR_KB = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Matrix number (ISO/IEC 23091-2) to (Kr, Kb)."""

REFERENCE_WHITE_NITS = 203.0
"""Where SDR white goes in HDR (ITU-R BT.2408, table 1)."""
_HLG_PEAK_NITS = 1000.0
_HLG_GAMMA = 1.2

PQ, HLG = 16, 18

_PRIMARIES: dict[int | PictureColour, tuple[tuple[float, float], ...]] = {
    # red, green, blue (x, y); white is D65 in all of them
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    PictureColour.SRGB: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    PictureColour.DISPLAY_P3: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    PictureColour.ADOBE_RGB: ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
}


def picture_to_film(rgb: Float32, colour: PictureColour, pixel_format: PixelFormat) -> Float32:
    """Return a picture's RGB as the film's own non-linear R'G'B', float32 in 0..1.

    Args:
        rgb: float32 [..., 3] in 0..1, as stored in the picture.
        colour: the picture's colour space.
        pixel_format: the film's.
    """
    hdr = pixel_format.transfer in (PQ, HLG)
    primaries = pixel_format.primaries if pixel_format.primaries in _PRIMARIES else 1
    # SD primaries differ from sRGB's by less than eyes see in a patch, and players show both alike: left alone.
    same = colour is PictureColour.SRGB and (primaries in (1, 5, 6, 7) or pixel_format.primaries == 2)
    if same and not hdr:
        return rgb
    if hdr and pixel_format.primaries == 2:
        primaries = 9
    # The light that an SDR reference display (ITU-R BT.1886) shows, as BT.2408 takes it.
    linear = np.maximum(rgb, 0.0) ** np.float32(2.2 if colour is PictureColour.ADOBE_RGB else 2.4)
    linear = np.maximum(linear @ _conversion(colour, primaries).T, 0.0).astype(np.float32)
    if pixel_format.transfer == PQ:
        return pq_encoded(linear * np.float32(REFERENCE_WHITE_NITS))
    if pixel_format.transfer == HLG:
        return hlg_encoded(linear * np.float32(REFERENCE_WHITE_NITS))
    return np.asarray(np.minimum(linear, 1.0) ** (1 / 2.4), np.float32)


def film_to_display(rgb: Float32, pixel_format: PixelFormat) -> Float32:
    """Return the film's non-linear R'G'B' as sRGB for a screen, float32 in 0..1: the inverse of `picture_to_film`.

    Args:
        rgb: float32 [..., 3].
        pixel_format: the film's.
    """
    hdr = pixel_format.transfer in (PQ, HLG)
    primaries = pixel_format.primaries if pixel_format.primaries in _PRIMARIES else 1
    if hdr and pixel_format.primaries == 2:
        primaries = 9
    if not hdr and (primaries in (1, 5, 6, 7) or pixel_format.primaries == 2):
        return np.asarray(np.clip(rgb, 0.0, 1.0), np.float32)
    signal = np.clip(rgb, 0.0, 1.0)
    if pixel_format.transfer == PQ:
        linear = _pq_decoded(signal) / np.float32(REFERENCE_WHITE_NITS)
    elif pixel_format.transfer == HLG:
        linear = _hlg_decoded(signal) / np.float32(REFERENCE_WHITE_NITS)
    else:
        linear = signal ** np.float32(2.4)
    linear = linear @ np.linalg.inv(_conversion(PictureColour.SRGB, primaries)).T.astype(np.float32)
    return np.asarray(np.clip(linear, 0.0, 1.0) ** np.float32(1 / 2.4), np.float32)


def film_to_codes(rgb: Float32, pixel_format: PixelFormat) -> tuple[Float32, ...]:
    """Return the film's non-linear R'G'B' (float32 [h, w, 3], 0..1) as full-size colour planes in code values.

    Raises:
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    scale = np.float32(pixel_format.max_value)
    if pixel_format.family is Family.GBR:
        return green * scale, blue * scale, red * scale
    kr, kb = _coefficients(pixel_format)
    luma = np.asarray(kr * red + (1 - kr - kb) * green + kb * blue, np.float32)
    offset, luma_span, chroma_span = ranges(pixel_format)
    luma_codes = luma * np.float32(luma_span) + np.float32(offset)
    if pixel_format.family is Family.GRAY:
        return (luma_codes,)
    middle = np.float32(1 << (pixel_format.bit_depth - 1))
    cb = (blue - luma) * np.float32(chroma_span / (2 * (1 - kb))) + middle
    cr = (red - luma) * np.float32(chroma_span / (2 * (1 - kr))) + middle
    return luma_codes, cb, cr


def codes_to_film(planes: tuple[Float32, ...], pixel_format: PixelFormat) -> Float32:
    """Return full-size colour planes in code values as the film's non-linear R'G'B', float32 [h, w, 3], not clipped.

    Raises:
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    if pixel_format.family is Family.GBR:
        return np.stack([planes[2], planes[0], planes[1]], axis=-1) / np.float32(pixel_format.max_value)
    offset, luma_span, chroma_span = ranges(pixel_format)
    luma = (planes[0] - np.float32(offset)) / np.float32(luma_span)
    if pixel_format.family is Family.GRAY:
        return np.repeat(luma[..., None], 3, axis=-1)
    kr, kb = _coefficients(pixel_format)
    middle = np.float32(1 << (pixel_format.bit_depth - 1))
    blue = luma + (planes[1] - middle) * np.float32(2 * (1 - kb) / chroma_span)
    red = luma + (planes[2] - middle) * np.float32(2 * (1 - kr) / chroma_span)
    green = (luma - np.float32(kr) * red - np.float32(kb) * blue) / np.float32(1 - kr - kb)
    return np.stack([red, green, blue], axis=-1)


def ranges(pixel_format: PixelFormat) -> tuple[float, float, float]:
    """Return (code of black, span of luma, span of chroma) of the range and depth (ITU-R BT.2100, table 9)."""
    if pixel_format.full_range:
        return 0.0, float(pixel_format.max_value), float(pixel_format.max_value)
    unit = float(1 << (pixel_format.bit_depth - 8))
    return 16.0 * unit, 219.0 * unit, 224.0 * unit


def pq_encoded(nits: Float32) -> Float32:
    """Return light in cd/m2 as PQ signal in 0..1 (SMPTE ST 2084)."""
    y = np.clip(nits / np.float32(10000.0), 0.0, 1.0) ** np.float32(2610 / 16384)
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    return np.asarray(((c1 + c2 * y) / (1 + c3 * y)) ** (2523 / 32), np.float32)


def hlg_encoded(nits: Float32) -> Float32:
    """Return display light in cd/m2 as HLG signal: inverse OOTF for a 1000 cd/m2 display, then OETF (BT.2100)."""
    shown = nits / np.float32(_HLG_PEAK_NITS)
    luminance = np.maximum(shown @ np.array([0.2627, 0.6780, 0.0593], np.float32), np.float32(1e-9))
    scene = shown * (luminance ** np.float32((1 - _HLG_GAMMA) / _HLG_GAMMA))[..., None]
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    low = np.sqrt(3.0 * np.maximum(scene, 0.0))
    high = a * np.log(np.maximum(12.0 * scene - b, 1e-6)) + c
    return np.asarray(np.clip(np.where(scene <= 1 / 12, low, high), 0.0, 1.0), np.float32)


def _pq_decoded(signal: Float32) -> Float32:
    power = signal ** np.float32(32 / 2523)
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    return np.asarray(10000.0 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (16384 / 2610), np.float32)


def _hlg_decoded(signal: Float32) -> Float32:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal * signal / 3.0, (np.exp((signal - c) / a) + b) / 12.0).astype(np.float32)
    luminance = np.maximum(scene @ np.array([0.2627, 0.6780, 0.0593], np.float32), np.float32(1e-9))
    return np.asarray(_HLG_PEAK_NITS * scene * (luminance ** np.float32(_HLG_GAMMA - 1))[..., None], np.float32)


def _coefficients(pixel_format: PixelFormat) -> tuple[float, float]:
    try:
        return _KR_KB[pixel_format.matrix]
    except KeyError:
        raise UnsupportedMedia(
            f"a picture or colour cannot be placed in a film with colour matrix {pixel_format.matrix} "
            "(ISO/IEC 23091-2); blur and pixelate can"
        ) from None


def _conversion(source: PictureColour, primaries: int) -> Float32:
    """Return the 3x3 matrix from a picture's linear RGB to the film's."""
    return (np.linalg.inv(_to_xyz(_PRIMARIES[primaries])) @ _to_xyz(_PRIMARIES[source])).astype(np.float32)


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290])
    return np.asarray(columns * np.linalg.solve(columns, white))
