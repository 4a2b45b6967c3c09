"""What the commands that find things in films and tighten them do: call a workflow, print its result."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import feature_report as report
from app.cli.console import Console
from engine.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.speech_detector import SpeechChoice
    from app.workflows.talking_head import RemovalList


def features(given: argparse.Namespace, console: Console) -> int:
    """Find features, and set markers for them."""
    from app.workflows import features as workflow
    from engine.features.cuts import CutSettings
    from engine.features.film_features import FeatureSettings
    from engine.features.timeline_features import FeatureKind

    is_project = given.file.suffix.lower() == workflow.PROJECT_SUFFIX
    if given.markers and not is_project:
        raise UsageError(f"markers are set in a project; make one first: deltacut new PROJECT.dcut {given.file}")
    kinds = tuple(map(FeatureKind, given.only)) if given.only else tuple(FeatureKind)
    settings = FeatureSettings(cuts=CutSettings(given.sensitivity))
    request = workflow.FeatureRequest(settings, given.phrases, _speech(given))
    find = workflow.project_features if is_project else workflow.film_features
    found = find(given.file, request, console.progress, console.cancel)
    marked = None
    if given.markers:
        # Beats by the thousand, and shots beside their cuts, are only marked where they are asked for.
        wanted = kinds if given.only else tuple(kind for kind in kinds if kind.value not in ("beats", "shots"))
        marked = workflow.mark_features(given.file, found, wanted, console.progress, console.cancel)
    facts = report.features_facts(found, kinds) | ({} if marked is None else {"markers": marked})
    console.result(facts, report.features_text(found, kinds, marked))
    return 0


def _speech(given: argparse.Namespace) -> SpeechChoice | None:
    from app.workflows.speech_detector import SpeechChoice

    return None if given.speech is None else SpeechChoice(given.speech)


def pauses(given: argparse.Namespace, console: Console) -> int:
    """List pauses, or take them out."""
    from app.workflows import talking_head as workflow
    from engine.features.removal import PauseRemoval

    settings = PauseRemoval(given.at_least, given.keep)
    listed = workflow.list_pauses(given.project, settings, _speech(given), console.progress, console.cancel)
    return _removal(given, console, listed, "pause")


def fillers(given: argparse.Namespace, console: Console) -> int:
    """List filler words, or take them out."""
    from app.workflows import talking_head as workflow

    listed = workflow.list_fillers(given.project, given.fillers, console.progress, console.cancel)
    return _removal(given, console, listed, "filler word")


def _removal(given: argparse.Namespace, console: Console, listed: RemovalList, thing: str) -> int:
    from app.workflows import talking_head as workflow

    if given.remove:
        count = len(listed.removals) if given.choose is None else len(given.choose)
        title = f"Remove {count} {thing}{'' if count == 1 else 's'}"
        listed = workflow.remove(given.project, listed, given.choose, title, console.progress, console.cancel)
    elif given.choose is not None:
        raise UsageError("--choose says which of the list --remove takes out; give both")
    console.result(report.removal_facts(listed, given.remove), report.removal_text(listed, given.remove))
    return 0


def words(given: argparse.Namespace, console: Console) -> int:
    """List, search, cut or caption words."""
    from app.workflows import transcript as workflow

    if given.search is not None:
        hits = workflow.search_project(given.project, given.search, console.progress, console.cancel)
        console.result(report.search_facts(hits), report.search_text(hits))
        return 0
    if given.cut is not None or given.caption is not None:
        if given.cut is not None:
            title = workflow.cut_words(given.project, given.cut, given.source, console.progress, console.cancel)
        else:
            title = workflow.caption_words(
                given.project, given.caption, given.source, given.layer, console.progress, console.cancel
            )
        console.result({"step": title}, f"{given.project}: {title}")
        return 0
    project, texts = workflow.read_texts(given.project)
    shown = [word for word in workflow.shown_words(project, texts) if given.source in (None, word.source_id)]
    console.result(report.words_facts(shown), report.words_text(shown))
    return 0


def vision(given: argparse.Namespace, console: Console) -> int:
    """See depth or pose in a frame."""
    from dataclasses import asdict

    from app.workflows import vision as workflow

    work = console.progress, console.cancel
    if given.pose is not None:
        points = workflow.pose(given.file, given.frame, given.pose, given.size, *work)
        lines = [f"{point.number:3}  {point.x:.3f}, {point.y:.3f}  ({point.score:.2f})" for point in points]
        console.result({"points": [asdict(point) for point in points]}, "\n".join(lines))
    else:
        target = given.output or Path("depth.png")
        workflow.depth_picture(given.file, given.frame, given.depth, given.size, target, *work)
        console.result({"file": str(target)}, f"{target}: depth of frame {given.frame} of {given.file}")
    return 0


FEATURE_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {
    "features": features,
    "pauses": pauses,
    "fillers": fillers,
    "words": words,
    "vision": vision,
}
