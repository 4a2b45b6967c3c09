"""The cache forgets, but never lies and never raises."""

import multiprocessing
import os
import sqlite3
import threading

import pytest

from engine.store.cache import Cache, cache_path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "cache.sqlite"


def test_what_was_put_is_got_and_nothing_else(path):
    with Cache(path, 1 << 20) as cache:
        cache.put("segment", "a", b"one")
        cache.put("index", "a", b"two")
        assert cache.get("segment", "a") == b"one"
        assert cache.get("index", "a") == b"two"
        assert cache.get("segment", "b") is None
        cache.put("segment", "a", b"three")
        assert cache.get("segment", "a") == b"three"
        assert cache.size == 8
    with Cache(path, 1 << 20) as again:
        assert again.get("segment", "a") == b"three"


def test_the_least_recently_used_goes_first_and_the_cap_holds(path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("engine.store.cache.time.time", lambda: now[0])
    with Cache(path, 1000) as cache:
        for name in "abcde":
            now[0] += 100
            cache.put("k", name, name.encode() * 200)
        now[0] += 100
        assert cache.get("k", "a") == b"a" * 200
        now[0] += 100
        cache.put("k", "f", b"f" * 200)
        kept = [name for name in "abcdef" if cache.get("k", name) is not None]
        assert kept == list("acdef")
        assert cache.size == 1000
        cache.put("k", "huge", bytes(1001))
        assert cache.get("k", "huge") is None
        assert cache.size == 1000


def test_a_hundred_megabytes_come_back_whole(path):
    data = os.urandom(1 << 20) * 100
    with Cache(path, 1 << 30) as cache:
        cache.put("segment", "large", data)
        assert cache.get("segment", "large") == data


def test_space_is_given_back_when_much_was_dropped(path):
    with Cache(path, 8 << 20) as cache:
        cache.put("k", "large", bytes(8 << 20))
        for number in range(20):
            cache.put("k", f"small{number}", b"x")
    assert path.stat().st_size < 1 << 20


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database at all, only some text" * 300),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: _scribble(path, 0, 100),
        lambda path: _scribble(path, 4096, 8192),
        lambda path: _execute(path, "DROP TABLE contents"),
        lambda path: _execute(path, "UPDATE contents SET data = 'something else'"),
        lambda path: _execute(path, "PRAGMA user_version = 99"),
    ],
    ids=["text", "truncated", "empty", "deleted", "header", "pages", "no table", "other data", "other version"],
)
def test_damage_is_a_miss_and_the_next_put_works_again(path, damage):
    with Cache(path, 1 << 20) as cache:
        cache.put("k", "a", b"data" * 1000)
        cache.close()
        damage(path)
        assert cache.get("k", "a") in (None, b"data" * 1000)
        cache.put("k", "b", b"other")
        assert cache.get("k", "b") == b"other"


def test_deleting_the_file_under_an_open_cache_costs_only_time(path):
    with Cache(path, 1 << 20) as cache:
        cache.put("k", "a", b"1")
        path.unlink()
        assert cache.get("k", "a") is None
        cache.put("k", "a", b"2")
        assert Cache(path, 1 << 20).get("k", "a") == b"2"


@pytest.mark.skipif(os.name != "posix", reason="POSIX paths")
def test_an_impossible_place_is_a_cache_that_never_hits():
    cache = Cache(cache_path(__import__("pathlib").Path("/proc/nowhere"), "id"), 1000)
    cache.put("k", "a", b"1")
    assert cache.get("k", "a") is None
    assert cache.size == 0


@pytest.mark.parametrize(
    "project_id", ["../../etc/passwd", "/etc/passwd", "a\0b", "", "x" * 300, "..", "C:\\x", "\ud800"]
)
def test_a_strangers_project_id_does_not_lead_out_of_the_folder(tmp_path, project_id):
    path = cache_path(tmp_path, project_id)
    assert path.parent == tmp_path
    assert len(path.name) < 100
    assert "\0" not in path.name


def test_threads_share_one_cache(path):
    cache = Cache(path, 1 << 22)
    wrong = []

    def work(number):
        for i in range(40):
            value = f"{number}-{i}".encode() * 100
            cache.put("k", f"{number}-{i}", value)
            if cache.get("k", f"{number}-{i}") != value:
                wrong.append((number, i))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.close()
    assert wrong == []


def _fill(path, number):
    with Cache(path, 1 << 22) as cache:
        for i in range(30):
            cache.put("k", f"{number}-{i}", f"{number}-{i}".encode() * 50)
            got = cache.get("k", f"{number}-{i}")
            if got not in (None, f"{number}-{i}".encode() * 50):
                raise SystemExit(1)


def test_processes_share_one_file(path):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_fill, args=(path, number)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    with Cache(path, 1 << 22) as cache:
        kept = sum(cache.get("k", f"{n}-{i}") == f"{n}-{i}".encode() * 50 for n in range(3) for i in range(30))
    assert kept == 90


def _scribble(path, start, stop):
    data = bytearray(path.read_bytes())
    data[start:stop] = os.urandom(stop - start)
    path.write_bytes(data)


def _execute(path, statement):
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
