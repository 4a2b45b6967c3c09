"""Takes by a provider, for the project that is open: against a service on loopback."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from app.session.generating import waiting_note
from app.session.patching import FollowChoice
from app.workflows.open_for_editing import open_for_editing
from app.workflows.preferences import set_caps
from app.workflows.project_jobs import RecordJobStore
from app.workflows.region_takes import TakeOrder, provider_order
from engine.control import CancelToken, Progress
from engine.model.patch import Follow, ReviewState
from engine.model.region import Box
from engine.model.tool import Picture
from providers.consent import Reach
from providers.job_store import Jobs
from providers.jobs import Choice, JobState, Reason
from providers.ledger import Caps
from tests.fakes.at_hand import at_hand

REGION = Box(0.3, 0.3, 0.6, 0.7)


@pytest.fixture
def world(monkeypatch):
    with at_hand(monkeypatch) as services:
        yield services


@pytest.fixture
def generating(world, stage):
    stage.session.patching.choose(FollowChoice(Follow.STATIC, 2, 2))
    return stage.session.generating


def order(stage, prompt="a red door", **fields):
    stage.session.selection.set_region(REGION, 20)
    return TakeOrder(stage.session.generating.target(), prompt, **fields)


def patches(stage):
    return list(stage.project.patches)


def rest(qtbot, entries):
    qtbot.waitUntil(lambda: all(entry.running is None for entry in entries), timeout=20000)


def test_what_would_be_sent_and_cost_is_known_before_anything_is_sent(stage, generating, world, qtbot):
    set_caps(Caps(project_usd=Decimal("10.00")))
    with qtbot.waitSignal(generating.offered, timeout=10000):
        generating.want(order(stage))
    offer = generating.offer
    assert generating.offer_error is None
    assert offer.provider == provider_order()[0] == "gemini"
    assert (float(offer.usd), str(offer.cap_usd), float(offer.spent_usd)) == (pytest.approx(0.134), "10.00", 0)
    assert {item.kind.value for item in offer.sends.items} == {"text", "picture", "mask"}
    assert offer.picture.startswith(b"\x89PNG")
    assert offer.width_px > 0
    assert len(offer.outlines) == 1
    assert not offer.agreed
    assert world.received == []


def test_a_take_is_ordered_agreed_to_and_comes_into_the_film_as_one_step(stage, generating, world, qtbot):
    (entry,) = generating.generate(order(stage), 1)
    rest(qtbot, [entry])
    assert entry.question.reason is Reason.CONSENT
    assert world.received == []
    generating.answer(entry, Choice.AGREE, Reach.PROJECT)
    rest(qtbot, [entry])
    assert entry.is_in_film, (entry.error, entry.job)
    (patch,) = patches(stage)
    assert (patch.region, patch.anchor, patch.state) == (REGION, 20, ReviewState.PROPOSED)
    assert isinstance(patch.tool, Picture)
    assert patch.picked.provenance.maker == "gemini"
    assert 130_000 < patch.picked.provenance.cost_microusd < 140_000
    assert stage.session.selection.patch == patch
    assert stage.session.selection.region is None
    file = stage.session.document.file
    qtbot.waitUntil(lambda: Jobs(RecordJobStore(file)).all()[0].state is JobState.PUBLISHED, timeout=10000)
    assert len(patches(stage)) == 1, "being published puts nothing into the film a second time"
    assert len(world.gemini.charges) == 1


def test_several_takes_at_once_land_in_one_patch_and_a_further_one_beside_them(stage, generating, world, qtbot):
    entries = generating.generate(order(stage), 2, Reach.PROJECT)
    rest(qtbot, entries)
    (patch,) = patches(stage)
    assert len(patch.takes) == 2
    assert len({take.tool.content for take in patch.takes}) >= 1
    assert len(world.gemini.charges) == 2
    again = TakeOrder(generating.target(), "a red door")
    assert again.patch == patch, "the chosen patch is what the next take is for"
    (entry,) = generating.generate(again, 1)
    rest(qtbot, [entry])
    assert len(patches(stage)[0].takes) == 3
    assert len(world.gemini.charges) == 3, "the same words again are another take, not the same one"


def test_a_cap_stops_it_before_it_is_sent_and_raising_it_lets_it_go_on(stage, generating, world, qtbot):
    set_caps(Caps(project_usd=Decimal("0.05")))
    (entry,) = generating.generate(order(stage), 1, Reach.PROJECT)
    rest(qtbot, [entry])
    assert entry.question.reason is Reason.CAP
    assert world.gemini.charges == []
    set_caps(Caps(project_usd=Decimal("5")))
    generating.answer(entry, Choice.TRY_AGAIN)
    rest(qtbot, [entry])
    assert entry.is_in_film


def test_without_a_key_it_asks_for_one_and_nothing_is_lost(stage, generating, monkeypatch, qtbot):
    monkeypatch.delenv("GEMINI_API_KEY")
    (entry,) = generating.generate(order(stage), 1, Reach.PROJECT)
    rest(qtbot, [entry])
    assert entry.question is not None or entry.failure is not None
    assert patches(stage) == []
    generating.put_away(entry)
    assert entry.is_over


def test_cancelling_is_immediate_and_a_cancelled_order_leaves_the_list(stage, generating, world, qtbot):
    (entry,) = generating.generate(order(stage), 1, Reach.PROJECT)
    generating.cancel(entry)
    qtbot.waitUntil(lambda: entry.running is None, timeout=3000)
    assert entry.is_over
    assert patches(stage) == []


def test_an_order_under_way_is_picked_up_when_the_project_is_opened_again(stage, generating, world, qtbot, tmp_path):
    (entry,) = generating.generate(order(stage), 1)
    rest(qtbot, [entry])
    path = stage.session.document.path
    stage.session.document.close()
    assert generating.orders == []
    stage.session.document.adopt(open_for_editing(path, Progress(), CancelToken()))
    qtbot.waitUntil(lambda: bool(generating.orders), timeout=10000)
    (found,) = generating.orders
    assert found.question.reason is Reason.CONSENT
    assert found.prompt == "a red door"
    generating.answer(found, Choice.AGREE)
    rest(qtbot, [found])
    assert len(patches(stage)) == 1


def test_prompts_are_remembered_the_latest_first(stage, generating, qtbot):
    first = generating.generate(order(stage, "one"), 1, Reach.PROJECT)
    rest(qtbot, first)
    second = generating.generate(order(stage, "two"), 1)
    rest(qtbot, second)
    assert generating.prompts() == ["two", "one"]


def test_an_order_for_the_same_region_before_the_first_has_come_lands_in_the_same_patch(
    stage, generating, world, qtbot
):
    first = generating.generate(order(stage, "one"), 1, Reach.PROJECT)
    assert stage.session.selection.region == REGION, "the region stays until the take is there"
    second = generating.generate(TakeOrder(generating.target(), "two"), 1, Reach.PROJECT)
    rest(qtbot, [*first, *second])
    (patch,) = patches(stage)
    assert {take.provenance.prompt for take in patch.takes} == {"one", "two"}


def test_an_order_that_waits_for_the_person_is_no_success_among_the_jobs(stage, generating, qtbot):
    (entry,) = generating.generate(order(stage), 1)
    job = entry.running
    rest(qtbot, [entry])
    assert job.state.value == "failed"
    assert "waits for you" in str(job.error)
    again = stage.session.jobs.retry(job)
    qtbot.waitUntil(lambda: again.is_over, timeout=10000)
    saved = Jobs(RecordJobStore(stage.session.document.file)).all()
    assert len(saved) == 1, "trying again from the jobs orders nothing a second time"
    assert saved[0].question.reason is Reason.CONSENT


def test_a_reason_in_a_services_letters_is_said_in_words():
    order = SimpleNamespace(
        state=JobState.NEEDS_APPROVAL,
        question=SimpleNamespace(message="Google refuses (IMAGE_SAFETY, OTHER); change the words"),
        spent_usd=lambda: 0,
    )
    assert waiting_note(order) == "It waits for you: Google refuses (image safety, other); change the words"
