"""A session with a small project open, and a timeline that shows it."""

from tests.app.ui.stage import small_film, stage  # noqa: F401 fixtures, used by their being here
from tests.app.ui.timeline.hand import panel  # noqa: F401 as above
