"""Settings that each are valid and together are not: named when params.yaml is read."""

import pytest
import toy

from soundclr.coherence import ENCODER_BLOCKS
from soundclr.errors import UserError
from soundclr.models import ENCODERS
from soundclr.params import Params


def resolve(repo, **settings):
    content = toy.content(repo)
    content["recipes"]["hybrid"]["settings"] = settings
    return Params.model_validate(content).resolve("toy", "toy", "hybrid")


def test_the_table_of_encoders_is_right():
    assert {name: len(build(1, None).blocks) for name, build in ENCODERS.items()} == ENCODER_BLOCKS


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": {"name": "smal"}}, "unknown encoder in toy/toy/hybrid: 'smal'; did you mean 'small'?"),
        ({"encoder": {"frozen": 5}}, "toy/toy/hybrid: encoder.frozen is 5, but small has 4 blocks"),
        (
            {"loss": {"alpha": 0}, "stages": [{"name": "first", "trains": ["projection"]}]},
            "toy/toy/hybrid: stage 'first' trains projection with loss.alpha 0, by which nothing learns: ",
        ),
        (
            {"loss": {"alpha": 1}, "stages": [{"name": "first", "trains": ["classifier"]}]},
            "toy/toy/hybrid: stage 'first' trains classifier with loss.alpha 1, by which nothing learns: ",
        ),
        (
            {"encoder": {"frozen": 4}, "stages": [{"name": "first", "trains": ["encoder"]}]},
            "toy/toy/hybrid: stage 'first' trains encoder with loss.alpha 0, by which nothing learns: ",
        ),
        (
            {
                "stages": [
                    {"name": "first", "trains": ["encoder"], "training": {"validation": "inner"}},
                    {"name": "second", "trains": ["classifier"]},
                ]
            },
            "toy/toy/hybrid: training.validation is held_out and inner; all stages must have the same",
        ),
        (
            {"stages": [{"name": "same", "trains": ["classifier"]}, {"name": "same", "trains": ["encoder"]}]},
            "toy/toy/hybrid: stages has two of the name 'same'",
        ),
        (
            {"training": {"batch_size": 65536}, "logmel": {"hop": 1}},
            "toy/toy/hybrid: a batch of 65536 clips, 2049 frames of 65 numbers each, is more than 1073741824 numbers: ",
        ),
        (
            {"training": {"batch_size": 16384}, "logmel": {"hop": 1, "bands": 4096}},
            "toy/toy/hybrid: a batch of 16384 clips, 2049 frames of 4096 numbers each, is more than",
        ),
    ],
)
def test_what_cannot_train_is_named(repo, settings, message):
    with pytest.raises(UserError) as error:
        resolve(repo, **settings)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_what_can_train_is_let_be(repo):
    trained = [{"name": "first", "trains": ["projection", "classifier"]}]
    assert resolve(repo, encoder={"frozen": 4}, stages=trained).encoder.frozen == 4
    assert resolve(repo, loss={"alpha": 1}, stages=[{"name": "first", "trains": ["projection"]}])


def test_an_inner_fold_takes_three_folds(repo):
    content = toy.content(repo)
    content["datasets"]["toy"]["folds"] = 2
    params = Params.model_validate(content)
    params.resolve("toy", "toy", "hybrid")
    with pytest.raises(UserError, match="is inner, which takes 3 folds, but the dataset has 2"):
        params.resolve("toy", "toy", "hybrid_inner")
