"""A workflow file is run only if it is sound, and what is wrong with it is said node by node."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import WorkflowInvalid
from providers.failover import DEFAULT_STEPS, Step, Trouble
from providers.workflow import Approval, NodeKind, OnFailure, parse_workflow, shipped_workflow

PROVIDERS = {"gemini", "kling", "local"}


def flow(*nodes, **changes):
    return json.dumps({"name": "w", "version": 1, "title": "W", "nodes": list(nodes), **changes})


CROP = {"id": "crop", "kind": "extract"}
EDIT = {"id": "edit", "kind": "edit", "after": ["crop"], "providers": ["gemini"]}
LOOK = {"id": "look", "kind": "qa", "after": ["edit"]}
PUBLISH = {"id": "publish", "kind": "publish", "after": ["look"]}


def test_nodes_stand_in_an_order_in_which_they_can_run():
    workflow = parse_workflow(flow(PUBLISH, LOOK, EDIT, CROP), PROVIDERS)
    assert [node.id for node in workflow.nodes] == ["crop", "edit", "look", "publish"]
    assert workflow.node("edit").kind is NodeKind.EDIT


def test_a_node_s_limits_policy_and_choices_are_read():
    edit = {
        **EDIT,
        "providers": ["local", "gemini"],
        "limits": {"usd": "0.50", "timeout_s": 90},
        "policy": {"rate_limit": ["wait", "ask"], "wait_s": 30},
        "on_failure": "skip",
    }
    workflow = parse_workflow(flow(CROP, edit, {**LOOK, "approval": "automatic"}), PROVIDERS)
    node = workflow.node("edit")
    assert node.providers == ("local", "gemini")
    assert (str(node.limits.usd), node.limits.timeout_s) == ("0.50", 90.0)
    assert node.policy.steps[Trouble.RATE_LIMIT] == (Step.WAIT, Step.ASK)
    assert node.policy.steps[Trouble.FAULT] == DEFAULT_STEPS[Trouble.FAULT]
    assert node.policy.wait_s == 30.0
    assert node.on_failure is OnFailure.SKIP
    assert workflow.node("look").approval is Approval.AUTOMATIC


WRONG = {
    "not JSON": ("{", "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "a list": ("[]", "no JSON object"),
    "no nodes": (flow(), "at least one node"),
    "another version": (flow(CROP, version=2), "version is 2"),
    "no name": (flow(CROP, name=""), "name and title"),
    "unknown field": (flow(CROP, color="red"), "workflow: unknown field 'color'"),
    "unknown field of a node": (flow({**CROP, "retries": 3}), "node 'crop': unknown field 'retries'"),
    "no id": (flow({"kind": "extract"}), "node 0 has no id"),
    "an odd id": (flow({"id": "a b", "kind": "extract"}), "node 0 has no id"),
    "unknown kind": (flow({"id": "x", "kind": "magic"}), "kind is 'magic', not one of extract"),
    "two of one id": (flow(CROP, CROP), "the same id"),
    "after nothing": (flow({**EDIT, "after": ["gone"]}), "comes after 'gone', which does not exist"),
    "a circle": (
        flow(CROP, {"id": "a", "kind": "diff", "after": ["b"]}, {"id": "b", "kind": "diff", "after": ["a"]}),
        "wait for each other",
    ),
    "no provider": (flow(CROP, {**EDIT, "providers": []}), "names no provider"),
    "unknown provider": (
        flow(CROP, {**EDIT, "providers": ["dalle"]}),
        "there is no provider 'dalle'; there are gemini",
    ),
    "a provider twice": (flow(CROP, {**EDIT, "providers": ["gemini", "gemini"]}), "names something twice"),
    "providers of a step": (flow({**CROP, "providers": ["gemini"]}), "asks no provider"),
    "no task": (flow({**EDIT, "after": []}), "exactly one extract node"),
    "publish unseen": (flow(CROP, EDIT, {**PUBLISH, "after": ["edit"]}), "nothing is published unseen"),
    "two publishes": (flow(CROP, EDIT, LOOK, PUBLISH, {**PUBLISH, "id": "p2"}), "more than one publish"),
    "an unknown step": (flow(CROP, {**EDIT, "policy": {"rate_limit": ["pray"]}}), "'pray', not one of backup"),
    "an unknown trouble": (flow(CROP, {**EDIT, "policy": {"policy_refusal": ["backup"]}}), "unknown field"),
    "no amount": (flow(CROP, {**EDIT, "limits": {"usd": "much"}}), "usd is no amount"),
    "a negative amount": (flow(CROP, {**EDIT, "limits": {"usd": -1}}), "usd is no amount"),
    "no time": (flow(CROP, {**EDIT, "limits": {"timeout_s": "long"}}), "timeout_s is no number"),
    "no approval": (flow(CROP, EDIT, {**LOOK, "approval": "nobody"}), "not one of person, automatic"),
    "names that are none": (flow(CROP, {**EDIT, "after": "crop"}), "after is no list of texts"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case):
    text, message = WRONG[case]
    with pytest.raises(WorkflowInvalid) as caught:
        parse_workflow(text, PROVIDERS, origin="own.json")
    assert message in str(caught.value)
    assert "own.json" in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(WorkflowInvalid) as caught:
        parse_workflow(flow({**CROP, "x": 1}, {**EDIT, "policy": {"wait_s": -1}}), PROVIDERS)
    assert "unknown field 'x'" in str(caught.value)
    assert "wait_s is no number" in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "version", "title", "nodes", "id", "kind", "after", "providers", "limits", "policy"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(content=VALUES)
def test_no_json_makes_the_reader_fail_otherwise(content):
    try:
        parse_workflow(json.dumps(content), PROVIDERS)
    except WorkflowInvalid:
        return
    assert content["version"] == 1


def test_an_unknown_shipped_workflow_is_named_with_those_there_are():
    with pytest.raises(WorkflowInvalid, match="there are edit, emotion, motion, transcribe"):
        shipped_workflow("dance", PROVIDERS)
