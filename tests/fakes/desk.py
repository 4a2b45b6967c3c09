"""Everything that stands around the providers in the application, put together over a temporary folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from app.workflows.orchestration import Orchestrator
from app.workflows.steps import Artifact, Step, StepContext, task_artifact
from providers.cache import SqliteResultCache
from providers.consent import Consents, Reach
from providers.contract import Disclosure, Provider, Sent, SentKind, Task
from providers.generate import Generator
from providers.job_store import Jobs, SqliteJobStore
from providers.keys import Keys
from providers.ledger import Caps, Ledger
from providers.limits import Limiter, Limits
from providers.network import Network
from providers.pricing import load_prices
from providers.registry import ADAPTERS, Surroundings, layered, open_provider
from providers.retry import Patience
from providers.settings import ServiceSettings
from providers.traces import Content, SpanStore, Tracer
from providers.vault import Vault
from providers.workflow import NodeKind, Workflow, parse_workflow


class Desk:
    """The application's side, without a window."""

    def __init__(
        self,
        folder: Path,
        *,
        adapters: Iterable[Provider] = (),
        remote: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
        limits: Mapping[str, Limits] | None = None,
        caps: Caps | None = None,
        consent: bool = True,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
        steps: Mapping[NodeKind, Step] | None = None,
        task: Callable[[StepContext], Task] | None = None,
        content: Content = Content.WITHHELD,
        network: Network | None = None,
        vault: Vault | None = None,
        margin_s: float = 0.0,
    ) -> None:
        self.folder = folder
        self.published: list[str] = []
        self.ledger = Ledger(folder / "ledger.sqlite", clock)
        self.limiter = Limiter(folder / "limits.sqlite", clock, margin_s)
        self.consents = Consents(folder / "consents.sqlite", clock)
        self.cache = SqliteResultCache(folder / "cache.sqlite", clock=clock)
        self.store = SqliteJobStore(folder / "jobs.sqlite")
        self.spans = SpanStore(folder / "traces.sqlite")
        self.tracer = Tracer(self.spans.add, content)
        self.jobs = Jobs(self.store)
        self.surroundings = Surroundings(
            project="film",
            keys=Keys(environment or {}, vault),
            prices=load_prices(),
            limiter=self.limiter,
            limits=limits or {},
            ledger=self.ledger,
            caps=caps or Caps(),
            consents=self.consents,
            network=network or Network(has_route=lambda: True),
            tracer=self.tracer,
            environment=environment or {},
            patience=patience or Patience(),
            clock=clock,
        )
        self.providers: dict[str, Provider] = {
            adapter.traits.name: layered(
                adapter, f"https://{adapter.traits.name}.example", ServiceSettings(), self.surroundings
            )
            for adapter in adapters
        } | {name: open_provider(name, self.surroundings) for name in remote}
        self.generator = Generator(self.providers, self.cache, self.ledger, wait=self.limiter.wait, clock=clock)
        self.changes: list[tuple[str, str]] = []
        self._task = task
        self.orchestrator = Orchestrator(
            self.jobs,
            self.generator,
            {
                NodeKind.EXTRACT: self._extract,
                NodeKind.COMPOSITE: _fit,
                NodeKind.PUBLISH: self._publish,
                **(steps or {}),
            },
            self.consents,
            self.tracer,
            known_providers=frozenset({*self.providers, *ADAPTERS}),
            changed=lambda job: self.changes.append((job.job, job.state.value)),
            clock=clock,
        )
        if consent:
            self.agree_to_everything()

    def agree_to_everything(self) -> None:
        for name in self.providers:
            for host in (f"{name}.example", *self._hosts()):
                everything = Disclosure(name, host, tuple(Sent(kind, "", b"") for kind in SentKind))
                self.consents.grant(everything, Reach.ALWAYS, "film")

    def _hosts(self) -> list[str]:
        urls = [value for name, value in self.surroundings.environment.items() if name.endswith("_URL")]
        return [url.removeprefix("http://") for url in urls]

    async def _extract(self, context: StepContext) -> Artifact:
        assert self._task is not None
        return task_artifact(self._task(context))

    async def _publish(self, context: StepContext) -> Artifact:
        if context.job.job not in self.published:
            self.published.append(context.job.job)
        return Artifact()

    async def close(self) -> None:
        for provider in self.providers.values():
            await provider.close()
        self.close_files()

    def close_files(self) -> None:
        for file in (self.store, self.ledger, self.limiter, self.consents, self.cache, self.spans):
            file.close()

    def spent(self) -> Decimal:
        return self.ledger.spent_usd()


async def _fit(context: StepContext) -> Artifact:
    return Artifact({"fit": "good"})


def workflow(
    *providers: str,
    kind: str = "edit",
    policy: Mapping[str, object] | None = None,
    limits: Mapping[str, object] | None = None,
    approval: str = "automatic",
    on_failure: str = "stop",
) -> Workflow:
    """Return the smallest workflow with everything in it."""
    import json

    nodes = [
        {"id": "crop", "kind": "extract"},
        {
            "id": "make",
            "kind": kind,
            "after": ["crop"],
            "providers": list(providers),
            "policy": dict(policy or {}),
            "limits": dict(limits or {}),
            "on_failure": on_failure,
        },
        {"id": "fit", "kind": "composite", "after": ["make"]},
        {"id": "look", "kind": "qa", "after": ["fit"], "approval": approval},
        {"id": "publish", "kind": "publish", "after": ["look"]},
    ]
    text = json.dumps({"name": "test", "version": 1, "title": "Test", "nodes": nodes})
    return parse_workflow(text, set(providers))
