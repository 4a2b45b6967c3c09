"""Everything behind the window: the session, the panels, and what they can do."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial

from app.session.projects import Projects
from app.session.session import Session, new_session
from app.session.sound_output import Device
from app.ui.actions import ActionTable
from app.ui.captions import CaptionsPanel
from app.ui.context import Context
from app.ui.export import ExportPage
from app.ui.history import HistoryPanel
from app.ui.inspector import InspectorPanel
from app.ui.jobs import JobsPanel
from app.ui.layers import LayersPanel
from app.ui.media import MediaPanel
from app.ui.review import ReviewArea
from app.ui.scopes import ScopesPanel
from app.ui.shell import Shell
from app.ui.takes import PatchesList, TakesPanel
from app.ui.theme import Theme
from app.ui.timeline import TimelinePanel
from app.ui.transcript import TranscriptPanel
from app.ui.viewer import ViewerArea
from app.ui.window import MainWindow
from app.ui.window.commands import WindowCommands
from app.ui.window.main_window import Places


@dataclass(frozen=True, slots=True)
class Desktop:
    """The whole application, as `furnished` made it."""

    theme: Theme
    window: MainWindow
    context: Context
    session: Session
    projects: Projects
    actions: ActionTable
    commands: WindowCommands
    viewer: ViewerArea
    review: ReviewArea
    media: MediaPanel
    captions: CaptionsPanel
    transcript: TranscriptPanel
    layers: LayersPanel
    takes: TakesPanel
    patches: PatchesList
    inspector: InspectorPanel
    jobs: JobsPanel
    history: HistoryPanel
    scopes: ScopesPanel
    timeline: TimelinePanel
    export: ExportPage

    def shut_down(self) -> None:
        """Stop all work; nothing runs afterwards."""
        self.session.shut_down()
        self.projects.forget_left_open()


def furnished(shell: Shell, sound: Device | None = None) -> Generator[None, None, Desktop]:
    """Make everything behind a window, one part after each `yield`, so that the event loop may run in between.

    It plays on `sound`, the system's output where that is not given.
    """
    theme, window = shell.theme, shell.window
    session = new_session(shell.settings, sound)
    yield
    projects = Projects(session.document, session.jobs, session.settings, shell.folder)
    actions = ActionTable(session, theme, window)
    context = Context(session, theme, actions, window)
    viewer = ViewerArea(context)
    yield
    review = ReviewArea(context)
    yield
    media = MediaPanel(context)
    yield
    captions = CaptionsPanel(context)
    transcript = TranscriptPanel(context)
    yield
    layers = LayersPanel(context)
    yield
    takes, patches = TakesPanel(context), PatchesList(context)
    yield
    inspector = InspectorPanel(context)
    yield
    jobs, history, scopes = JobsPanel(context), HistoryPanel(context), ScopesPanel(context)
    yield
    timeline = TimelinePanel(context)
    yield
    export = ExportPage(context)
    yield
    window.furnish(
        session,
        Places(
            pages={"viewer": viewer, "review": review, "deliver": export},
            bin=(
                ("media", "Media", media),
                ("captions", "Captions", captions),
                ("transcript", "Words", transcript),
                ("patches", "Patches", patches),
            ),
            details=(
                ("inspector", "Inspector", inspector),
                ("jobs", "Jobs", jobs),
                ("history", "History", history),
                ("scopes", "Scopes", scopes),
            ),
            layers=layers,
            takes=takes,
            timeline=timeline,
        ),
    )
    yield
    commands = WindowCommands(context, projects, window)
    panels = (
        commands,
        viewer,
        review,
        timeline,
        media,
        layers,
        takes,
        patches,
        inspector,
        captions,
        transcript,
        scopes,
        jobs,
        history,
        export,
    )
    for panel in panels:
        actions.add(panel.actions_of_panel())
        yield
    export.shown_wanted.connect(partial(window.show_workspace, "deliver"))
    export.review_wanted.connect(partial(window.show_workspace, "review"))
    actions.fill(window.top.menus)
    return Desktop(
        theme=theme,
        window=window,
        context=context,
        session=session,
        projects=projects,
        actions=actions,
        commands=commands,
        viewer=viewer,
        review=review,
        media=media,
        captions=captions,
        transcript=transcript,
        layers=layers,
        takes=takes,
        patches=patches,
        inspector=inspector,
        jobs=jobs,
        history=history,
        scopes=scopes,
        timeline=timeline,
        export=export,
    )
