"""A job: one run of a workflow, as a value that is saved before each step.

The states::

    queued          waiting for its turn, or (with `retry_at`) for room at a provider
    processing      at work
    needs_approval  waiting for a person's answer to `question`
    qa_ready        done but for a person's look
    published       in the film
    failed          stopped by `failure`; can be tried again, and a paid job is then picked up where it was
    cancelled       stopped by a person; can be tried again likewise

and within a node that asks a provider, the phases of each try::

    submitting      saved before the request leaves: from here on it may be charged
    running         the provider's id is known, and saved before the first poll
    done            its result is stored
    failed          it ended without a result and cost `billed_usd`, which is mostly nothing
    uncertain       nobody knows what it cost; it is never repeated by itself
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum

from providers.codec import Json
from providers.contract import Ticket
from providers.errors import CallError, PolicyBlocked, ProviderError, RateLimited, TransitionRefused
from providers.ledger import Attempt


class JobState(Enum):
    """Where a job is."""

    QUEUED = "queued"
    PROCESSING = "processing"
    NEEDS_APPROVAL = "needs_approval"
    QA_READY = "qa_ready"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS = {
    JobState.QUEUED: {JobState.PROCESSING, JobState.CANCELLED},
    JobState.PROCESSING: {
        JobState.QUEUED,
        JobState.NEEDS_APPROVAL,
        JobState.QA_READY,
        JobState.PUBLISHED,
        JobState.FAILED,
        JobState.CANCELLED,
    },
    JobState.NEEDS_APPROVAL: {JobState.QUEUED, JobState.FAILED, JobState.CANCELLED},
    JobState.QA_READY: {JobState.PROCESSING, JobState.QUEUED, JobState.CANCELLED},
    JobState.PUBLISHED: set(),
    JobState.FAILED: {JobState.QUEUED, JobState.CANCELLED},
    JobState.CANCELLED: {JobState.QUEUED},
}
RESTING = frozenset(
    {JobState.NEEDS_APPROVAL, JobState.QA_READY, JobState.PUBLISHED, JobState.FAILED, JobState.CANCELLED}
)


class Phase(Enum):
    """Where a try is."""

    SUBMITTING = "submitting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


OPEN_PHASES = frozenset({Phase.SUBMITTING, Phase.RUNNING})


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is kept: its kind, its message, and what is shown as a countdown."""

    kind: str
    message: str
    provider: str = ""
    retry_at: float | None = None

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return an error in the form in which it is kept; of foreign ones the type alone."""
        if not isinstance(error, ProviderError):
            return cls(type(error).__name__, str(error))
        return cls(
            type(error).__name__,
            str(error),
            error.provider if isinstance(error, CallError) else "",
            error.retry_at if isinstance(error, RateLimited) else None,
        )


@dataclass(frozen=True, slots=True)
class Try:
    """One submit of a request to one provider."""

    attempt: Attempt
    phase: Phase
    started_at: float
    ticket: Ticket | None = None
    billed_usd: Decimal | None = None
    failure: Failure | None = None

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.attempt.provider

    @property
    def external_id(self) -> str:
        """Our own id of the try."""
        return self.attempt.attempt

    @property
    def spent_usd(self) -> Decimal:
        """What the try cost, or may have cost."""
        if self.billed_usd is not None:
            return self.billed_usd
        return Decimal(0) if self.phase is Phase.FAILED else self.attempt.estimated_usd


class Reason(Enum):
    """Why a person is asked."""

    CONSENT = "consent"
    CAP = "cap"
    KEY = "key"
    POLICY = "policy"
    UNCERTAIN_CHARGE = "uncertain charge"
    NO_ROOM = "no room"
    OFFLINE = "offline"
    QUALITY = "quality"


class Choice(Enum):
    """What a person can answer."""

    AGREE = "agree"
    TRY_AGAIN = "try again"
    NEXT_PROVIDER = "next provider"
    USE_CACHED = "use cached"
    ACCEPT = "accept"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, and the answers that make sense."""

    reason: Reason
    message: str
    node: str
    choices: tuple[Choice, ...]
    provider: str = ""
    retry_at: float | None = None


class NodeState(Enum):
    """Where a node of the workflow is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"


class Origin(Enum):
    """Where a node's output came from."""

    STEP = "step"
    PROVIDER = "provider"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class Stored:
    """An output as it is stored: a JSON object and the names of its blobs."""

    record: Json
    blobs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What happened at a node so far.

    Attributes:
        passed_over: Providers that a person chose not to use for this job.
        may_use_kin: Whether a person chose to take a cached result of another provider.
        settled: How many of the tries a person has answered for; one that ended in doubt or in a refusal, and that
            nobody has answered for, is asked about again (the program may have ended before it could ask).
    """

    state: NodeState = NodeState.WAITING
    tries: tuple[Try, ...] = ()
    output: Stored | None = None
    origin: Origin | None = None
    passed_over: tuple[str, ...] = ()
    may_use_kin: bool = False
    settled: int = 0

    @property
    def unanswered_try(self) -> Try | None:
        """The last try, if a person has to say what is to follow it."""
        if not self.tries or self.settled >= len(self.tries):
            return None
        last = self.tries[-1]
        refused = last.failure is not None and last.failure.kind == PolicyBlocked.__name__
        return last if last.phase is Phase.UNCERTAIN or refused else None

    @property
    def open_try(self) -> Try | None:
        """The try that is under way, if one is."""
        return self.tries[-1] if self.tries and self.tries[-1].phase in OPEN_PHASES else None

    def with_try(self, attempt: Try) -> NodeRecord:
        """Return the record with a try in place of the one of the same id, or after all others."""
        others = tuple(former for former in self.tries if former.external_id != attempt.external_id)
        return replace(self, state=NodeState.RUNNING, tries=(*others, attempt))

    def spent_usd(self) -> Decimal:
        """Return what the tries cost, or may have cost."""
        return sum((attempt.spent_usd for attempt in self.tries), start=Decimal(0))


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a workflow.

    Attributes:
        workflow: The workflow's JSON text, frozen when the job was made: a resumed job runs the same graph.
        source: The hash of the source file, for the cache.
        frame: The frame that the job starts from, for the cache.
        variant: 0 for the first result of a request, then counting.
        inputs: What the application's steps need to know, its own matter.
        notices: What a person should have been told on the way ("no credit at ...").
    """

    job: str
    project: str
    title: str
    workflow: str
    state: JobState
    created_at: float
    updated_at: float
    source: str = ""
    frame: int = 0
    variant: int = 0
    inputs: Json = field(default_factory=dict)
    nodes: Mapping[str, NodeRecord] = field(default_factory=dict)
    question: Question | None = None
    failure: Failure | None = None
    retry_at: float | None = None
    notices: tuple[str, ...] = ()

    def node(self, name: str) -> NodeRecord:
        """Return the record of a node, an empty one if it was not reached."""
        return self.nodes.get(name) or NodeRecord()

    def with_node(self, name: str, record: NodeRecord) -> Job:
        """Return the job with another record of a node."""
        return replace(self, nodes={**self.nodes, name: record})

    def spent_usd(self) -> Decimal:
        """Return what the job cost so far, or may have cost."""
        return sum((record.spent_usd() for record in self.nodes.values()), start=Decimal(0))

    def moved(self, state: JobState, at: float) -> Job:
        """Return the job in another state, with the former one's question, failure and countdown gone.

        Raises:
            TransitionRefused: a job cannot go there from where it is.
        """
        if state is not self.state and state not in TRANSITIONS[self.state]:
            raise TransitionRefused(f"job {self.job} is {self.state.value} and cannot become {state.value}")
        return replace(self, state=state, updated_at=at, question=None, failure=None, retry_at=None)
