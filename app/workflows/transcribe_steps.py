"""The application's steps of a transcript: take the sound out, keep the words, make captions of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from app.workflows.sound_steps import SoundSteps
from app.workflows.steps import Artifact, StepContext, task_artifact
from engine.media.speech_sound import SoundForm, speech_start
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddLayer, Compound
from engine.model.layers import LayerKind, LayerSettings
from engine.model.place import AtSource
from providers.contract import TranscribeTask, Transcript, Word, WordKind
from providers.errors import StoreDamaged
from providers.workflow import NodeKind

RECORD = "transcript"
"""The sort of note under which words are kept, one for each source."""

LONGEST_CAPTION = 42
"""Characters in a line that can be read at a glance."""
LONGEST_CAPTION_MS = 5000
PAUSE_MS = 700
"""A pause this long ends a caption."""


class TranscribeSteps(SoundSteps):
    """The steps of a project's transcripts."""

    def extract(self, context: StepContext) -> Artifact:
        """Take the sound out."""
        speech = self._speech(context, SoundForm.LOSSLESS)
        language = context.job.inputs["language"]
        return task_artifact(TranscribeTask(speech.data, speech.mime, speech.duration_ms, language))

    def publish(self, context: StepContext) -> Artifact:
        """Keep the words with their times in the film, and captions of them where they are wanted; once."""
        inputs = context.job.inputs
        _, sound = self._sound(context)
        transcript = self._transcript(context)
        start_s = speech_start(sound)
        start_ms = round(start_s * 1000)
        note = {
            "job": context.job.job,
            "language": transcript.language,
            "text": transcript.text,
            "words": [_word_facts(word, start_ms) for word in transcript.words],
        }
        file = self._project.file
        file.put_record(RECORD, inputs["source"], json.dumps(note, ensure_ascii=False))
        layer = inputs["captions"]
        if layer and all(known.id != layer for known in file.project.layers):
            items = tuple(captions_of(transcript.words, inputs["source"], start_s, context.job.job))
            add = AddLayer(layer, LayerKind.CAPTIONS, LayerSettings("Transcript"))
            if items:
                file.commit(Compound("Captions from speech", (add, AddItems(layer, items))))
        return Artifact({"words": len(note["words"])})

    def _transcript(self, context: StepContext) -> Transcript:
        output = self._generation(context, NodeKind.TRANSCRIBE).output
        if not isinstance(output, Transcript):
            raise StoreDamaged(f"job {context.job.job} has lost its transcript")
        return output


def captions_of(words: Sequence[Word], source_id: str, start_s: Fraction, prefix: str) -> Iterator[Caption]:
    """Yield captions of spoken words: a line each, ended by a pause, another speaker, or its length.

    Args:
        words: as they were heard; what is no word is left out.
        source_id: whose sound it is.
        start_s: where the words' times count from, in the source's time.
        prefix: what the captions' ids begin with.
    """
    spoken = [
        word for word in words if word.kind is WordKind.WORD and word.text.strip() and word.end_ms > word.start_ms
    ]
    groups: list[list[Word]] = [spoken[:1]] if spoken else []
    for former, word in pairwise(spoken):
        line = groups[-1]
        length = sum(len(known.text.strip()) + 1 for known in line) + len(word.text.strip())
        apart = word.start_ms - former.end_ms >= PAUSE_MS or word.speaker != former.speaker
        if apart or length > LONGEST_CAPTION or word.end_ms - line[0].start_ms > LONGEST_CAPTION_MS:
            groups.append([word])
        else:
            line.append(word)
    for number, line in enumerate(groups):
        start, stop = (start_s + Fraction(at_ms, 1000) for at_ms in (line[0].start_ms, line[-1].end_ms))
        text = " ".join(word.text.strip() for word in line)
        place = AtSource(source_id, start, stop)
        yield Caption(f"{prefix}-{number}", place, text, speaker=line[0].speaker or "")


def _word_facts(word: Word, start_ms: int) -> Mapping[str, Any]:
    return {
        "text": word.text,
        "start_ms": word.start_ms + start_ms,
        "end_ms": word.end_ms + start_ms,
        "kind": word.kind.value,
        "speaker": word.speaker,
        "confidence": word.confidence,
    }
