"""The application's own tools keep the contract of the providers, and cost, need and send nothing."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import cv2
import numpy as np
import pytest

from app.workflows.generate import chosen_workflow
from app.workflows.local_provider import KNOWN, LocalTools
from engine.errors import UsageError
from engine.media.picture import decode_picture
from providers.cache import cache_key
from providers.contract import (
    Cancellation,
    EditTask,
    Generation,
    MotionTask,
    Picture,
    Place,
    Request,
    Ticket,
    TranscribeTask,
    Work,
)
from providers.errors import JobLost, RequestRejected
from providers.workflow import NodeKind

WIDTH, HEIGHT = 96, 64
HOLE = np.s_[20:44, 30:60]


def png(pixels: np.ndarray) -> Picture:
    return Picture.of(cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes())


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A smooth wall with a sharp thing on it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    wall = np.dstack([60 + x, 90 + y, 140 + (x + y) // 4]).astype(np.uint8)
    wall[HOLE] = np.random.default_rng(3).integers(0, 256, (24, 30, 3))
    return wall


@pytest.fixture
def request_of(scene):
    mask = np.zeros_like(scene)
    mask[HOLE] = 255

    def made(prompt: str) -> Request:
        return Request(EditTask(prompt, png(scene), png(mask)), "job-1")

    return made


def pixels_of(generation: Generation) -> np.ndarray:
    return decode_picture(generation.output.data, "it").rgba[..., :3].astype(int)


def test_it_is_local_and_sends_nothing_for_nothing(request_of):
    tools = LocalTools()
    quote = tools.quote(request_of("remove the logo"))
    assert tools.traits.place is Place.LOCAL
    assert (quote.usd, quote.sends.items, quote.sends.size_bytes) == (Decimal(0), (), 0)
    assert quote.provider in KNOWN


@pytest.mark.parametrize("prompt", ["remove the logo", "Erase it.", "blur", "pixelate the plate", "fill #102030"])
def test_only_what_is_marked_changes_and_the_same_request_gives_the_same_picture(request_of, scene, prompt):
    first, second = (asyncio.run(LocalTools().start(request_of(prompt))) for _ in range(2))
    assert first.output.data == second.output.data
    assert (first.output.width_px, first.output.height_px) == (WIDTH, HEIGHT)
    difference = np.abs(pixels_of(first) - scene).max(axis=2)
    assert difference[HOLE].max() > 20
    difference[HOLE] = 0
    assert not difference.any()


def test_what_is_removed_is_continued_from_around_it(request_of):
    shown = pixels_of(asyncio.run(LocalTools().start(request_of("remove it"))))
    y, x = np.mgrid[20:44, 30:60]
    assert np.abs(shown[HOLE] - np.dstack([60 + x, 90 + y, 140 + (x + y) // 4])).mean() < 8


def test_a_fill_is_of_the_colour_that_is_named(request_of):
    shown = pixels_of(asyncio.run(LocalTools().start(request_of("fill it with #1a2B3c"))))
    assert (shown[HOLE] == (0x1A, 0x2B, 0x3C)).all()


@pytest.mark.parametrize("prompt", ["a red mug", "fill", "fill #12", "please remove", "", "..."])
def test_what_it_cannot_draw_is_rejected_with_what_it_can(request_of, prompt):
    with pytest.raises(RequestRejected, match="remove, blur, pixelate, or fill"):
        LocalTools().quote(request_of(prompt))


def test_other_work_is_rejected(scene):
    for task in (MotionTask("go", png(scene), None, 1000), TranscribeTask(b"", "audio/flac", 1000)):
        with pytest.raises(RequestRejected):
            LocalTools().quote(Request(task, "job-1"))


def test_there_are_no_jobs_to_find_poll_or_cancel(request_of):
    async def main():
        tools, ticket = LocalTools(), Ticket("local", "local-1", "r", "job-1")
        assert await tools.find(request_of("blur")) is None
        assert await tools.cancel(ticket) is Cancellation.UNSUPPORTED
        with pytest.raises(JobLost):
            await tools.poll(ticket)
        await tools.forget(ticket)
        await tools.check()
        await tools.close()

    asyncio.run(main())


def test_another_prompt_is_another_result_in_the_cache(request_of):
    from providers.cache import Provenance

    keys = set()
    for prompt in ("blur", "remove it"):
        wanted = request_of(prompt)
        keys.add(cache_key(Provenance("film", 3), wanted.task, LocalTools().quote(wanted), 0))
    assert len(keys) == 2


def test_a_workflow_asks_it_where_it_is_named_and_only_for_edits():
    flow = chosen_workflow("edit", Work.EDIT, "local", "automatic")
    assert [node.providers for node in flow.nodes if node.kind is NodeKind.EDIT] == [("local",)]
    with pytest.raises(UsageError, match="no provider 'local' for motion"):
        chosen_workflow("motion", Work.MOTION, "local", "automatic")
