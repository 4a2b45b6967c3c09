"""What is stored comes back as it was, and what is damaged is said to be."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.cache import Provenance, SqliteResultCache, cache_key
from providers.codec import pack_generation, pack_task, unpack_generation, unpack_task
from providers.contract import (
    Disclosure,
    EditTask,
    Emotion,
    Emotions,
    EmotionStretch,
    EmotionTask,
    Generation,
    MotionTask,
    Picture,
    PictureSize,
    Quote,
    Speakers,
    Ticket,
    TranscribeTask,
    Transcript,
    Video,
    VideoSize,
    Word,
    WordKind,
    Work,
)
from providers.errors import StoreDamaged, StoreUnwritable, TransitionRefused
from providers.job_codec import job_as_json, job_from_json
from providers.job_store import Jobs, SqliteJobStore
from providers.jobs import (
    TRANSITIONS,
    Choice,
    Failure,
    Job,
    JobState,
    NodeRecord,
    NodeState,
    Origin,
    Phase,
    Question,
    Reason,
    Stored,
    Try,
)
from providers.ledger import Attempt
from tests.fakes.scripted import PNG

PICTURE = Picture.of(PNG)
texts = st.text(max_size=12)
pictures = st.builds(
    Picture, st.binary(max_size=20), st.sampled_from(["image/png", "image/jpeg"]), st.integers(1, 9), st.integers(1, 9)
)
tasks = st.one_of(
    st.builds(
        EditTask, texts, pictures, pictures, st.lists(pictures, max_size=2).map(tuple), st.sampled_from(PictureSize)
    ),
    st.builds(MotionTask, texts, pictures, pictures | st.none(), st.integers(0, 99_999), st.sampled_from(VideoSize)),
    st.builds(
        TranscribeTask,
        st.binary(max_size=20),
        texts,
        st.integers(0, 99),
        texts | st.none(),
        st.sampled_from(Speakers),
        st.lists(texts, max_size=3).map(tuple),
    ),
    st.builds(EmotionTask, st.binary(max_size=20), texts, st.integers(0, 99)),
)
words = st.builds(
    Word,
    texts,
    st.integers(0, 9),
    st.integers(9, 99),
    st.sampled_from(WordKind),
    texts | st.none(),
    st.none() | st.floats(0, 1),
)
stretches = st.builds(EmotionStretch, st.integers(0, 9), st.integers(9, 99), st.sampled_from(Emotion), st.floats(0, 1))
outputs = st.one_of(
    pictures,
    st.builds(Video, st.binary(max_size=20), texts),
    st.builds(Transcript, texts, texts, st.lists(words, max_size=3).map(tuple)),
    st.builds(Emotions, st.lists(stretches, max_size=3).map(tuple)),
)
amounts = st.decimals(0, 100, places=6)
generations = st.builds(
    Generation,
    texts,
    texts,
    texts,
    outputs,
    texts | st.none(),
    amounts | st.none(),
    st.integers(0, 9) | st.none(),
    st.integers(0, 9) | st.none(),
)


@given(task=tasks)
def test_a_task_comes_back(task):
    packed = pack_task(task)
    assert unpack_task(json.loads(json.dumps(packed.record)), packed.blobs.__getitem__) == task


@given(generation=generations)
def test_a_result_comes_back(generation):
    packed = pack_generation(generation)
    assert unpack_generation(json.loads(json.dumps(packed.record)), packed.blobs.__getitem__) == generation


def test_a_picture_that_is_in_a_request_twice_is_stored_once():
    assert len(pack_task(EditTask("x", PICTURE, PICTURE, (PICTURE,))).blobs) == 1


tickets = st.builds(Ticket, texts, texts, texts, texts)
failures = st.builds(Failure, texts, texts, texts, st.none() | st.floats(0, 1e10))
attempts = st.builds(
    Attempt, texts, texts, texts, texts, st.sampled_from(Work), amounts, st.integers(0, 9), st.decimals(0, 99, places=3)
)
tries = st.builds(
    Try,
    attempts,
    st.sampled_from(Phase),
    st.floats(0, 1e10),
    tickets | st.none(),
    amounts | st.none(),
    failures | st.none(),
)
nodes = st.builds(
    NodeRecord,
    st.sampled_from(NodeState),
    st.lists(tries, max_size=3).map(tuple),
    st.none() | st.builds(Stored, st.dictionaries(texts, st.integers()), st.dictionaries(texts, texts)),
    st.none() | st.sampled_from(Origin),
    st.lists(texts, max_size=2).map(tuple),
    st.booleans(),
    st.integers(0, 3),
)
questions = st.builds(
    Question,
    st.sampled_from(Reason),
    texts,
    texts,
    st.lists(st.sampled_from(Choice), max_size=3).map(tuple),
    texts,
    st.none() | st.floats(0, 1e10),
)
jobs = st.builds(
    Job,
    texts,
    texts,
    texts,
    texts,
    st.sampled_from(JobState),
    st.floats(0, 1e10),
    st.floats(0, 1e10),
    texts,
    st.integers(0, 99),
    st.integers(0, 9),
    st.dictionaries(texts, st.integers() | texts),
    st.dictionaries(texts, nodes, max_size=3),
    questions | st.none(),
    failures | st.none(),
    st.none() | st.floats(0, 1e10),
    st.lists(texts, max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(job=jobs)
def test_a_job_comes_back(job):
    assert job_from_json(json.loads(json.dumps(job_as_json(job)))) == job


@settings(max_examples=100, deadline=None)
@given(job=jobs, data=st.data())
def test_a_job_s_text_with_a_part_missing_is_said_to_be_damaged(job, data):
    record = json.loads(json.dumps(job_as_json(job)))
    del record[data.draw(st.sampled_from(sorted(set(record) - {"format"})))]
    with pytest.raises(StoreDamaged):
        job_from_json(record)


def test_a_job_goes_only_where_it_can():
    job = Job("j", "p", "t", "{}", JobState.QUEUED, 0, 0)
    for state in JobState:
        for wish in JobState:
            at = replace(job, state=state)
            if wish is state or wish in TRANSITIONS[state]:
                assert at.moved(wish, 5.0).state is wish
            else:
                with pytest.raises(TransitionRefused):
                    at.moved(wish, 5.0)
    assert TRANSITIONS[JobState.PUBLISHED] == set()


def test_a_question_is_gone_when_a_job_moves_on():
    question = Question(Reason.CAP, "?", "make", (Choice.TRY_AGAIN,))
    job = Job("j", "p", "t", "{}", JobState.NEEDS_APPROVAL, 0, 0, question=question, retry_at=9.0)
    assert job.moved(JobState.QUEUED, 1.0).question is None
    assert job.moved(JobState.QUEUED, 1.0).retry_at is None


def test_jobs_and_blobs_survive_and_damage_is_found(tmp_path):
    store = SqliteJobStore(tmp_path / "jobs.sqlite")
    kept = Jobs(store)
    job = Job("j1", "film", "title", "{}", JobState.QUEUED, 1.0, 1.0)
    packed = pack_task(EditTask("x", PICTURE, PICTURE))
    kept.save(job, packed.blobs)
    kept.save(replace(job, job="j0", created_at=2.0))
    (name,) = packed.blobs
    store.close()
    store = SqliteJobStore(tmp_path / "jobs.sqlite")
    kept = Jobs(store)
    assert kept.load("j1") == job
    assert kept.blob(name) == PNG
    assert [known.job for known in kept.all()] == ["j1", "j0"]
    with pytest.raises(StoreDamaged, match="no job 'j9'"):
        kept.load("j9")
    store.close()
    with sqlite3.connect(tmp_path / "jobs.sqlite") as connection:
        connection.execute("UPDATE jobs SET record = replace(record, 'title', 'tutle') WHERE job = 'j1'")
        connection.execute("UPDATE blobs SET data = x'00'")
    connection.close()
    store = SqliteJobStore(tmp_path / "jobs.sqlite")
    with pytest.raises(StoreDamaged, match="damaged"):
        Jobs(store).load("j1")
    with pytest.raises(StoreDamaged, match="missing or damaged"):
        store.blob(name)
    store.close()


QUOTE = Quote(
    "gemini", "m-1", Decimal("0.1"), date(2026, 11, 1), Disclosure("gemini", "h", ()), parameters={"size": "1K"}
)
TASK = EditTask("a prompt", PICTURE, PICTURE)


def key(source="hash", frame=7, task=TASK, quote=QUOTE, variant=0):
    return cache_key(Provenance(source, frame), task, quote, variant)


def test_everything_that_decides_a_result_is_in_its_key():
    others = [
        key(source="other"),
        key(frame=8),
        key(task=replace(TASK, prompt="another")),
        key(task=replace(TASK, references=(PICTURE,))),
        key(quote=replace(QUOTE, model="m-2")),
        key(quote=replace(QUOTE, provider="kling")),
        key(quote=replace(QUOTE, parameters={"size": "2K"})),
        key(variant=1),
    ]
    assert len({key().exact, *(other.exact for other in others)}) == 9
    assert [other.kin == key().kin for other in others] == [False] * 4 + [True] * 4
    assert key(quote=replace(QUOTE, usd=Decimal(9))) == key()


def generation(number=0, size=10):
    return Generation("gemini", "m-1", f"e-{number}", Video(bytes([number]) * size, "video/mp4"))


def test_the_least_recently_used_result_makes_room(tmp_path):
    moment = [0.0]
    cache = SqliteResultCache(tmp_path / "cache.sqlite", limit_bytes=2600, clock=lambda: moment[0])
    keys = [key(frame=number) for number in range(4)]
    for number in range(3):
        moment[0] += 1
        cache.put(keys[number], generation(number, 600))
    moment[0] += 1
    assert cache.get(keys[0]) == generation(0, 600)
    moment[0] += 1
    cache.put(keys[3], generation(3, 600))
    assert [cache.get(known) is not None for known in keys] == [True, False, True, True]
    cache.close()


def test_a_damaged_cache_is_begun_anew_and_a_damaged_result_is_no_result(tmp_path):
    path = tmp_path / "cache.sqlite"
    cache = SqliteResultCache(path)
    cache.put(key(), generation())
    cache.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE blobs SET data = x'00'")
    connection.close()
    cache = SqliteResultCache(path)
    assert cache.get(key()) is None
    assert cache.kin(key()) is None
    cache.close()
    path.write_bytes(b"no database at all")
    cache = SqliteResultCache(path)
    cache.put(key(), generation(2))
    assert cache.kin(key(variant=5)) == generation(2)
    cache.close()


def test_a_full_disk_is_a_clear_error_and_what_was_there_stays(tmp_path):
    store = SqliteJobStore(tmp_path / "jobs.sqlite")
    job = Job("j1", "film", "title", "{}", JobState.QUEUED, 1.0, 1.0)
    Jobs(store).save(job)
    pages = store._database.rows("PRAGMA page_count")[0][0]
    store._database.rows(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreUnwritable, match="make room"):
        Jobs(store).save(replace(job, title="other"), {"0" * 40: bytes(100_000)})
    assert Jobs(store).load("j1") == job
    store._database.rows("PRAGMA max_page_count=100000")
    Jobs(store).save(replace(job, title="other"))
    assert Jobs(store).load("j1").title == "other"
    store.close()
