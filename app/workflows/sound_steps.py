"""What the steps of all work on a film's sound have in common."""

from __future__ import annotations

import json

from app.workflows.import_media import OpenProject
from app.workflows.steps import StepContext, generation_of
from engine.errors import UsageError
from engine.media.speech_sound import SoundForm, SpeechSound, speech_sound
from engine.model.media import AudioStream
from engine.render.film import Film
from providers.contract import Generation
from providers.workflow import NodeKind


class SoundSteps:
    """The steps of work on the sound of a project's films."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    def _speech(self, context: StepContext, form: SoundForm) -> SpeechSound:
        film, sound = self._sound(context)
        return speech_sound(film.path, sound, form, context.cancel)

    def _sound(self, context: StepContext) -> tuple[Film, AudioStream]:
        film = self._project.films[context.job.inputs["source"]]
        if not film.info.audio:
            raise UsageError(f"{film.path.name} has no sound to listen to")
        return film, film.info.audio[0]

    def _generation(self, context: StepContext, kind: NodeKind) -> Generation:
        """Return what the provider that was asked answered."""
        nodes = json.loads(context.job.workflow)["nodes"]
        name = next(node["id"] for node in nodes if node["kind"] == kind.value)
        return generation_of(context.artifacts[name])
