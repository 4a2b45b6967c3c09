"""Qt's classes are made ahead, in slices, so that no event in the midst of playing has to make them all."""

from __future__ import annotations

import json
import subprocess
import sys

from PySide6.QtCore import QTimer

from app.ui.qt_classes import QtClasses

LATE = """
import json, sys
if sys.argv[1] == "ahead":
    from app.ui.qt_classes import each_class
    for _ in each_class():
        pass
import enum
made = []
plain = enum.EnumType.__new__
def spied(meta, name, *rest, **more):
    made.append(name)
    return plain(meta, name, *rest, **more)
enum.EnumType.__new__ = spied
import PySide6.QtGui, PySide6.QtCore
for module in (PySide6.QtCore, PySide6.QtGui):
    for name in dir(module):
        getattr(module, name)
print(json.dumps(made))
"""


def late(how: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", LATE, how], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_nothing_is_left_to_be_made_later():
    assert late("ahead") == []
    assert "PageSizeId" in late("later")


def test_they_are_made_while_other_events_come_through(qtbot, monkeypatch):
    monkeypatch.setattr("app.ui.qt_classes._SLICE_S", 0.0)
    classes, others = QtClasses(), []
    other = QTimer()
    other.timeout.connect(lambda: others.append(classes.is_done))
    classes.begin()
    other.start(1)
    qtbot.waitUntil(lambda: classes.is_done, timeout=20_000)
    assert others.count(False) > 20


def test_it_can_be_stopped(qtbot):
    classes = QtClasses()
    classes.begin()
    assert not classes.is_done
    classes.stop()
    assert classes.is_done
