"""One value of the project, ready to be drawn: what each timeline frame is made of, and the composers that make it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.session.decoded import DecodedFrames
from engine.errors import MissingMedia
from engine.model.media import VideoStream
from engine.model.ops import PatchOp, SubjectOp
from engine.model.project import Project
from engine.model.recipe import BlackBase, Recipe, RecipeRun, recipe_runs
from engine.model.storyline import Clip
from engine.model.timeline import TimelineMap
from engine.render.compose import Composer
from engine.render.film import Film
from engine.render.moving import Moving
from engine.render.overlay_op import Pictures
from engine.render.patch_op import PatchRenderer, needs_others
from engine.render.timeline import reference_of


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A project's recipes with what draws them; any thread may draw.

    Attributes:
        video: the stream whose form composed frames have; its displayed size is the canvas.
        after: makes frames with everything on them. before: makes those of the film alone.
        films: where source frames are read. moving: follows patches. patches: draws them one by one.
        pictures: looks up the pictures of takes and overlays.
    """

    project: Project
    timeline: TimelineMap
    runs: tuple[RecipeRun, ...]
    starts: tuple[int, ...]
    video: VideoStream
    after: Composer
    before: Composer
    films: DecodedFrames
    moving: Moving
    patches: PatchRenderer
    pictures: Pictures

    def recipe(self, frame: int) -> Recipe | None:
        """Return what a timeline frame is made of, None outside the film."""
        if not self.runs or not 0 <= frame < self.runs[-1].timeline_range.stop:
            return None
        run = self.runs[bisect_right(self.starts, frame) - 1]
        return run.recipe.advanced(frame - run.timeline_range.start)

    def source_at(self, frame: int) -> tuple[str, int] | None:
        """Return the source and its frame under a timeline frame, None in a gap and outside the film."""
        recipe = self.recipe(frame)
        return None if recipe is None or isinstance(recipe.base, BlackBase) else self.after.source_frame(frame)


def new_scene(
    project: Project, films: Mapping[str, Film], readers: DecodedFrames, pictures: Pictures, moving: Moving
) -> Scene:
    """Return a project as it can be drawn.

    Raises:
        MissingMedia: no film of its storyline is at hand.
    """
    runs = recipe_runs(project)
    video = _form(project, runs, films)
    bare = tuple(RecipeRun(run.timeline_range, Recipe(run.recipe.base, run.recipe.placement)) for run in runs)
    return Scene(
        project,
        TimelineMap(project),
        runs,
        tuple(run.timeline_range.start for run in runs),
        video,
        Composer(video, runs, pictures, readers, moving),
        Composer(video, bare, pictures, readers, moving),
        readers,
        moving,
        PatchRenderer(pictures, moving),
        pictures,
    )


def depends_on_following(recipe: Recipe) -> bool:
    """Tell whether a frame looks otherwise once its patches have been followed."""
    return any(isinstance(op, SubjectOp) or (isinstance(op, PatchOp) and needs_others(op)) for op in recipe.ops)


def _form(project: Project, runs: tuple[RecipeRun, ...], films: Mapping[str, Film]) -> VideoStream:
    """Return the form of composed frames: that of the film that most of the timeline is copied from."""
    shown = [item.source_id for item in project.storyline if isinstance(item, Clip)]
    at_hand = [source_id for source_id in shown if source_id in films]
    if not at_hand:
        raise MissingMedia("none of this project's films is at hand; find their files")
    reference = reference_of(project, runs)
    video = films[reference if reference in films else at_hand[0]].info.video
    canvas = project.canvas
    if video.display_size == (canvas.width, canvas.height):
        return video
    return replace(video, width=canvas.width, height=canvas.height, rotation=0, sar=canvas.sar)
