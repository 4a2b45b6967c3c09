"""The application's steps of labelling emotions: take the sound out, keep the labels."""

from __future__ import annotations

import json

from app.workflows.sound_steps import SoundSteps
from app.workflows.steps import Artifact, StepContext, task_artifact
from engine.media.speech_sound import SoundForm, speech_start
from providers.contract import Emotions, EmotionTask
from providers.errors import StoreDamaged
from providers.workflow import NodeKind

RECORD = "emotions"
"""The sort of note under which labels are kept, one for each source."""


class EmotionSteps(SoundSteps):
    """The steps of a project's labels."""

    def extract(self, context: StepContext) -> Artifact:
        """Take the sound out."""
        speech = self._speech(context, SoundForm.COMPACT)
        return task_artifact(EmotionTask(speech.data, speech.mime, speech.duration_ms))

    def publish(self, context: StepContext) -> Artifact:
        """Keep the labels with their times in the film, and which model gave them."""
        generation = self._generation(context, NodeKind.EMOTION)
        labels = generation.output
        if not isinstance(labels, Emotions):
            raise StoreDamaged(f"job {context.job.job} has lost its labels")
        _, sound = self._sound(context)
        start_ms = round(speech_start(sound) * 1000)
        note = {
            "job": context.job.job,
            "provider": generation.provider,
            "model": generation.model,
            "stretches": [
                {
                    "start_ms": stretch.start_ms + start_ms,
                    "end_ms": stretch.end_ms + start_ms,
                    "emotion": stretch.emotion.value,
                    "confidence": stretch.confidence,
                }
                for stretch in labels.stretches
            ],
        }
        self._project.file.put_record(RECORD, context.job.inputs["source"], json.dumps(note))
        return Artifact({"stretches": len(labels.stretches)})
