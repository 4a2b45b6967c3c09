"""What both Google video services share: the text around the prompt, the ratios, what is sent."""

from __future__ import annotations

from providers.contract import MotionTask, Request, Sent, SentKind, Traits, picture_item, reject_unknown_work, text_item
from providers.pictures import nearest_ratio

RATIOS = ((16, 9), (9, 16))


def motion_task(traits: Traits, request: Request) -> MotionTask:
    """Return the task of a request.

    Raises:
        RequestRejected: another kind of work.
    """
    reject_unknown_work(traits, request)
    assert isinstance(request.task, MotionTask)
    return request.task


def aspect_ratio(task: MotionTask) -> str:
    """Return the ratio to ask for: the one nearest to the first frame's."""
    width, height = nearest_ratio(task.first.width_px, task.first.height_px, RATIOS)
    return f"{width}:{height}"


def sent_items(text: str, task: MotionTask) -> tuple[Sent, ...]:
    """Return everything that a request sends."""
    items = [text_item(text), picture_item(SentKind.FIRST_FRAME, task.first)]
    if task.last is not None:
        items.append(picture_item(SentKind.LAST_FRAME, task.last))
    return tuple(items)
