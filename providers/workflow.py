"""A workflow: a small declared graph of steps and providers, read from JSON and checked before anything runs.

::

    {"name": "edit", "version": 1, "title": "Change a region",
     "nodes": [
       {"id": "crop", "kind": "extract"},
       {"id": "edit", "kind": "edit", "after": ["crop"], "providers": ["local", "gemini"],
        "limits": {"usd": "1.00", "timeout_s": 900},
        "policy": {"rate_limit": ["backup", "cached", "wait", "ask"], "wait_s": 120}},
       {"id": "fit", "kind": "composite", "after": ["edit"]},
       {"id": "look", "kind": "qa", "after": ["fit"], "approval": "person"},
       {"id": "publish", "kind": "publish", "after": ["look"]}]}

A node that asks a provider (edit, motion, transcribe, emotion) takes its task from the one `extract` node that it comes
after; the other kinds are steps of the application. What is refused, and why, is said by `WorkflowInvalid`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Any, TypeVar

from providers.contract import Work
from providers.errors import WorkflowInvalid
from providers.failover import DEFAULT_STEPS, DEFAULT_WAIT_S, Policy, Step, Trouble

E = TypeVar("E", bound=Enum)

VERSION = 1
DEFAULT_TIMEOUT_S = 1800.0


class NodeKind(Enum):
    """What a node does."""

    EXTRACT = "extract"
    EDIT = "edit"
    COMPOSITE = "composite"
    DIFF = "diff"
    MOTION = "motion"
    QA = "qa"
    PUBLISH = "publish"
    TRANSCRIBE = "transcribe"
    EMOTION = "emotion"


WORKS = {
    NodeKind.EDIT: Work.EDIT,
    NodeKind.MOTION: Work.MOTION,
    NodeKind.TRANSCRIBE: Work.TRANSCRIBE,
    NodeKind.EMOTION: Work.EMOTION,
}


class Approval(Enum):
    """Who lets a result into the film."""

    PERSON = "person"
    AUTOMATIC = "automatic"


class OnFailure(Enum):
    """What becomes of a job when a node fails."""

    STOP = "stop"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """What a node may cost at most, and how long its provider may take."""

    usd: Decimal | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Node:
    """One step."""

    id: str
    kind: NodeKind
    after: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    limits: NodeLimits = NodeLimits()
    policy: Policy = field(default_factory=Policy)
    approval: Approval = Approval.PERSON
    on_failure: OnFailure = OnFailure.STOP


@dataclass(frozen=True, slots=True)
class Workflow:
    """A checked graph; `nodes` stand in an order in which they can run."""

    name: str
    title: str
    nodes: tuple[Node, ...]
    text: str = field(repr=False)

    def node(self, name: str) -> Node:
        """Return a node by its id."""
        return next(node for node in self.nodes if node.id == name)


def shipped_workflows() -> tuple[str, ...]:
    """Return the names of the workflows that come with Deltacut."""
    folder = files("resources").joinpath("workflows")
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


def shipped_workflow(name: str, known_providers: Collection[str]) -> Workflow:
    """Return a workflow that comes with Deltacut.

    Raises:
        WorkflowInvalid: there is none of that name.
    """
    if name not in shipped_workflows():
        raise WorkflowInvalid(f"there is no workflow {name!r}; there are {', '.join(shipped_workflows())}")
    text = files("resources").joinpath("workflows", f"{name}.json").read_text(encoding="utf-8")
    return parse_workflow(text, known_providers, origin=name)


def parse_workflow(text: str, known_providers: Collection[str], origin: str = "workflow") -> Workflow:
    """Return the workflow in a JSON text.

    Args:
        text: The JSON text.
        known_providers: The names that nodes may use.
        origin: The file's name, for errors.

    Raises:
        WorkflowInvalid: everything that is wrong, node by node.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkflowInvalid(f"{origin} is not JSON: {error}") from error
    problems: list[str] = []
    workflow = _Reader(problems, known_providers).workflow(content, text)
    if workflow is None or problems:
        raise WorkflowInvalid(f"{origin} cannot be run:\n" + "\n".join(f"  {problem}" for problem in problems))
    return workflow


class _Reader:
    """Reads a graph and writes down what is wrong with it."""

    def __init__(self, problems: list[str], known_providers: Collection[str]) -> None:
        self._problems = problems
        self._known_providers = known_providers

    def workflow(self, content: object, text: str) -> Workflow | None:
        if not isinstance(content, dict):
            self._problems.append("it is no JSON object")
            return None
        self._only(content, {"name", "version", "title", "nodes"}, "workflow")
        if content.get("version") != VERSION:
            self._problems.append(f"version is {content.get('version')!r}, this Deltacut reads {VERSION}")
        name, title, entries = content.get("name"), content.get("title", ""), content.get("nodes")
        if not isinstance(name, str) or not name or not isinstance(title, str):
            self._problems.append("name and title are texts")
            return None
        if not isinstance(entries, list) or not entries:
            self._problems.append("nodes is a list of at least one node")
            return None
        nodes = [self._node(entry, number) for number, entry in enumerate(entries)]
        sound = [node for node in nodes if node is not None]
        if len(sound) < len(nodes) or self._problems:
            return None
        ordered = self._ordered(sound)
        self._check_graph(ordered)
        return Workflow(name, title, ordered, text)

    def _node(self, entry: object, number: int) -> Node | None:
        if not isinstance(entry, dict):
            self._problems.append(f"node {number} is no JSON object")
            return None
        name = entry.get("id")
        if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            self._problems.append(f"node {number} has no id of letters, digits, - and _")
            return None
        where = f"node {name!r}"
        allowed = {"id", "kind", "after", "providers", "limits", "policy", "approval", "on_failure"}
        self._only(entry, allowed, where)
        kind = self._choice(NodeKind, entry.get("kind"), f"{where}: kind")
        if kind is None:
            return None
        return Node(
            name,
            kind,
            self._names(entry.get("after", []), f"{where}: after"),
            self._names(entry.get("providers", []), f"{where}: providers"),
            self._limits(entry.get("limits", {}), where),
            self._policy(entry.get("policy", {}), where),
            self._choice(Approval, entry.get("approval", "person"), f"{where}: approval") or Approval.PERSON,
            self._choice(OnFailure, entry.get("on_failure", "stop"), f"{where}: on_failure") or OnFailure.STOP,
        )

    def _limits(self, entry: object, where: str) -> NodeLimits:
        if not isinstance(entry, dict):
            self._problems.append(f"{where}: limits is no JSON object")
            return NodeLimits()
        self._only(entry, {"usd", "timeout_s"}, f"{where}: limits")
        usd = None
        if "usd" in entry:
            try:
                usd = Decimal(str(entry["usd"]))
            except InvalidOperation:
                usd = Decimal(-1)
            if not usd.is_finite() or usd < 0:
                self._problems.append(f"{where}: limits: usd is no amount: {entry['usd']!r}")
        return NodeLimits(usd, self._seconds(entry, "timeout_s", DEFAULT_TIMEOUT_S, f"{where}: limits"))

    def _policy(self, entry: object, where: str) -> Policy:
        if not isinstance(entry, dict):
            self._problems.append(f"{where}: policy is no JSON object")
            return Policy()
        self._only(entry, {"wait_s", *(trouble.value for trouble in Trouble)}, f"{where}: policy")
        steps = dict(DEFAULT_STEPS)
        for trouble in Trouble:
            if trouble.value in entry:
                names = self._names(entry[trouble.value], f"{where}: policy: {trouble.value}")
                chosen = [self._choice(Step, name, f"{where}: policy: {trouble.value}") for name in names]
                steps[trouble] = tuple(step for step in chosen if step is not None)
        return Policy(steps, self._seconds(entry, "wait_s", DEFAULT_WAIT_S, f"{where}: policy"))

    def _ordered(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        by_name = {node.id: node for node in nodes}
        if len(by_name) < len(nodes):
            self._problems.append("two nodes have the same id")
        for node in nodes:
            for name in node.after:
                if name not in by_name:
                    self._problems.append(f"node {node.id!r} comes after {name!r}, which does not exist")
        if self._problems:
            return ()
        try:
            names = tuple(TopologicalSorter({node.id: node.after for node in nodes}).static_order())
        except CycleError as error:
            self._problems.append(f"nodes wait for each other: {' -> '.join(error.args[1])}")
            return ()
        return tuple(by_name[name] for name in names)

    def _check_graph(self, nodes: Sequence[Node]) -> None:
        by_name = {node.id: node for node in nodes}
        for node in nodes:
            where = f"node {node.id!r}"
            before = [by_name[name].kind for name in node.after]
            if node.kind in WORKS:
                if not node.providers:
                    self._problems.append(f"{where} names no provider")
                for name in node.providers:
                    if name not in self._known_providers:
                        known = ", ".join(sorted(self._known_providers))
                        self._problems.append(f"{where}: there is no provider {name!r}; there are {known}")
                if before.count(NodeKind.EXTRACT) != 1:
                    self._problems.append(f"{where} comes after exactly one extract node, which makes its task")
            elif node.providers:
                self._problems.append(f"{where}: a {node.kind.value} node asks no provider")
            if node.kind is NodeKind.PUBLISH and NodeKind.QA not in before:
                self._problems.append(f"{where} comes after a qa node, so that nothing is published unseen")
        for kind in (NodeKind.QA, NodeKind.PUBLISH):
            if sum(node.kind is kind for node in nodes) > 1:
                self._problems.append(f"there is more than one {kind.value} node")

    def _only(self, entry: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
        self._problems.extend(f"{where}: unknown field {name!r}" for name in sorted(set(entry) - set(allowed)))

    def _names(self, entry: object, where: str) -> tuple[str, ...]:
        if not isinstance(entry, list) or not all(isinstance(name, str) for name in entry):
            self._problems.append(f"{where} is no list of texts")
            return ()
        if len(set(entry)) < len(entry):
            self._problems.append(f"{where} names something twice")
        return tuple(entry)

    def _choice(self, kind: type[E], value: object, where: str) -> E | None:
        for member in kind:
            if member.value == value:
                return member
        self._problems.append(f"{where} is {value!r}, not one of {', '.join(str(member.value) for member in kind)}")
        return None

    def _seconds(self, entry: Mapping[str, Any], name: str, default: float, where: str) -> float:
        value = entry.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10**7:
            self._problems.append(f"{where}: {name} is no number of seconds: {value!r}")
            return default
        return float(value)
