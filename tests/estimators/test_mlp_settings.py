"""Settings beside each other: what would have no effect is refused; L-BFGS and BLAS's threads."""

import numpy as np
import pytest
import sklearn.neural_network as peers
from threadpoolctl import threadpool_info, threadpool_limits

from chainrule import MLPClassifier, MLPRegressor
from chainrule.estimators.inputs.blas import one_blas_thread
from chainrule.estimators.mlp import lbfgs

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
    pytest.mark.usefixtures("_unoptimised"),
]

X = np.random.default_rng(0).normal(size=(50, 4))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = np.digitize(Y, [-0.5, 0.5])
SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 3}


def models(**settings):
    """One of each kind, and targets for it."""
    yield MLPClassifier(**SETTINGS, **settings), LABELS
    yield MLPRegressor(**SETTINGS, **settings), Y


OF_STEPS = {
    "callbacks": {"callbacks": [print]},
    "checkpoint": {"checkpoint": "place.safetensors"},
    "ema": {"ema": 0.9},
    "clip_norm": {"clip_norm": 1.0},
    "warmup": {"warmup": 0.1},
    "dropout": {"dropout": 0.1},
    "mixup": {"mixup": True},
    "monitor='loss'": {"monitor": "loss"},
    "monitor='validation_score'": {"monitor": "validation_score"},
    "learning_rate='linear'": {"learning_rate": "linear"},
    "normalization='batch'": {"normalization": "batch"},
}


@pytest.mark.parametrize("name", OF_STEPS)
def test_lbfgs_refuses_what_is_for_steps(name):
    """Each is named, with the way out, before the model learns anything of the rows."""
    for model, y in models(solver="lbfgs", **OF_STEPS[name]):
        with pytest.raises(ValueError, match=rf"lbfgs.*: {name} need 'adam' or another.* leave"):
            model.fit(X, y)
        assert not hasattr(model, "n_features_in_")


def test_lbfgs_refuses_validation_data():
    """With all else that it does not read, in one message."""
    for model, y in models(solver="lbfgs", ema=0.9, callbacks=[print]):
        with pytest.raises(ValueError, match="epochs: ema, validation_data, callbacks need"):
            model.fit(X, y, validation_data=(X, y))


def test_lbfgs_takes_what_is_as_good_as_not_given():
    """Empty callbacks; settings that say what happens anyway."""
    for model, y in models(solver="lbfgs", callbacks=(), progress=False, learning_rate="constant"):
        assert model.fit(X, y).n_iter_ == 5


def test_lbfgs_leaves_alone_what_scikit_learn_does():
    """A program that was written for scikit-learn runs unchanged, to the same weights."""
    idle = {
        "solver": "lbfgs", "early_stopping": True, "learning_rate": "adaptive", "momentum": 0.5,
        "nesterovs_momentum": False, "batch_size": 7, "learning_rate_init": 0.5, "shuffle": False,
        "validation_fraction": 0.3, "n_iter_no_change": 2, "beta_1": 0.5,
    }  # fmt: skip
    kinds = (peers.MLPClassifier, peers.MLPRegressor)
    for (model, y), peer in zip(models(**idle), kinds, strict=True):
        theirs = peer(**SETTINGS, **idle).fit(X, y)
        model.fit(X, y)
        for a, b in zip(model.coefs_ + model.intercepts_, theirs.coefs_ + theirs.intercepts_,
                        strict=True):  # fmt: skip
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_warmup_without_a_rate_that_falls(rate):
    """It is refused in `fit` and `partial_fit`, and taken with a cosine."""
    told = f"warmup=0.1 .*{rate}.* 'cosine' or 'linear'"
    for model, y in models(warmup=0.1, learning_rate=rate, solver="sgd"):
        with pytest.raises(ValueError, match=told):
            model.fit(X, y)
        assert model.set_params(learning_rate="cosine").fit(X, y).n_iter_ == 5
    with pytest.raises(ValueError, match=told):
        MLPRegressor(warmup=0.1, learning_rate=rate).partial_fit(X, Y)


def test_numeric_features_without_an_embedding():
    """Columns to embed, and nothing that embeds them."""
    for model, y in models(numeric_features=[0, 2]):
        with pytest.raises(ValueError, match="numeric_embedding .* None: choose 'piecewise' or"):
            model.fit(X, y)
        assert model.set_params(numeric_embedding="periodic").fit(X, y).n_iter_ == 5


def blas_threads():
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


def test_lbfgs_holds_blas_to_one_thread(monkeypatch):
    """While it runs, so that no iteration waits for a thread that is not running; not after."""
    seen = []
    inner = lbfgs.PackedObjective.__call__
    monkeypatch.setattr(
        lbfgs.PackedObjective, "__call__",
        lambda self, packed: seen.append(blas_threads()) or inner(self, packed),
    )  # fmt: skip
    for model, y in models(solver="lbfgs"):
        with threadpool_limits(2, "blas"):
            before = blas_threads()
            model.fit(X, y)
            assert before == blas_threads()
    assert len(seen) > 5 and all(found == {1} for found in seen)


def test_fits_at_once_share_the_limit():
    """The last of them to end restores the threads, whoever began; an error restores them too."""
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        one_blas_thread.__enter__()
        one_blas_thread.__enter__()
        one_blas_thread.__exit__()  # the first that began ends first
        assert blas_threads() == {1}
        one_blas_thread.__exit__()
        assert blas_threads() == before
        with pytest.raises(KeyError), one_blas_thread:
            raise KeyError
        assert blas_threads() == before
