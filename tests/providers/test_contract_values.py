from __future__ import annotations

import pickle
import struct
import traceback
from decimal import Decimal

import cv2
import numpy as np
import pytest

from providers.contract import (
    EditTask,
    MotionTask,
    Picture,
    Request,
    Traits,
    TranscribeTask,
    Work,
    reject_unknown_work,
    work_of,
)
from providers.errors import PricesInvalid, RequestRejected, Transient, translated
from providers.pictures import PictureInfo, nearest_ratio, picture_info
from providers.pricing import load_prices, parse_prices
from providers.secret import Secret


def encoded(extension, width=37, height=23, *flags):
    return cv2.imencode(extension, np.zeros((height, width, 3), np.uint8), list(flags))[1].tobytes()


@pytest.mark.parametrize(
    ("extension", "mime"), [(".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/webp")]
)
def test_the_size_of_a_picture_is_read_from_its_header(extension, mime):
    data = encoded(extension)
    assert picture_info(data) == PictureInfo(mime, 37, 23)
    assert Picture.of(data) == Picture(data, mime, 37, 23)


def test_progressive_jpeg_and_the_other_webp_kinds_are_read_too():
    assert picture_info(encoded(".jpg", 37, 23, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)) == PictureInfo("image/jpeg", 37, 23)
    lossless = cv2.imencode(".webp", np.zeros((23, 37, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    assert picture_info(lossless) == PictureInfo("image/webp", 37, 23)
    lossy = cv2.imencode(".webp", np.zeros((23, 37, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 50])[1].tobytes()
    assert picture_info(lossy) == PictureInfo("image/webp", 37, 23)
    extended = b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\x24\0\0" + b"\x16\0\0"
    assert picture_info(extended) == PictureInfo("image/webp", 37, 23)


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", bytes(40)])
def test_what_is_no_picture_is_refused_by_name(data):
    with pytest.raises(RequestRejected, match=r"not a picture"):
        Picture.of(data)


def test_no_prefix_of_a_picture_makes_the_reader_fail_otherwise():
    for extension in (".png", ".jpg", ".webp"):
        data = encoded(extension)
        for length in range(len(data)):
            assert isinstance(picture_info(data[:length]), PictureInfo | str)


def test_a_size_snaps_to_the_ratio_that_stretches_it_least():
    ratios = [(1, 1), (16, 9), (9, 16)]
    assert nearest_ratio(1000, 1000, ratios) == (1, 1)
    assert nearest_ratio(1920, 1080, ratios) == (16, 9)
    assert nearest_ratio(300, 900, ratios) == (9, 16)


def test_the_work_follows_from_the_task():
    picture = Picture.of(encoded(".png"))
    edit = EditTask("prompt", picture, picture)
    assert [work_of(task) for task in (edit, MotionTask("", picture, None, 5000), TranscribeTask(b"", "", 1))] == [
        Work.EDIT,
        Work.MOTION,
        Work.TRANSCRIBE,
    ]
    traits = Traits("x", "X", "x", frozenset({Work.MOTION}), "m")
    with pytest.raises(RequestRejected, match="X does not do 'edit', only motion"):
        reject_unknown_work(traits, Request(edit, "a-1"))


def test_the_repr_of_a_request_holds_neither_pictures_nor_the_prompt():
    picture = Picture.of(encoded(".png"))
    text = repr(Request(EditTask("a secret wish", picture, picture), "a-1"))
    assert "secret wish" not in text
    assert "PNG" not in text


def test_a_secret_shows_itself_nowhere_but_in_reveal():
    secret = Secret("sk-canary-0123456789abcdef")
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {secret:>40}"
    try:
        raise ValueError("with locals")
    except ValueError as error:
        shown += "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "canary" not in shown
    assert secret.reveal() == "sk-canary-0123456789abcdef"
    assert secret.tail == "cdef"
    assert Secret("short").tail == ""
    assert secret.scrubbed("bad key sk-canary-0123456789abcdef!") == "bad key ***!"
    assert secret == Secret("sk-canary-0123456789abcdef")
    assert secret != Secret("other")
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(secret)


async def _failing():
    raise ConnectionError("carries a request with headers")


def test_a_translated_error_carries_nothing_of_the_foreign_one():
    import asyncio

    with pytest.raises(Transient) as caught:
        asyncio.run(translated(_failing(), lambda error: Transient(f"{type(error).__name__}")))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_the_shipped_prices_are_dated_and_exact():
    prices = load_prices().of("gemini-3-pro-image", like="gemini-3-pro-image")
    assert prices.picture_usd("1K") == Decimal("0.134")
    assert prices.picture_usd("4K") == Decimal("0.24")
    assert prices.as_of.year >= 2026
    kling = load_prices().of("kling-3.0", like="kling-3.0")
    assert kling.second_usd("720p") == Decimal("0.084")


def test_a_size_or_model_that_is_not_in_the_table_costs_the_dearest_known():
    table = load_prices()
    assert table.of("kling-3.0", like="kling-3.0").second_usd("8k") == Decimal("0.42")
    assert table.of("kling-9", like="kling-3.0").second_usd("720p") == Decimal("0.084")
    with pytest.raises(PricesInvalid, match=r"add one of them to prices\.json"):
        table.of("unheard-of", like="of-nothing")


def test_the_user_s_table_wins_model_by_model(tmp_path):
    own = tmp_path / "prices.json"
    own.write_text('{"as_of": "2027-01-02", "models": {"kling-3.0": {"second": {"720p": 0.1}}}}')
    table = load_prices(own)
    assert table.of("kling-3.0", like="").second_usd("720p") == Decimal("0.1")
    assert table.of("scribe_v2", like="").hour == Decimal("0.22")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"as_of": "soon", "models": {}}',
        '{"as_of": "2026-01-01", "models": {"m": {"second": {"720p": "-1"}}}}',
        '{"as_of": "2026-01-01", "models": {"m": {"second": {"720p": "NaN"}}}}',
        '{"as_of": "2026-01-01", "models": {"m": {"hour": []}}}',
        '{"as_of": "2026-01-01", "models": []}',
        '{"as_of": "2026-01-01", "currency": "EUR", "models": {}}',
    ],
)
def test_a_broken_price_table_is_refused_rather_than_half_used(text):
    with pytest.raises(PricesInvalid, match=r"own\.json"):
        parse_prices(text, "own.json")
