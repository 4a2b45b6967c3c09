"""The whole application, for the export's tests."""

from tests.app.ui.desktop import desktop, film, folder, story_film  # noqa: F401 fixtures, used by their being here
