"""A session whose jobs are shown."""

from tests.app.ui.stage import small_film, stage  # noqa: F401 fixtures, used by their being here
