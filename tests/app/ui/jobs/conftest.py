"""A project for the scopes to measure."""

from tests.app.ui.stage import small_film, stage  # noqa: F401 fixtures, used by their being here
