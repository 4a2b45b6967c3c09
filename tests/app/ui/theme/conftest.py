"""A project for the panel to show."""

from tests.app.ui.stage import small_film, stage  # noqa: F401 fixtures, used by their being here
