"""Depth and pose by a network that the person supplies as an ONNX file; none comes along, and nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError, UsageError
from engine.features.measures import Float32, UInt8

USUAL_SIZE_PX = 256

# What most published networks for pictures were trained with (ImageNet's mean and deviation of R, G, B).
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """A joint of a body: its number in the network's own order, its place (0 to 1 of the picture), and how sure."""

    number: int
    x: float
    y: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class VisionNetwork:
    """A loaded network. One thread at a time.

    Attributes:
        size_px: side of the square picture that it is given.
    """

    path: Path
    net: Any
    size_px: int


def load_network(path: Path | None, size_px: int = USUAL_SIZE_PX) -> VisionNetwork:
    """Load a network.

    Args:
        path: an ONNX file whose input is 1 x 3 x size x size; None where the person gave none.
        size_px: side of its input.

    Raises:
        UsageError: no file is given, or it is not there.
        InputError: OpenCV cannot use it.
    """
    if path is None:
        raise UsageError(
            "depth and pose need a network as an ONNX file, and none comes with Deltacut: "
            "give one with --depth MODEL.onnx or --pose MODEL.onnx"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the network {path} cannot be read: {error.strerror}") from error
    try:
        return VisionNetwork(path, cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8)), size_px)
    except cv2.error as error:
        raise InputError(f"{path} is no ONNX network that OpenCV can use ({_short(error)}); try another one") from error


def depth_map(network: VisionNetwork, picture: UInt8) -> Float32:
    """Return how near each place of a picture is, as the network sees it.

    Args:
        network: gives one value for each place: 1 x H x W, or 1 x 1 x H x W.
        picture: uint8 [h, w, 3] R G B, as displayed.

    Returns:
        float32 [h, w] in [0, 1], stretched over the picture: only the order has a meaning.

    Raises:
        InputError: the network fails, or gives something else.
    """
    found = _output(network, picture)
    if found.ndim not in (3, 4) or found.shape[:-2] not in ((1,), (1, 1)) or min(found.shape[-2:]) < 2:
        raise InputError(f"{network.path} gives {_shape(found)}, which is no depth: 1 x H x W is expected")
    values = found.reshape(found.shape[-2:])
    low, high = float(values.min()), float(values.max())
    values = (values - low) / max(1e-9, high - low)
    return np.asarray(cv2.resize(values, (picture.shape[1], picture.shape[0])), np.float32)


def key_points(network: VisionNetwork, picture: UInt8) -> tuple[KeyPoint, ...]:
    """Return the joints of the person in a picture.

    Args:
        network: gives a heat map for each joint: 1 x joints x H x W.
        picture: uint8 [h, w, 3] R G B, as displayed.

    Raises:
        InputError: the network fails, or gives something else.
    """
    found = _output(network, picture)
    if found.ndim != 4 or found.shape[0] != 1 or found.shape[1] < 2:
        raise InputError(f"{network.path} gives {_shape(found)}, which is no pose: 1 x joints x H x W is expected")
    _, _, height, width = found.shape
    points = []
    for number, heat in enumerate(found[0]):
        at = int(np.argmax(heat))
        y, x = divmod(at, width)
        points.append(KeyPoint(number, (x + 0.5) / width, (y + 0.5) / height, float(heat.flat[at])))
    return tuple(points)


def _output(network: VisionNetwork, picture: UInt8) -> NDArray[np.float32]:
    side = network.size_px
    small = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.float32) / 255
    blob = ((small - np.asarray(_MEAN, np.float32)) / np.asarray(_DEVIATION, np.float32)).transpose(2, 0, 1)[None]
    try:
        network.net.setInput(np.ascontiguousarray(blob))
        return np.asarray(network.net.forward(), np.float32)
    except cv2.error as error:
        raise InputError(
            f"{network.path} cannot take pictures of {side} x {side} ({_short(error)}); give its size with --size"
        ) from error


def _short(error: cv2.error) -> str:
    return str(error).strip().splitlines()[-1][:120]


def _shape(values: NDArray[np.float32]) -> str:
    return " x ".join(map(str, values.shape))
