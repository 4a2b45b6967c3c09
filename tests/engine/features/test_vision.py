"""Networks of one's own: small ONNX files, written here byte by byte."""

from __future__ import annotations

import json
import struct

import cv2
import numpy as np
import pytest

from app.main import main
from engine.errors import InputError, UsageError
from engine.features.vision import depth_map, key_points, load_network
from tests.corpus.small_clips import Recipe, make


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _tensor_type(name, shape):
    dims = b"".join(_bytes(1, _number(1, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def network(path, weights, size=32):
    """Write an ONNX model (onnx.proto, IR version 8) of one convolution 1 x 1; weights: [out][in]."""
    outs, ins = len(weights), len(weights[0])
    raw = struct.pack(f"<{outs * ins}f", *(value for row in weights for value in row))
    tensor = b"".join(_number(1, size) for size in (outs, ins, 1, 1)) + _number(2, 1) + _bytes(8, "w") + _bytes(9, raw)
    node = _bytes(1, "x") + _bytes(1, "w") + _bytes(2, "y") + _bytes(4, "Conv")
    graph = _bytes(1, node) + _bytes(2, "g") + _bytes(5, tensor)
    graph += _bytes(11, _tensor_type("x", (1, ins, size, size))) + _bytes(12, _tensor_type("y", (1, outs, size, size)))
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 13)))
    return path


def ramp():
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, 160)
    return picture


def test_depth_is_what_the_network_gives_stretched_over_the_picture(tmp_path):
    depth = depth_map(load_network(network(tmp_path / "red.onnx", [[1.0, 0.0, 0.0]]), 32), ramp())
    assert depth.shape == (90, 160)
    assert depth.dtype == np.float32
    assert depth[45] == pytest.approx(np.linspace(0, 1, 160), abs=0.03)


def test_joints_are_where_their_heat_maps_are_highest(tmp_path):
    points = key_points(load_network(network(tmp_path / "two.onnx", [[1.0, 0, 0], [-1.0, 0, 0]]), 32), ramp())
    assert [point.number for point in points] == [0, 1]
    assert points[0].x > 0.95
    assert points[1].x < 0.05
    assert points[0].score > points[0].number


def test_what_is_no_network_or_another_one_is_told(tmp_path):
    with pytest.raises(UsageError, match="none comes with Deltacut"):
        load_network(None)
    with pytest.raises(UsageError, match="cannot be read"):
        load_network(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match="no ONNX network"):
        load_network(tmp_path / "bad.onnx")
    one, two = (network(tmp_path / f"{n}.onnx", [[1.0, 0, 0]] * n) for n in (1, 2))
    with pytest.raises(InputError, match="no depth"):
        depth_map(load_network(two, 32), ramp())
    with pytest.raises(InputError, match="no pose"):
        key_points(load_network(one, 32), ramp())


def test_the_command_writes_the_depth_and_tells_the_joints(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    film = make(tmp_path / "film.mp4", Recipe(frames=5, sounds=0))
    red = network(tmp_path / "red.onnx", [[1.0, 0, 0]])
    out = tmp_path / "depth.png"
    asked = ["vision", str(film), "--frame", "2", "--size", "32", "--json"]
    assert main([*asked, "--depth", str(red), "-o", str(out)]) == 0
    picture = cv2.imdecode(np.frombuffer(out.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    assert (picture.dtype, picture.shape) == (np.uint16, (96, 160))
    capsys.readouterr()
    assert main([*asked, "--pose", str(network(tmp_path / "two.onnx", [[1.0, 0, 0], [0, 0, 1.0]]))]) == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 2
    assert main(asked) == 2
    assert "MODEL.onnx" in capsys.readouterr().err
    assert main(["vision", str(film), "--frame", "9", "--depth", str(red), "--size", "32"]) == 2
