"""Small pictures of takes: the region at its anchor with a take on it, drawn in the background and kept.

What looks at other frames is dear to draw, so its picture is kept in the project's cache too.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QImage

from app.session.document import Document
from app.session.following import Following
from app.session.jobs import Job, Jobs
from app.session.preview import Preview
from app.workflows.follow import films_of_project, pictures_of
from app.workflows.import_media import OpenProject
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from engine.media.pixels import frame_from_planes, to_rgb
from engine.model.layers import Layer, LayerKind, LayerSettings
from engine.model.ops import PatchOp, op_of
from engine.model.patch import IN_PLACE, Patch, ReviewState, Take
from engine.model.region import Box
from engine.model.tool import Picture
from engine.render.base import still_of
from engine.render.films import FilmReaders
from engine.render.moving import Moving
from engine.render.patch_op import PatchRenderer, needs_others

KEPT = 160
_KIND = "take-picture"
_ROOM = 0.35
"""Shown around a region, as a share of its size on each side."""
_PLAIN = Layer("", LayerKind.PATCHES, LayerSettings(""))


@dataclass(frozen=True, slots=True)
class _Want:
    """A picture of a source frame, with an operation or without, cut around a region."""

    source_id: str
    frame: int
    op: PatchOp | None
    around: Box
    width: int
    height: int


class TakePictures(QObject):
    """Pictures by patch and take.

    Signals:
        arrived: further pictures are there.
    """

    arrived = Signal()

    def __init__(
        self, document: Document, jobs: Jobs, preview: Preview, following: Following, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._preview = preview
        self._late: set[_Want] = set()
        self._kept: OrderedDict[_Want, QImage] = OrderedDict()
        self._wanted: list[_Want] = []
        self._job: Job | None = None
        document.closed.connect(self._forget)
        document.films_changed.connect(self._start)
        following.changed.connect(self._try_late_ones)

    def find(self, patch: Patch, take: Take | None, size: QSize) -> QImage | None:
        """Return a picture of `size` pixels, None where it is not there yet; it is then made. Take None: the film."""
        want = self._want(patch, take, size)
        found = self._kept.get(want)
        if found is not None:
            self._kept.move_to_end(want)
            return None if found.isNull() else found
        if want not in self._wanted and want not in self._late:
            self._wanted.append(want)
            self._start()
        return None

    def _want(self, patch: Patch, take: Take | None, size: QSize) -> _Want:
        op: PatchOp | None = None
        if take is not None:
            shown = replace(patch, takes=(take,), pick=take.id, visible=True, state=ReviewState.DRAFT)
            made = op_of(_PLAIN, shown, self._document.project.canvas.rate)
            if isinstance(made, PatchOp):
                # On its anchor a patch stands where it was drawn: nothing has to be followed for that, unless its
                # tool looks at other frames.
                still = replace(made, motion=IN_PLACE, window=None)
                op = made if needs_others(still) and not isinstance(made.tool, Picture) else still
        return _Want(patch.source_id, patch.anchor, op, patch.region.bounds, size.width(), size.height())

    @Slot()
    def _start(self) -> None:
        if self._job is not None or not self._wanted or not self._document.is_open:
            return
        films = self._document.films
        wants = [want for want in self._wanted if want.source_id in films][:12]
        if not wants:
            return
        opened = OpenProject(self._document.file, films, self._document.cache)
        work = partial(_drawn, opened, self._preview.moving, tuple(wants))
        self._job = self._jobs.start_quietly("Pictures of takes", work).then(self._take, self._give_up)
        self._job.ended.connect(self._go_on)

    def _take(self, pictures: dict[_Want, NDArray[np.uint8] | _NotYet | None]) -> None:
        for want, pixels in pictures.items():
            if want in self._wanted:
                self._wanted.remove(want)
            if isinstance(pixels, _NotYet):
                self._late.add(want)
            else:
                self._kept[want] = QImage() if pixels is None else _image(pixels, want)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._job = None
        self.arrived.emit()
        self._start()

    def _give_up(self, _error: DeltacutError) -> None:
        self._wanted.clear()
        self._job = None

    @Slot()
    def _go_on(self) -> None:
        """A cancelled job tells nobody else that it is over."""
        if self._job is not None and self.sender() is self._job and self._job.result is None:
            self._job = None

    @Slot()
    def _try_late_ones(self) -> None:
        """A patch was followed: what waited for that may be asked for again."""
        if self._late:
            self._late.clear()
            self.arrived.emit()

    @Slot()
    def _forget(self) -> None:
        self._wanted.clear()
        self._late.clear()
        self._kept.clear()
        if self._job is not None:
            self._job.cancel()
            self._job = None


class _NotYet(Enum):
    """The patch has to be followed first."""

    NOT_YET = "not yet"


def _drawn(
    opened: OpenProject, moving: Moving | None, wants: tuple[_Want, ...], _progress: Progress, cancel: CancelToken
) -> dict[_Want, NDArray[np.uint8] | _NotYet | None]:
    """Return the pictures, uint8 [h, w, 3], None where a film or a picture cannot be read."""
    found: dict[_Want, NDArray[np.uint8] | _NotYet | None] = {}
    with films_of_project(opened) as films:
        patches = PatchRenderer(pictures_of(opened), moving)
        for want in wants:
            cancel.check()
            try:
                found[want] = _picture(want, opened, films, patches, moving)
            except DeltacutError:
                found[want] = None
    return found


def _picture(
    want: _Want, opened: OpenProject, films: FilmReaders, patches: PatchRenderer, moving: Moving | None
) -> NDArray[np.uint8] | _NotYet:
    dear = want.op is not None and needs_others(want.op)
    key = blake2b(f"{opened.films[want.source_id].identity} {want!r}".encode(), digest_size=20).hexdigest()
    blob = opened.cache.get(_KIND, key) if dear else None
    if blob is not None:
        height, width = (int(part) for part in blob[:16].split())
        return np.frombuffer(blob[16:], np.uint8).reshape(height, width, 3)
    if dear and want.op is not None and (moving is None or not moving.is_ready(want.op, want.source_id)):
        return _NotYet.NOT_YET
    video = films.video(want.source_id)
    frame = films.frame(want.source_id, want.frame)
    if want.op is not None:
        planes = patches.draw(want.op, want.source_id, want.frame, still_of(frame, video))
        frame = frame_from_planes(frame, planes)
    rgb = to_rgb(frame, rotation=video.rotation)
    left, top, right, bottom = cut(want.around, rgb.shape[1], rgb.shape[0], want.width / want.height)
    pixels = np.ascontiguousarray(rgb[top:bottom, left:right])
    if dear:
        opened.cache.put(_KIND, key, f"{pixels.shape[0]:8d}{pixels.shape[1]:8d}".encode() + pixels.tobytes())
    return pixels


def cut(around: Box, width: int, height: int, ratio: float) -> tuple[int, int, int, int]:
    """Return the part of a picture (left, top, right, bottom) that shows a region with room, in the shape `ratio`."""
    x0, x1 = max(0.0, around.x0) * width, min(1.0, around.x1) * width
    y0, y1 = max(0.0, around.y0) * height, min(1.0, around.y1) * height
    across, down = max(24.0, (x1 - x0) * (1 + 2 * _ROOM)), max(24.0, (y1 - y0) * (1 + 2 * _ROOM))
    across, down = max(across, down * ratio), max(down, across / ratio)
    shrink = min(1.0, width / across, height / down)
    wide, high = max(1, round(across * shrink)), max(1, round(down * shrink))
    left = min(max(0, round((x0 + x1 - wide) / 2)), width - wide)
    top = min(max(0, round((y0 + y1 - high) / 2)), height - high)
    return left, top, left + wide, top + high


def _image(pixels: NDArray[np.uint8], want: _Want) -> QImage:
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    shown = image.scaled(
        want.width,
        want.height,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    return shown.copy()  # the pixels belong to the array
