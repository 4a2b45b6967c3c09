"""The threads that make the viewer's pictures, and what they have to do."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QThread

from app.session.decoded import DecodedFrames
from app.session.jobs import STACK_BYTES
from app.session.picture_memory import PictureMemory
from app.session.scene import Scene, new_scene
from app.session.shown_pictures import Key, Show, Urgency, Want
from engine.errors import Cancelled, DeltacutError
from engine.media.pixels import Care, Frame, to_screen
from engine.model.picture import Picture
from engine.model.project import Project
from engine.render.comparison_pictures import heat_map
from engine.render.film import Film
from engine.render.moving import Moving

_LOG = logging.getLogger(__name__)
_HEATING = threading.Lock()


class Reading:
    """The films of an open project; closed once it is retired and no thread reads any more."""

    def __init__(
        self, films: dict[str, Film], frames: DecodedFrames, pictures: Callable[[str], Picture], moving: Moving
    ) -> None:
        self.films = films
        self.frames = frames
        self.pictures = pictures
        self.moving = moving
        self._users = 0
        self._retired = False
        self._lock = threading.Lock()

    @property
    def is_retired(self) -> bool:
        """Whether nothing more is to be read."""
        return self._retired

    def retire(self) -> None:
        """Have it closed as soon as no thread reads."""
        self.moving.stop()
        with self._lock:
            self._retired = True
            closes = self._users == 0
        if closes:
            self.frames.close()

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            closes = self._retired and self._users == 0
        if closes:
            self.frames.close()


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """A value of the project that is to be drawn."""

    project: Project
    reading: Reading
    tried_at: int | None = None
    """The frame on which it is tried out; None of the project as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A picture to be made."""

    key: Key
    want: Want
    care: Care
    urgency: Urgency
    scene: Scene
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Something that a view wants to know."""

    view: str
    work: Callable[[Scene], object]
    scene: Scene
    reading: Reading


class Queue:
    """What the threads have to do; replaced as a whole by whoever asks, so that the newest wish wins.

    Args:
        built: told of a project that can be drawn now, or why it cannot.
        made: told of a picture, or why there is none; neither where nobody wants it any more.
        worked: told of what a view had worked out. All three are called in the threads.
    """

    def __init__(
        self,
        built: Callable[[Build, Scene | None, DeltacutError | None], None],
        made: Callable[[Task, NDArray[np.uint8] | None, str | None], None],
        worked: Callable[[str, object], None],
    ) -> None:
        self._tell_built = built
        self._tell_made = made
        self._tell_worked = worked
        self.memory = PictureMemory()
        self._changed = threading.Condition()
        self._build: Build | None = None
        self._tasks: dict[Key, Task] = {}
        self._work: OrderedDict[str, Work] = OrderedDict()
        self._busy: set[Key] = set()
        self._at_work: set[str] = set()
        self._holds = False
        self._ended = False

    def set_project(self, build: Build) -> None:
        """Have a project made ready to be drawn, instead of the one before."""
        with self._changed:
            self._build = build
            self._changed.notify_all()

    def set_tasks(self, tasks: dict[Key, Task]) -> None:
        """Have pictures made, the first one first, instead of those before."""
        with self._changed:
            self._tasks = tasks
            self._changed.notify_all()

    def hold(self) -> None:
        """Begin nothing that can wait until `go_on`."""
        with self._changed:
            self._holds = True

    def go_on(self) -> None:
        """Make again what nobody waits for."""
        with self._changed:
            self._holds = False
            self._changed.notify_all()

    def set_work(self, view: str, work: Work) -> None:
        """Have something worked out for a view, instead of what it wanted before."""
        with self._changed:
            self._work[view] = work
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget what has not begun."""
        with self._changed:
            self._build = None
            self._tasks = {}
            self._work.clear()

    def end(self) -> None:
        """Let the threads end."""
        with self._changed:
            self._ended = True
            self._tasks = {}
            self._changed.notify_all()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for has been made."""
        with self._changed:
            return self._build is None and not self._tasks and not self._work and not self._busy and not self._at_work

    def is_wanted(self, key: Key) -> bool:
        """Tell whether a picture is still to be made."""
        return key in self._tasks

    def next(self) -> Build | Task | Work | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            while not self._ended:
                if self._build is not None:
                    build, self._build = self._build, None
                    return build
                task = self._next_task()
                view = next((view for view in self._work if view not in self._at_work), None)
                # At most one thread works for views while there are pictures to be made.
                if view is not None and (task is None or not self._at_work):
                    self._at_work.add(view)
                    return self._work.pop(view)
                if task is not None:
                    self._busy.add(task.key)
                    return task
                self._changed.wait()
            return None

    def _next_task(self) -> Task | None:
        task = next((task for key, task in self._tasks.items() if key not in self._busy), None)
        if task is not None and self._holds and (task.urgency is Urgency.SPARE_TIME or task.care is Care.CAREFUL):
            return None
        if task is None or task.urgency is not Urgency.SPARE_TIME:
            return task
        # What may never be wanted does not take the processor from what is waited for.
        waited_for = any(key in self._tasks and self._tasks[key].urgency is Urgency.WAITED_FOR for key in self._busy)
        return None if waited_for else task

    def run(self, item: Build | Task | Work) -> None:
        """Do what `next` gave."""
        match item:
            case Build():
                with item.reading:
                    scene, error = _built(item)
                self._tell_built(item, scene, error)
            case Task():
                with item.reading:
                    pixels, message = _pictured(item, self)
                with self._changed:
                    self._busy.discard(item.key)
                    self._holds = self._holds or (pixels is not None and item.urgency is Urgency.WAITED_FOR)
                    wanted = self._tasks.get(item.key)
                    is_better = wanted is not None and wanted.care is Care.CAREFUL and item.care is Care.QUICK
                    if (pixels is not None or message is not None) and not is_better:
                        # It is on its way to the cache, which the main thread keeps.
                        self._tasks.pop(item.key, None)
                    self._changed.notify_all()
                self._tell_made(item, pixels, message)
            case Work():
                with item.reading:
                    result = _worked(item)
                with self._changed:
                    self._at_work.discard(item.view)
                    self._changed.notify_all()
                if not item.reading.is_retired:
                    self._tell_worked(item.view, result)


class Worker(QThread):
    """One of the threads."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self._queue = queue
        self.setStackSize(STACK_BYTES)

    def run(self) -> None:
        while (item := self._queue.next()) is not None:
            self._queue.run(item)


def _built(build: Build) -> tuple[Scene | None, DeltacutError | None]:
    reading = build.reading
    try:
        scene = new_scene(build.project, reading.films, reading.frames, reading.pictures, reading.moving)
        if build.tried_at is not None and reading.moving.missing(
            [run for run in scene.runs if build.tried_at in run.timeline_range]
        ):
            return None, None
        return scene, None
    except DeltacutError as error:
        return None, error
    except Exception as error:  # the thread's edge
        _LOG.exception("the project cannot be drawn")
        return None, DeltacutError(f"this project cannot be shown ({type(error).__name__}: {error})")


def _pictured(task: Task, queue: Queue) -> tuple[NDArray[np.uint8] | None, str | None]:
    frames = task.reading.frames
    frames.wanted_while(lambda: queue.is_wanted(task.key))
    try:
        pixels = _pixels(task, queue.memory)
    except Cancelled:
        return None, None
    except DeltacutError as error:
        return None, str(error)
    except Exception as error:  # the thread's edge: FFmpeg's and OpenCV's errors have no common root
        if task.reading.is_retired:
            return None, None
        _LOG.exception("frame %d cannot be shown", task.want.frame)
        return None, f"frame {task.want.frame} cannot be shown ({type(error).__name__}: {error})"
    return pixels, None


def _pixels(task: Task, memory: PictureMemory) -> NDArray[np.uint8]:
    scene, want = task.scene, task.want
    look, rotation = want.look, scene.video.rotation
    match look.show:
        case Show.AFTER:
            frame = scene.after.compose(want.frame)
        case Show.BEFORE:
            frame = scene.before.compose(want.frame)
        case Show.HEAT:
            # One at a time: it takes fifty megabytes of whole pictures in between.
            with _HEATING:
                heat = heat_map(scene.before.compose(want.frame), scene.after.compose(want.frame), rotation, look.gain)
                small = cv2.resize(heat, look.size, interpolation=cv2.INTER_AREA)
            result = memory.new(*small.shape[:2])
            cv2.cvtColor(small, cv2.COLOR_RGB2BGRA, dst=result)
            return result
    return to_screen(frame, _decoded_size(look.size, frame, rotation), rotation, task.care, memory.new)


def _decoded_size(size: tuple[int, int], frame: Frame, rotation: int) -> tuple[int, int]:
    width, height = size if rotation % 180 == 0 else size[::-1]
    return min(width, frame.width), min(height, frame.height)


def _worked(item: Work) -> object:
    try:
        item.reading.frames.wanted_while(lambda: not item.reading.is_retired)
        return item.work(item.scene)
    except DeltacutError as error:
        return error
    except Exception as error:  # the thread's edge
        if not item.reading.is_retired:
            _LOG.exception("work for %s failed", item.view)
        return DeltacutError(f"this could not be worked out ({type(error).__name__}: {error})")
