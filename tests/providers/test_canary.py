"""A key that is used, refused, lost, vaulted and rotated is found nowhere but in its header."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback

import pytest

from app.workflows.steps import StepContext
from providers.cache import Provenance
from providers.errors import Transient
from providers.keys import Keys
from providers.master_key import VARIABLE, MasterKey, MasterKeys
from providers.registry import ADAPTERS
from providers.secret import Secret
from providers.traces import Content
from providers.vault import Vault
from tests.fakes.desk import Desk, workflow
from tests.fakes.world import World
from tests.faults.jobs import HASTE, KINDS
from tests.providers.adapter_cases import CASES, edit_task, emotion_task, motion_task, transcribe_task

CANARY = "sk-CANARY-4f7d21a0b9c8e6"
MASTER = base64.b64encode(b"MASTER-CANARY-of-thirty-2-bytes!").decode()
TASKS = {"edit": edit_task, "motion": motion_task, "transcribe": transcribe_task, "emotion": emotion_task}
# As it might be hidden in a file, a log or a message.
FORMS = [
    CANARY,
    CANARY[3:20],
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(b" " + CANARY.encode()).decode()[2:-4],
    CANARY.encode().hex(),
    CANARY[::-1],
    MASTER,
    "MASTER-CANARY",
    b"MASTER-CANARY".hex(),
]
FAULTS = ("ok", "lost", "cut_off", "html", "500", "bad_key", "auth_1000", "echo")


def task_of(context: StepContext):
    return TASKS[context.job.inputs["kind"]](context.job.title)


def canaries(text: str | bytes) -> list[str]:
    data = text.encode(errors="replace") if isinstance(text, str) else text
    return [form for form in FORMS if form.encode() in data]


@pytest.fixture
def world():
    with World(video_height=48) as world:
        world.gemini.key = world.gemini_audio.key = world.omni.key = world.veo.key = CANARY
        world.kling.key = world.kling.access_key = world.kling.secret_key = world.elevenlabs.key = CANARY
        yield world


@pytest.mark.parametrize("content", Content)
def test_the_key_is_in_no_file_log_trace_repr_or_error(tmp_path, world, caplog, capfd, content):
    caplog.set_level(logging.DEBUG)
    vault = Vault(tmp_path / "vault", MasterKeys({VARIABLE: MASTER}, None))
    for adapter in ADAPTERS.values():
        for name in adapter.keys:
            vault.put(name.provider, name.key_id, Secret(CANARY))
    urls = {name: value for name, value in world.environment().items() if "_URL" in name or "_POLL_" in name}
    desk = Desk(
        tmp_path / "desk", remote=ADAPTERS, environment=urls, task=task_of, patience=HASTE, content=content, vault=vault
    )
    shown: list[str] = []

    async def main() -> None:
        for provider, kind in KINDS.items():
            for fault in FAULTS:
                service = world.services[CASES[provider].service]
                service.clear_faults()
                service.fail("submit", fault)
                job = desk.orchestrator.add(
                    workflow(provider, kind=kind, limits={"timeout_s": 5}),
                    project="film",
                    title=f"{provider} {fault}",
                    provenance=Provenance("hash", 1),
                    inputs={"kind": kind},
                )
                done = await desk.orchestrator.run(job.job)
                shown.append(repr(done))
                if (provider, fault) == ("gemini", "echo"):
                    assert "The key *** may not be used" in done.question.message
                service.clear_faults()
        service.clear_faults()
        for name, provider in desk.providers.items():
            world.services[CASES[name].service].fail("submit", *["500"] * HASTE.attempts)
            with pytest.raises(Transient) as caught:
                await provider.start(CASES[name].request())
            crash = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            shown.append("".join(crash.format()) + repr(caught.value) + repr(vars(caught.value)))
            await provider.check()
            shown.append(repr(provider) + repr(vars(provider)) + repr(vars(provider._adapter)))
            await provider.close()

    asyncio.run(main())
    shown += [repr(desk.surroundings), repr(desk.spans.traces()), repr(vault), repr(vault.entries())]
    vault.rotate(MasterKey(MasterKeys({VARIABLE: MASTER}, None).fresh().origin, bytes(range(32))))
    desk.close_files()
    shown += [record.getMessage() for record in caplog.records] + [repr(record.__dict__) for record in caplog.records]
    shown += list(capfd.readouterr())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert len(files) >= 8
    assert {path: found for path in files if (found := canaries(path.read_bytes()))} == {}
    assert [found for text in shown if (found := canaries(text))] == []
    assert [path for path in files if path.stat().st_mode & 0o077 and "lock" not in path.name] == []
    used = [received for received in world.received if CANARY in "".join(received.headers.values())]
    assert len(used) > 20, "the canary was alive"
    assert not any(canaries(received.path + received.body.decode("latin-1")) for received in world.received)


def test_a_key_of_the_request_or_the_environment_is_as_quiet():
    keys = Keys({"GEMINI_API_KEY": CANARY}, None, {("gemini", "api-key"): Secret(CANARY)})
    assert canaries(repr(keys)) == []
