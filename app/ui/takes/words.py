"""What is said about a take: its name, its state, who made it, what it cost. No widgets."""

from __future__ import annotations

from datetime import datetime

from app.session.patching import TOOL_TITLES
from app.ui.words import usd
from engine.model.patch import Follow, Patch, ReviewState, Take
from providers.registry import ADAPTERS

FOLLOW_WORDS = {
    Follow.STATIC: "Stays in place",
    Follow.PLANAR: "As a flat surface",
    Follow.HYBRID: "As it moves and bends",
    Follow.PROVIDER: "As the provider's film moves",
}


def take_title(patch: Patch, take: Take) -> str:
    """Return a take's name, its number where it has none."""
    return take.name or f"Take {[known.id for known in patch.takes].index(take.id) + 1}"


def take_state(patch: Patch, take: Take) -> ReviewState:
    """Return where a take stands: the patch's state is that of its pick."""
    if take.rejected_because:
        return ReviewState.REJECTED
    return patch.state if take.id == patch.pick else ReviewState.DRAFT


def maker_title(take: Take) -> str:
    """Return who or what made a take."""
    maker = take.provenance.maker
    if maker in ADAPTERS:
        return ADAPTERS[maker].traits.title
    return TOOL_TITLES.get(maker, maker.capitalize() or type(take.tool).__name__)


def cost_text(take: Take) -> str:
    """Return what a take cost."""
    cost = take.provenance.cost_microusd
    return usd(cost / 1_000_000) if cost else "Free"


def made_at(take: Take) -> str:
    """Return when a take was made, as a time of today or a date; empty where that is not known."""
    if not take.provenance.made_at_ms:
        return ""
    moment = datetime.fromtimestamp(take.provenance.made_at_ms / 1000).astimezone()
    same_day = moment.date() == datetime.now().astimezone().date()
    return moment.strftime("%H:%M") if same_day else moment.strftime("%Y-%m-%d %H:%M")


def remark(patch: Patch, take: Take) -> str:
    """Return a sentence about a take: why it was rejected, else how and when it was made."""
    if take.rejected_because:
        return take.rejected_because
    way = FOLLOW_WORDS[take.motion.follow] if take.motion is not None else ""
    when = f"Made {made_at(take)}" if made_at(take) else ""
    said = take.provenance.prompt.strip()
    return ". ".join(part for part in (way, f"“{said}”" if said else "", when) if part)


def tooltip(patch: Patch, take: Take) -> str:
    """Return everything that fits into a tooltip."""
    facts = take.provenance
    lines = [f"{take_title(patch, take)}, {take_state(patch, take).value}", f"{maker_title(take)}, {cost_text(take)}"]
    if facts.model:
        lines.append(facts.model)
    if facts.prompt:
        lines.append(f"“{facts.prompt}”")
    if facts.settings:
        lines.append(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.settings))
    if take.rejected_because:
        lines.append(f"Rejected: {take.rejected_because}")
    if made_at(take):
        took = f", in {facts.elapsed_ms / 1000:.1f} s" if facts.elapsed_ms else ""
        lines.append(f"Made {made_at(take)}{took}")
    return "\n".join(lines)
