"""Jobs to break, and the account that has to be right whatever was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from pathlib import Path

from app.workflows.steps import StepContext
from providers.cache import Provenance
from providers.contract import Task, TranscribeTask
from providers.jobs import Job, JobState, Phase, Reason
from providers.ledger import Spend, SpendState
from providers.limits import Limits
from providers.registry import ADAPTERS
from providers.retry import Patience
from tests.fakes.desk import Desk, workflow
from tests.fakes.world import World
from tests.providers.adapter_cases import edit_task, emotion_task, motion_task, tone

KINDS = {
    "gemini": "edit",
    "gemini-audio": "emotion",
    "veo": "motion",
    "omni": "motion",
    "kling": "motion",
    "kling-legacy": "motion",
    "elevenlabs": "transcribe",
}
HASTE = Patience(attempts=2, pause_s=0.05, rate_pause_s=0.05, first_pause_s=0.001)


def environment(world: World) -> dict[str, str]:
    fast = {name: "0.003" for name in world.environment() if name.endswith("_POLL_S")}
    return {**world.environment(), **fast}


def open_desk(folder: Path, variables: Mapping[str, str], limits: Mapping[str, Limits] | None = None) -> Desk:
    """Open everything over a folder, as a start of the application does."""
    return Desk(folder, remote=ADAPTERS, environment=variables, task=task_of, patience=HASTE, limits=limits or {})


def add(desk: Desk, provider: str, number: int) -> str:
    """Queue a job for one provider; its title is in everything that it sends."""
    flow = workflow(provider, kind=KINDS[provider], limits={"timeout_s": 2}, policy={"wait_s": 0.5})
    title = f"wish-{number:06d}."
    provenance = Provenance("source", number)
    return desk.orchestrator.add(
        flow, project="film", title=title, provenance=provenance, inputs={"kind": KINDS[provider]}
    ).job


def task_of(context: StepContext) -> Task:
    match context.job.inputs["kind"]:
        case "edit":
            return edit_task(context.job.title, 320, 180)
        case "motion":
            return motion_task(context.job.title)
        case "emotion":
            return emotion_task(context.job.title)
    return TranscribeTask(tone() + context.job.title.encode(), "audio/flac", 4000)


@dataclass
class Account:
    """What became of some jobs, and everything that must not be."""

    ends: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Account) -> None:
        self.ends += other.ends
        self.asked += other.asked
        self.wrong += other.wrong

    def line(self) -> str:
        ends = ", ".join(f"{count} {name}" for name, count in sorted(self.ends.items()))
        asks = ", ".join(f"{count} {name}" for name, count in sorted(self.asked.items()))
        return f"{ends}; asked: {asks or 'nothing'}; wrong: {len(self.wrong)}"


def audit(jobs: Iterable[Job], spend: Iterable[Spend], world: World) -> Account:
    """Compare what the services charged with what the jobs and the ledger say.

    No job is charged twice; what was charged is published, or still open, or a person is asked about it; the ledger
    holds exactly what was charged, and for what nobody can know the estimate, marked as uncertain.
    """
    account = Account()
    spent = list(spend)
    for job in jobs:
        charges = [
            charge.usd
            for service in world.services.values()
            for charge in service.charges
            if job.job in charge.name or job.title in charge.name or _audio_of(job) == charge.name
        ]
        entries = [entry for entry in spent if entry.attempt.startswith(job.job)]
        tries = [attempt for record in job.nodes.values() for attempt in record.tries]
        account.ends[job.state.value] += 1
        if job.question is not None:
            account.asked[f"{job.question.reason.value} at {job.question.provider}"] += 1
        where = f"{job.title} ({tries[-1].provider if tries else 'no try'}, {job.state.value})"
        uncertain = [entry for entry in entries if entry.state is SpendState.UNCERTAIN]
        counted = sum((entry.counted_usd for entry in entries if entry not in uncertain), start=Decimal(0))
        # A job that the service gave up and billed all the same is told, and was tried again by a person.
        given_up = sum(attempt.phase is Phase.FAILED and bool(attempt.billed_usd) for attempt in tries)
        if len(charges) - given_up > 1:
            account.wrong.append(f"{where}: paid {len(charges)} times")
        elif job.state is JobState.PUBLISHED:
            charged = sum((_rounded(usd) for usd in charges), start=Decimal(0))
            if len(charges) == given_up:
                account.wrong.append(f"{where}: a result that was never charged")
            elif counted != charged or uncertain:
                account.wrong.append(f"{where}: charged {charged}, ledger {counted} and {len(uncertain)} uncertain")
        elif charges:
            known = job.question is not None and job.question.reason is Reason.UNCERTAIN_CHARGE
            is_open = any(attempt.phase in (Phase.SUBMITTING, Phase.RUNNING) for attempt in tries)
            if not known and not is_open:
                account.wrong.append(f"{where}: charged, and nobody knows ({job.failure or job.question})")
            if not entries or (counted == 0 and not uncertain):
                account.wrong.append(f"{where}: charged {charges[0]}, and the ledger says nothing")
        elif counted and not any(attempt.phase in (Phase.SUBMITTING, Phase.RUNNING) for attempt in tries):
            account.wrong.append(f"{where}: not charged, and the ledger says {counted}")
    return account


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.000001"), rounding=ROUND_UP)


def _audio_of(job: Job) -> str:
    from hashlib import sha256

    if job.inputs["kind"] not in ("transcribe", "emotion"):
        return ""
    return sha256(tone() + job.title.encode()).hexdigest()
