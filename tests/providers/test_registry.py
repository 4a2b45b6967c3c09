"""The providers as the application opens them, against the fakes, from a job to its published result."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from app.workflows.steps import Artifact, generation_of
from providers.cache import Provenance
from providers.contract import Emotions, Picture, SentKind, Transcript, Video
from providers.errors import SetupError, UnknownProvider
from providers.jobs import Choice, JobState, Origin, Reason
from providers.ledger import SpendState
from providers.limits import Limits
from providers.registry import ADAPTERS, load_limits, open_provider, parse_limits
from providers.workflow import NodeKind, shipped_workflow
from tests.fakes.desk import Desk, workflow
from tests.fakes.world import World
from tests.providers.adapter_cases import edit_task, emotion_task, motion_task, transcribe_task

TASKS = {"edit": edit_task, "motion": motion_task, "transcribe": transcribe_task, "emotion": emotion_task}


@pytest.fixture(scope="module")
def world():
    with World(video_height=48) as world:
        yield world
        assert world.mistakes == []


@pytest.fixture
def desk(tmp_path, world):
    world.received.clear()
    for service in world.services.values():
        service.charges.clear()
    made = []

    def fit(context):
        made.append(generation_of(context.artifacts[context.node.after[0]]).output)
        return Artifact()

    def difference(context):
        return Artifact()

    def task(context):
        return TASKS[context.job.inputs["kind"]](context.job.title)

    desk = Desk(
        tmp_path,
        remote=ADAPTERS,
        environment=world.environment(),
        task=task,
        steps={NodeKind.COMPOSITE: fit, NodeKind.DIFF: difference, NodeKind.QA: fit_of_words(made)},
    )
    desk.made = made
    yield desk
    desk.close_files()


def fit_of_words(made):
    def look(context):
        for name in {"words", "labels"} & set(context.artifacts):
            made.append(generation_of(context.artifacts[name]).output)
        return Artifact()

    return look


def add(desk, flow, kind, title="a red door"):
    return desk.orchestrator.add(
        flow, project="film", title=title, provenance=Provenance("hash", 7), inputs={"kind": kind}
    ).job


def running(desk, main):
    async def whole():
        try:
            return await main()
        finally:
            for provider in desk.providers.values():
                await provider.close()

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("name", "output", "provider"),
    [
        ("edit", Picture, "gemini"),
        ("motion", Video, "kling"),
        ("transcribe", Transcript, "elevenlabs"),
        ("emotion", Emotions, "gemini-audio"),
    ],
)
def test_every_shipped_workflow_runs_to_its_end_and_its_ledger_is_what_was_charged(desk, world, name, output, provider):
    async def main():
        job = await desk.orchestrator.run(add(desk, shipped_workflow(name, set(ADAPTERS)), name))
        if job.state is JobState.QA_READY:
            job = await desk.orchestrator.approve(job.job)
        return job

    job = running(desk, main)
    assert job.state is JobState.PUBLISHED
    assert isinstance(desk.made[0], output)
    (charge,) = world.services[provider].charges
    assert desk.spent() == charge.usd.quantize(Decimal("0.000001"), rounding="ROUND_UP")
    assert desk.ledger.totals("film")[0].provider == provider


def test_consent_to_send_is_asked_for_with_the_very_pictures(tmp_path, world):
    desk = Desk(
        tmp_path,
        remote=["gemini"],
        environment=world.environment(),
        task=lambda context: edit_task("a red door"),
        consent=False,
    )

    async def main():
        job = await desk.orchestrator.run(add(desk, workflow("gemini"), "edit"))
        assert job.question.reason is Reason.CONSENT
        assert world.gemini.charges == []
        disclosure = desk.orchestrator.disclosure(job.job)
        assert disclosure.kinds == {SentKind.TEXT, SentKind.PICTURE, SentKind.MASK}
        assert disclosure.items[1].data == edit_task().picture.data
        desk.orchestrator.answer(job.job, Choice.AGREE)
        return await desk.orchestrator.run(job.job)

    world.gemini.charges.clear()
    assert running(desk, main).state is JobState.PUBLISHED
    desk.close_files()


def test_when_kling_is_full_the_omni_model_films_it(desk, world):
    world.kling.fail("submit", "concurrency")
    flow = workflow("kling", "omni", kind="motion")
    job = running(desk, lambda: desk.orchestrator.run(add(desk, flow, "motion")))
    assert job.node("make").tries[-1].provider == "omni"
    assert [len(world.kling.charges), len(world.omni.charges)] == [0, 1]
    assert world.omni.deleted == [job.node("make").tries[-1].ticket.remote_id]


def test_a_request_that_was_lost_at_kling_is_found_again(desk, world):
    world.kling.fail("submit", "lost")
    flow = workflow("kling", "omni", kind="motion")
    job = running(desk, lambda: desk.orchestrator.run(add(desk, flow, "motion")))
    assert job.state is JobState.PUBLISHED
    assert len(world.kling.charges) == 1
    assert world.omni.charges == []
    assert [spend.state for spend in desk.ledger.spend()] == [SpendState.SETTLED]


def test_the_second_time_it_comes_from_the_cache(desk, world):
    async def main():
        await desk.orchestrator.run(add(desk, workflow("gemini"), "edit"))
        world.received.clear()
        return await desk.orchestrator.run(add(desk, workflow("gemini"), "edit"))

    job = running(desk, main)
    assert job.node("make").origin is Origin.CACHE
    assert world.received == []


def test_an_unknown_provider_is_named_with_those_there_are(desk):
    with pytest.raises(
        UnknownProvider, match="there are elevenlabs, gemini, gemini-audio, kling, kling-legacy, omni, veo"
    ):
        open_provider("dalle", desk.surroundings)


def test_every_adapter_has_limits_keys_and_prices(desk):
    limits = load_limits()
    for name, adapter in ADAPTERS.items():
        assert limits[name].per_minute
        assert adapter.keys
        assert desk.surroundings.prices.of(adapter.traits.default_model, like="").as_of.year >= 2026


def test_the_user_s_limits_win_provider_by_provider_and_broken_ones_are_refused(tmp_path):
    own = tmp_path / "limits.json"
    own.write_text('{"kling": {"per_minute": 1}}')
    limits = load_limits(own)
    assert limits["kling"] == Limits(per_minute=1)
    assert limits["gemini"].per_day == 250
    for text in (
        "",
        "[]",
        '{"kling": 3}',
        '{"kling": {"per_hour": 3}}',
        '{"kling": {"per_day": -1}}',
        '{"k": {"per_day": true}}',
    ):
        with pytest.raises(SetupError, match="own"):
            parse_limits(text, "own")


def test_the_fakes_can_be_started_by_hand_and_print_what_to_export():
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.fakes", "--video-height", "48", "--fault", "gemini:submit:rate_minute"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        environment = {}
        for line in process.stdout:
            if line.startswith("#"):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            environment[name] = value
        try:
            check = (
                "import asyncio, os\n"
                "from providers.gemini import Gemini\n"
                "from providers.keys import Keys\n"
                "from providers.pricing import load_prices\n"
                "from providers.settings import service_settings\n"
                "adapter = Gemini(service_settings('gemini', os.environ), Keys(os.environ, None), load_prices())\n"
                "asyncio.run(adapter.check())\n"
                "print('accepted')\n"
            )
            done = subprocess.run(
                [sys.executable, "-c", check],
                cwd=root,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            process.terminate()
    assert done.stdout == "accepted\n", done.stderr
