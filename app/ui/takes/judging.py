"""The edits of judging takes: pick, approve, reject, star, name, delete. Values in, an edit out."""

from __future__ import annotations

from dataclasses import replace

from app.ui.takes.words import take_title
from engine.model.edits import Compound, Edit, JudgeTake, PickTake, ReplacePatch, ReviewPatch
from engine.model.patch import Patch, ReviewState, Take


def pick(patch: Patch, take: Take) -> Edit:
    """Let a take be the one that shows; a patch that was judged with another pick is proposed again."""
    title = f"Pick {take_title(patch, take)} of “{patch.name or 'Patch'}”"
    judged = patch.state in (ReviewState.APPROVED, ReviewState.REJECTED) and patch.pick != take.id
    if not judged:
        return Compound(title, (PickTake(patch.id, take.id),))
    return Compound(title, (PickTake(patch.id, take.id), ReviewPatch(patch.id, ReviewState.PROPOSED)))


def approve(patch: Patch, take: Take) -> Edit:
    """Pick a take and approve the patch with it."""
    edits = (
        PickTake(patch.id, take.id),
        JudgeTake(patch.id, take.id, take.name, take.starred),
        ReviewPatch(patch.id, ReviewState.APPROVED),
    )
    return Compound(f"Approve “{patch.name or 'Patch'}”", edits)


def propose(patch: Patch) -> Edit:
    """Ask for the patch to be judged."""
    return ReviewPatch(patch.id, ReviewState.PROPOSED)


def reject(patch: Patch, take: Take, reason: str) -> Edit:
    """Reject a take; where it is the pick, the film shows its own picture there."""
    judge = JudgeTake(patch.id, take.id, take.name, take.starred, reason.strip() or "Not wanted")
    if patch.pick != take.id:
        return judge
    return Compound(f"Reject “{patch.name or 'Patch'}”", (judge, ReviewPatch(patch.id, ReviewState.REJECTED)))


def star(patch: Patch, take: Take) -> Edit:
    """Star a take, or take its star away."""
    return JudgeTake(patch.id, take.id, take.name, not take.starred, take.rejected_because)


def named(patch: Patch, take: Take, name: str) -> Edit:
    """Give a take a name; without one it goes by its number."""
    return JudgeTake(patch.id, take.id, name.strip(), take.starred, take.rejected_because)


def without(patch: Patch, take: Take) -> Edit:
    """Delete a take; where it was the pick, the one before it is."""
    number = patch.takes.index(take)
    rest = (*patch.takes[:number], *patch.takes[number + 1 :])
    chosen = patch.pick
    if chosen == take.id:
        chosen = rest[max(0, number - 1)].id if rest else None
    state = patch.state if chosen == patch.pick else ReviewState.DRAFT
    return ReplacePatch(replace(patch, takes=rest, pick=chosen, state=state))
