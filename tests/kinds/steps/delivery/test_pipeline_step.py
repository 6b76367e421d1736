"""`pipeline` as it is written: what begins one, and what cannot; what it does is in test_pipeline_live.py."""

from __future__ import annotations

import pytest

from runner.kinds.steps.delivery.pipeline_step import PipelineStep
from runner.kinds.verifications.pipeline_probe import PipelineProbe

HUB = {"github": "team/shop", "token": "{{ t }}"}


def test_a_pipeline_that_can_be_asked_for_is_resumable_and_another_is_not():
    hub = PipelineStep.model_validate({"pipeline": {**HUB, "workflow": "release.yml", "ref": "main"}})
    other = PipelineStep.model_validate({"pipeline": {"http": "https://ci.example.com/", "id": "json.id"}})
    assert (hub.resumable, other.resumable) == (True, False)
    assert hub.describe() == "begin the pipeline release.yml in team/shop on main"
    assert other.describe() == "begin a pipeline: https://ci.example.com/"


def test_two_pipelines_that_differ_in_anything_do_not_take_each_other_for_their_own():
    start = {**HUB, "workflow": "release.yml", "ref": "main"}
    variants = [{}, {"ref": "v1"}, {"inputs": {"a": "b"}}, {"workflow": "other.yml"}]
    facts = [PipelineStep.model_validate({"pipeline": {**start, **each}}).pipeline.fact for each in variants]
    assert len(set(facts)) == len(variants)


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ({}, ["needs one of `github`, `gitlab` and `http`"]),
        ({**HUB, "gitlab": "a/b"}, ["needs one of `github`, `gitlab` and `http`"]),
        ({"github": "a/b"}, ["needs a `token`: the {{ input }} of a secret"]),
        (HUB, ["needs `workflow` with github"]),
        ({**HUB, "workflow": "a.yml"}, ["needs `ref` with github"]),
        ({**HUB, "workflow": "a.yml", "ref": "main", "id": "json.id"}, ["`id` does not go with github"]),
        ({**HUB, "workflow": "../a", "ref": "main"}, ["must be the file of a workflow, like release.yml, not '../a'"]),
        ({"http": "https://a/"}, ["needs `id` with http"]),
        ({"http": "https://a/", "id": "json.id", "token": "x"}, ["`url` and `token` go with github and gitlab; write them into the request itself"]),
        ({"http": "https://a/", "id": "json.id", "inputs": {"a": "b"}}, ["`inputs` go with github and gitlab; write a `body` into the request"]),
        ({**HUB, "github": "shop", "workflow": "a.yml", "ref": "main"}, ["must be a repository with its owner, like team/shop, not 'shop'"]),
        ({**HUB, "url": "http://git/", "workflow": "a.yml", "ref": "main"}, ["must begin with https://: a token is sent there"]),
    ],
)  # fmt: skip
def test_what_it_refuses(written, sentences, refusals):
    assert refusals(PipelineStep, pipeline=written) == sentences


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        (HUB, ["needs `run`, the id of the pipeline: the {{ name }} that its step has captured"]),
        ({"http": "https://a/"}, ["needs `conclusion`, where the answer says how it stands, like json.state"]),
        ({"http": "https://a/", "conclusion": "json.a", "run": "1"}, ["`run` does not go with that service"]),
        ({**HUB, "run": "1", "conclusion": "json.a"}, ["`conclusion` does not go with that service"]),
    ],
)
def test_what_a_verification_refuses(written, sentences, refusals):
    assert refusals(PipelineProbe, pipeline=written) == sentences
