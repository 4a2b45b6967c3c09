"""What a command leaves on stdout and stderr, and its exit status."""

from __future__ import annotations

import json
import os
import signal

import pytest

from app.cli.console import remaining, run
from engine.errors import Cancelled, NoSpace, UnsupportedMedia, UsageError, VerificationFailed


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("no frames"), 2),
        (UnsupportedMedia("no video"), 3),
        (VerificationFailed("frame 3 differs"), 4),
        (NoSpace("disk full"), 5),
        (Cancelled("stopped"), 130),
    ],
)
def test_an_error_is_one_message_on_stderr_and_its_status(error, status, capsys):
    def command(_console):
        raise error

    assert run(command, json_output=False) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_json_is_one_object_and_nothing_else_on_stdout(capsys):
    def command(console):
        console.say("by the way")
        console.result({"frames": 3, "name": "für"}, "3 frames")
        return 0

    assert run(command, json_output=True) == 0
    assert json.loads(capsys.readouterr().out) == {"frames": 3, "name": "für"}


def test_the_first_interrupt_cancels_and_the_command_ends_cleanly(capsys):
    def command(console):
        os.kill(os.getpid(), signal.SIGINT)
        assert console.cancel.cancelled
        console.cancel.check()
        return 0

    before = signal.getsignal(signal.SIGINT)
    assert run(command, json_output=False) == 130
    assert "Stopped" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (8, "8 s"), (130, "2 min 10 s"), (3900, "1 h 5 min")])
def test_remaining_time_reads_as_a_person_says_it(seconds, text):
    assert remaining(seconds) == text
