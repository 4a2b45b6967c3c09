"""The errors that Deltacut raises on purpose, each with the exit status a command ends with.

::

    DeltacutError
    +-- UsageError                 2  the request itself makes no sense
    |   +-- EditRefused               an edit that the project does not allow (locked layer, empty range ...)
    +-- InputError                 3  a file that cannot be used
    |   +-- MediaError                a media file
    |   |   +-- MissingMedia          not where it was
    |   |   +-- DamagedMedia          truncated, empty, not media at all
    |   |   +-- UnsupportedMedia      sound, but nothing here can edit it
    |   |   +-- ProtectedMedia        encrypted (CENC)
    |   |   +-- SourceChanged         not the file the project was made from
    |   +-- PictureError              an image that cannot be used as a patch
    |   +-- CaptionError              a caption file that cannot be read
    |   +-- InterchangeError          a timeline of another editor that cannot be read
    |   +-- ProjectError              a project file
    |       +-- ProjectDamaged        failed its digests or its structure
    |       +-- ProjectTooNew         written by a later version
    |       +-- ProjectBusy           open for writing elsewhere
    +-- VerificationFailed         4  the export did not pass its own check
    +-- StorageError               5  the disk
    |   +-- NoSpace                   full
    +-- Cancelled                130  the person stopped it

"Cannot copy" is not here: it is an outcome with a reason (engine.plan).
"""

from __future__ import annotations


class DeltacutError(Exception):
    """Root of the errors shown to a person; the message says what happened, the value, and the way out."""

    exit_status = 1


class UsageError(DeltacutError):
    """A request that makes no sense."""

    exit_status = 2


class EditRefused(UsageError):
    """An edit that the project does not allow."""


class InputError(DeltacutError):
    """A file that cannot be used."""

    exit_status = 3


class MediaError(InputError):
    """A media file that cannot be used."""


class MissingMedia(MediaError):
    """A media file that is not where it was."""


class DamagedMedia(MediaError):
    """A file that is truncated, empty, or no media at all."""


class UnsupportedMedia(MediaError):
    """A sound file that Deltacut cannot edit."""


class ProtectedMedia(MediaError):
    """An encrypted file."""


class SourceChanged(MediaError):
    """A file that is no longer the one the project was made from."""


class PictureError(InputError):
    """An image that cannot be used as a patch."""


class CaptionError(InputError):
    """A caption file that cannot be read."""


class InterchangeError(InputError):
    """A timeline file of another editor that cannot be read."""


class ProjectError(InputError):
    """A project file that cannot be used."""


class ProjectDamaged(ProjectError):
    """A project file that failed its digests or its structure."""


class ProjectTooNew(ProjectError):
    """A project file written by a later version."""


class ProjectBusy(ProjectError):
    """A project file that is open for writing elsewhere."""


class VerificationFailed(DeltacutError):
    """An export that did not pass its own check; nothing was written."""

    exit_status = 4


class StorageError(DeltacutError):
    """The disk refused."""

    exit_status = 5


class NoSpace(StorageError):
    """The disk is full."""


class Cancelled(DeltacutError):
    """The person stopped it."""

    exit_status = 130
