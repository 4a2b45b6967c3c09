"""The docks have room for what stands in them, in whatever order the workspaces are seen first."""

from __future__ import annotations

import pytest

from tests.app.ui.desktop import opened


@pytest.mark.parametrize(
    ("first", "size"),
    [("region", (1366, 728)), ("edit", (1366, 728)), ("deliver", (1366, 728)), ("edit", (1920, 1040))],
)
def test_the_region_workspace_is_the_same_whichever_was_seen_before(desktop, film, qtbot, first, size):
    window = desktop.window
    window.resize(*size)
    opened(desktop, film, qtbot)
    window.show_workspace(first)
    qtbot.wait(300)
    window.show_workspace("region")
    qtbot.wait(300)
    heights = {name: window._docks[name].height() for name in ("layers", "takes", "details", "timeline")}
    assert 84 <= heights["layers"] <= 170, heights
    assert 150 <= heights["takes"] <= 200, heights
    assert heights["details"] >= 145, heights
    assert heights["timeline"] >= (270 if size[1] > 1000 else 240), heights
