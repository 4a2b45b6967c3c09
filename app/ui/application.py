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
    window.place_page("viewer", viewer)
    yield
    review = ReviewArea(context)
    window.place_page("review", review)
    yield
    export = ExportPage(context)
    yield
    window.place_page("deliver", export)
    yield
    media = MediaPanel(context)
    window.place_tab("bin", "media", "Media", media)
    yield
    captions = CaptionsPanel(context)
    window.place_tab("bin", "captions", "Captions", captions)
    yield
    transcript = TranscriptPanel(context)
    window.place_tab("bin", "transcript", "Words", transcript)
    yield
    patches = PatchesList(context)
    window.place_tab("bin", "patches", "Patches", patches)
    yield
    layers = LayersPanel(context)
    window.place_panel("layers", layers)
    yield
    takes = TakesPanel(context)
    window.place_panel("takes", takes)
    yield
    inspector = InspectorPanel(context)
    yield
    window.place_tab("details", "inspector", "Inspector", inspector)
    yield
    jobs = JobsPanel(context)
    window.place_tab("details", "jobs", "Jobs", jobs)
    history = HistoryPanel(context)
    window.place_tab("details", "history", "History", history)
    scopes = ScopesPanel(context)
    window.place_tab("details", "scopes", "Scopes", scopes)
    yield
    timeline = TimelinePanel(context)
    yield
    window.place_panel("timeline", timeline)
    yield
    window.follow(session)
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
    commands.add_recent(window.top.menus["File"])
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
