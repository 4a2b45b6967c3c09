"""What the steps of a workflow are given and what they make.

A step is the application's part of a graph: cutting a crop out, fitting a picture in, comparing, publishing. It gets a
`StepContext`, returns an `Artifact`, and never touches the job itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from engine.control import CancelToken
from providers.codec import Json, pack_task, unpack_generation, unpack_task
from providers.contract import Generation, Task
from providers.errors import StoreDamaged
from providers.jobs import Job
from providers.workflow import Node


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a node makes: a JSON object, and blobs by the names that the object's maker gave them."""

    record: Json = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step gets to see.

    Attributes:
        job: The job as it is saved; `job.inputs` is what the application put there.
        node: The node that runs.
        artifacts: What the nodes before it made, by their ids; skipped nodes are missing.
        cancel: Is set when a person cancels the job.
    """

    job: Job
    node: Node
    artifacts: Mapping[str, Artifact]
    cancel: CancelToken


# An `async def`, or a plain function, which then runs in a thread and looks at `context.cancel` now and then. After
# a crash a step may run a second time with the same job: it has to make the same thing again, and only once.
Step = Callable[[StepContext], Artifact | Awaitable[Artifact]]


class StepAsks(Exception):
    """A step leaves a decision to a person (a bad fit, say); its artifact is kept if the person accepts it."""

    def __init__(self, message: str, artifact: Artifact) -> None:
        super().__init__(message)
        self.artifact = artifact


def task_artifact(task: Task) -> Artifact:
    """Return what an `extract` step makes: the task of the provider node after it."""
    packed = pack_task(task)
    return Artifact(packed.record, packed.blobs)


def generation_of(artifact: Artifact) -> Generation:
    """Return the result that a provider node made.

    Raises:
        StoreDamaged: it is not one.
    """
    return unpack_generation(artifact.record, lambda name: _blob_of(artifact, name))


def task_of(artifact: Artifact) -> Task:
    """Return the task that an `extract` step made.

    Raises:
        StoreDamaged: it is not one.
    """
    return unpack_task(artifact.record, lambda name: _blob_of(artifact, name))


def _blob_of(artifact: Artifact, name: str) -> bytes:
    if name not in artifact.blobs:
        raise StoreDamaged(f"a job has lost the picture or sound {name}")
    return artifact.blobs[name]
