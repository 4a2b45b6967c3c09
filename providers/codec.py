"""Tasks and results as JSON and blobs, so that a job survives a restart and a cache outlives its project.

The JSON names the blobs by their digest; the same picture in two requests is stored once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from providers.contract import (
    EditTask,
    Emotion,
    Emotions,
    EmotionStretch,
    EmotionTask,
    Generation,
    MotionTask,
    Output,
    Picture,
    PictureSize,
    Speakers,
    Task,
    Ticket,
    TranscribeTask,
    Transcript,
    Video,
    VideoSize,
    Word,
    WordKind,
)
from providers.errors import StoreDamaged

Json = dict[str, Any]
BlobReader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Packed:
    """A value as a JSON object and the blobs that it names."""

    record: Json
    blobs: Mapping[str, bytes] = field(repr=False)


def digest(data: bytes) -> str:
    """Return the name of a blob."""
    return blake2b(data, digest_size=20).hexdigest()


def canonical(record: Json) -> str:
    """Return the one JSON text of an object, for hashing."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def pack_task(task: Task) -> Packed:
    """Pack a task."""
    blobs: dict[str, bytes] = {}

    def picture(value: Picture) -> Json:
        blobs[digest(value.data)] = value.data
        return {
            "blob": digest(value.data),
            "mime": value.mime,
            "width": value.width_px,
            "height": value.height_px,
        }

    record: Json
    match task:
        case EditTask():
            record = {
                "task": "edit",
                "prompt": task.prompt,
                "picture": picture(task.picture),
                "mask": picture(task.mask),
                "references": [picture(reference) for reference in task.references],
                "size": task.size.value,
            }
        case MotionTask():
            record = {
                "task": "motion",
                "prompt": task.prompt,
                "first": picture(task.first),
                "last": None if task.last is None else picture(task.last),
                "duration_ms": task.duration_ms,
                "size": task.size.value,
            }
        case TranscribeTask():
            blobs[digest(task.audio)] = task.audio
            record = {
                "task": "transcribe",
                "audio": digest(task.audio),
                "mime": task.mime,
                "duration_ms": task.duration_ms,
                "language": task.language,
                "speakers": task.speakers.value,
                "keyterms": list(task.keyterms),
            }
        case EmotionTask():
            blobs[digest(task.audio)] = task.audio
            record = {
                "task": "emotion",
                "audio": digest(task.audio),
                "mime": task.mime,
                "duration_ms": task.duration_ms,
            }
    return Packed(record, blobs)


def unpack_task(record: Json, blob: BlobReader) -> Task:
    """Unpack what `pack_task` packed.

    Raises:
        StoreDamaged: it did not.
    """
    try:
        match record["task"]:
            case "edit":
                return EditTask(
                    record["prompt"],
                    _picture(record["picture"], blob),
                    _picture(record["mask"], blob),
                    tuple(_picture(reference, blob) for reference in record["references"]),
                    PictureSize(record["size"]),
                )
            case "motion":
                return MotionTask(
                    record["prompt"],
                    _picture(record["first"], blob),
                    None if record["last"] is None else _picture(record["last"], blob),
                    record["duration_ms"],
                    VideoSize(record["size"]),
                )
            case "transcribe":
                return TranscribeTask(
                    blob(record["audio"]),
                    record["mime"],
                    record["duration_ms"],
                    record["language"],
                    Speakers(record["speakers"]),
                    tuple(record["keyterms"]),
                )
            case "emotion":
                return EmotionTask(blob(record["audio"]), record["mime"], record["duration_ms"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreDamaged(f"a stored request cannot be read ({type(error).__name__}: {error})") from error
    raise StoreDamaged(f"a stored request is of an unknown kind: {record['task']!r}")


def pack_generation(generation: Generation) -> Packed:
    """Pack a result."""
    output, blobs = _pack_output(generation.output)
    return Packed(
        {
            "provider": generation.provider,
            "model": generation.model,
            "external_id": generation.external_id,
            "remote_id": generation.remote_id,
            "usd": None if generation.usd is None else str(generation.usd),
            "input_tokens": generation.input_tokens,
            "output_tokens": generation.output_tokens,
            "output": output,
        },
        blobs,
    )


def unpack_generation(record: Json, blob: BlobReader) -> Generation:
    """Unpack what `pack_generation` packed.

    Raises:
        StoreDamaged: it did not.
    """
    try:
        return Generation(
            record["provider"],
            record["model"],
            record["external_id"],
            _unpack_output(record["output"], blob),
            record["remote_id"],
            None if record["usd"] is None else Decimal(record["usd"]),
            record["input_tokens"],
            record["output_tokens"],
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise StoreDamaged(f"a stored result cannot be read ({type(error).__name__}: {error})") from error


def ticket_as_json(ticket: Ticket) -> Json:
    """Return a ticket as a JSON object."""
    return {
        "provider": ticket.provider,
        "model": ticket.model,
        "remote_id": ticket.remote_id,
        "external_id": ticket.external_id,
    }


def ticket_from_json(record: Json) -> Ticket:
    """Read what `ticket_as_json` wrote."""
    return Ticket(record["provider"], record["model"], record["remote_id"], record["external_id"])


def _picture(record: Json, blob: BlobReader) -> Picture:
    return Picture(blob(record["blob"]), record["mime"], record["width"], record["height"])


def _pack_output(output: Output) -> tuple[Json, dict[str, bytes]]:
    match output:
        case Picture():
            name = digest(output.data)
            kind = {"kind": "picture", "blob": name, "mime": output.mime}
            return {**kind, "width": output.width_px, "height": output.height_px}, {name: output.data}
        case Video():
            name = digest(output.data)
            return {"kind": "video", "blob": name, "mime": output.mime}, {name: output.data}
        case Transcript():
            words = [
                [word.text, word.start_ms, word.end_ms, word.kind.value, word.speaker, word.confidence]
                for word in output.words
            ]
            return {"kind": "transcript", "language": output.language, "text": output.text, "words": words}, {}
        case Emotions():
            stretches = [
                [stretch.start_ms, stretch.end_ms, stretch.emotion.value, stretch.confidence]
                for stretch in output.stretches
            ]
            return {"kind": "emotions", "stretches": stretches}, {}


def _unpack_output(record: Json, blob: BlobReader) -> Output:
    match record["kind"]:
        case "picture":
            return _picture(record, blob)
        case "video":
            return Video(blob(record["blob"]), record["mime"])
        case "transcript":
            return Transcript(
                record["language"],
                record["text"],
                tuple(
                    Word(text, start_ms, end_ms, WordKind(kind), speaker, confidence)
                    for text, start_ms, end_ms, kind, speaker, confidence in record["words"]
                ),
            )
        case "emotions":
            return Emotions(
                tuple(
                    EmotionStretch(start_ms, end_ms, Emotion(name), confidence)
                    for start_ms, end_ms, name, confidence in record["stretches"]
                )
            )
    raise ValueError(f"unknown output {record['kind']!r}")
