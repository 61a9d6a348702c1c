"""A training that was cut off goes on to the same weights, bit for bit."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from safetensors.numpy import load, save

from chainrule import MLPClassifier, MLPRegressor, tree
from chainrule.errors import ModelFileError
from chainrule.estimators.mlp import checkpoint
from chainrule.estimators.mlp.history import ATTRIBUTES
from chainrule.train import checkpoint_file

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, EPOCHS = 60, 8
X = np.random.default_rng(0).normal(size=(N, 4))
Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-0.5, 0.5])]


class Crash(Exception):
    """What a callback raises in place of a power cut."""


def crash_at(epoch):
    def callback(report):
        if report.epoch == epoch:
            raise Crash

    return [callback]


def model_of(**settings):
    return MLPClassifier(**{
        "hidden_layer_sizes": (6,), "batch_size": 16, "max_iter": EPOCHS, "random_state": 3,
        "checkpoint_interval": 0.0, **settings,
    })  # fmt: skip


def told(model):
    """All that a training leaves, as lists and bytes."""
    arrays = [*model.coefs_, *model.intercepts_, model._random_state.get_state()[1]]
    if model.normalization is not None:
        arrays += [*model.scales_, *model.shifts_]
    if model.normalization == "batch":
        arrays += [a for layer in model.statistics_ for a in layer]
    arrays += [np.asarray(a) for a in tree.leaves(model._optimizer.state)]
    numbers = {name: getattr(model, name) for name in ATTRIBUTES}
    return numbers, model._optimizer.learning_rate, [a.tobytes() for a in arrays]


LION = {"solver": "lion", "ema": 0.9, "dropout": 0.3, "early_stopping": True, "tol": 0.0}
ADAPTIVE = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1,
            "learning_rate_init": 0.05}  # fmt: skip
TABLE = {
    "adam": {},
    "float32": {},
    "adaptive sgd": ADAPTIVE,
    "invscaling": {**ADAPTIVE, "learning_rate": "invscaling", "n_iter_no_change": 9},
    "lion and more": LION,
    "cosine, batch": {"solver": "adamw", "learning_rate": "cosine", "normalization": "batch"},
    "mixup, layer": {"mixup": True, "normalization": "layer", "clip_norm": 0.5, "n_members": 2},
    "rows to watch": {
        "monitor": "validation_loss",
        "early_stopping": True,
        "activation": np.tanh,
        "learning_rate_init": 0.3,
    },
    "weights": {"class_weight": "balanced", "label_smoothing": 0.1, "solver": "rmsprop"},
    "sparse": {"early_stopping": True},
    "no shuffle": {"shuffle": False},
}


@pytest.mark.parametrize("name", TABLE)
def test_goes_on(name, tmp_path):
    """Stopped by an error after some epochs, twice, and run again: nothing differs."""
    settings = TABLE[name]
    x = {"sparse": sp.csr_array(np.where(np.abs(X) < 0.7, 0.0, X)),
         "float32": X.astype(np.float32)}.get(name, X)  # fmt: skip
    worse = (X[::3], Y[1::3])  # labels of other rows: the loss rises after some epochs
    data = {"validation_data": worse} if name == "rows to watch" else {}
    if name == "weights":
        data["sample_weight"] = np.linspace(0.5, 2.0, N)
    expected = told(model_of(**settings).fit(x, Y, **data))
    path = tmp_path / "state"
    met = []
    for epoch in (3, 6):
        with pytest.raises(Crash):
            model_of(checkpoint=path, callbacks=crash_at(epoch), **settings).fit(x, Y, **data)
        assert path.exists()
    model = model_of(checkpoint=path, callbacks=[met.append], **settings).fit(x, Y, **data)
    assert [report.epoch for report in met] == [6, 7, 8]
    assert told(model) == expected
    assert not path.exists()


def test_without_a_random_state(tmp_path):
    """What was drawn for a training without a seed is drawn again: its weights and its split."""
    path = tmp_path / "state"
    np.random.seed(11)
    settings = {**LION, "random_state": None}
    expected = told(model_of(**settings).fit(X, Y))
    np.random.seed(11)
    with pytest.raises(Crash):
        model_of(checkpoint=path, callbacks=crash_at(4), **settings).fit(X, Y)
    np.random.seed(99)
    assert told(model_of(checkpoint=str(path), **settings).fit(X, Y)) == expected
    shared = {**settings, "random_state": np.random.RandomState(11)}
    with pytest.raises(Crash):
        model_of(checkpoint=path, callbacks=crash_at(4), **shared).fit(X, Y)
    shared["random_state"] = np.random.RandomState(98)
    assert told(model_of(checkpoint=path, **shared).fit(X, Y)) == expected


def test_regressor(tmp_path):
    """A regressor's checkpoint, with a loss of one's own from another line."""

    def fit(loss, **settings):
        model = MLPRegressor(loss, (5,), max_iter=5, random_state=0, checkpoint_interval=0.0)
        return model.set_params(**settings).fit(X, X[:, 0])

    def made():
        return lambda z, y: 0.5 * (z - y) ** 2

    expected = told(fit(made()))
    with pytest.raises(Crash):
        fit(made(), checkpoint=tmp_path / "state", callbacks=crash_at(3))
    assert told(fit(made(), checkpoint=tmp_path / "state")) == expected
    with pytest.raises(Crash):
        fit(made(), checkpoint=tmp_path / "state", callbacks=crash_at(3))
    with pytest.warns(UserWarning, match="is of another training"):
        fit(lambda z, y: 0.25 * (z - y) ** 2, checkpoint=tmp_path / "state")


def test_warm_start(tmp_path):
    """A second fit that was cut off goes on from its own state; from other weights it does not."""
    path = tmp_path / "state"

    def first():
        return model_of(warm_start=True, max_iter=3).fit(X, Y)

    expected = told(first().set_params(max_iter=EPOCHS).fit(X, Y))
    with pytest.raises(Crash):
        first().set_params(max_iter=EPOCHS, checkpoint=path, callbacks=crash_at(4)).fit(X, Y)
    assert told(first().set_params(max_iter=EPOCHS, checkpoint=path).fit(X, Y)) == expected
    with pytest.raises(Crash):
        first().set_params(max_iter=EPOCHS, checkpoint=path, callbacks=crash_at(4)).fit(X, Y)
    other = first().partial_fit(X, Y).set_params(max_iter=EPOCHS, checkpoint=path)
    with pytest.warns(UserWarning, match="is of another training"):
        other.fit(X, Y)


def test_harmless_settings(tmp_path):
    """Threads, callbacks and what is printed may change between the runs."""
    path = tmp_path / "state"
    expected = told(model_of().fit(X, Y))
    with pytest.raises(Crash):
        model_of(checkpoint=path, callbacks=crash_at(4), n_threads=1).fit(X, Y)
    model = model_of(checkpoint=path, n_threads=2, progress=False, checkpoint_interval=5.0)
    assert told(model.fit(X, Y)) == expected


def test_interval(tmp_path, monkeypatch):
    """Between two writings so many seconds pass at least; with 0 it writes after each epoch."""
    written, now = [], [0.0]
    monkeypatch.setattr(
        checkpoint_file, "write_atomically", lambda path, data: written.append(now[0])
    )
    monkeypatch.setattr(checkpoint_file, "monotonic", lambda: now[0])

    def tick(report):
        now[0] += 1.0

    model_of(checkpoint=tmp_path / "state", checkpoint_interval=2.5, callbacks=[tick]).fit(X, Y)
    assert written == [3.0, 6.0]
    written.clear()
    model_of(checkpoint=tmp_path / "state", callbacks=[tick]).fit(X, Y)
    assert len(written) == EPOCHS


def test_interrupt_keeps_the_file(tmp_path):
    """After Ctrl-C the file is there, and the same fit goes on."""
    path = tmp_path / "state"

    def interrupt(report):
        if report.epoch == 5:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        model_of(checkpoint=path, callbacks=[interrupt]).fit(X, Y)
    assert path.exists()
    assert told(model_of(checkpoint=path).fit(X, Y)) == told(model_of().fit(X, Y))
    assert not path.exists()


@pytest.fixture
def stopped(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(Crash):
        model_of(checkpoint=path, callbacks=crash_at(4)).fit(X, Y)
    return path


def test_another_training(stopped):
    """Other data, labels or settings: a warning, and a fresh start."""
    for settings, x, y in (({"alpha": 0.5}, X, Y), ({}, X + 1e-9, Y), ({}, X, Y[::-1]),
                           ({"activation": np.sin}, X, Y)):  # fmt: skip
        data = stopped.read_bytes()
        expected = told(model_of(**settings).fit(x, y))
        with pytest.warns(UserWarning, match="is of another training .*: starting anew"):
            assert told(model_of(checkpoint=stopped, **settings).fit(x, y)) == expected
        assert not stopped.exists()
        stopped.write_bytes(data)


def changed_head(data, **changes):
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    inner = {**json.loads(head["chainrule"]), **changes}
    return save(load(data), metadata={"chainrule": json.dumps(inner)})


BROKEN = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "text": lambda data: b"epoch,loss\n1,0.5\n" * 99,
    "foreign": lambda data: save({"a": np.zeros(3)}),
    "newer": lambda data: changed_head(data, format="chainrule-checkpoint-3"),
    "of the last version": lambda data: changed_head(data, format="chainrule-checkpoint-1"),
    "head of another kind": lambda data: save(load(data), metadata={"chainrule": "[1]"}),
    "no counts": lambda data: changed_head(data, history=None),
    "no generator": lambda data: changed_head(
        data, generator_at_start=[], generator=["MT19937"]
    ),
    "arrays missing": lambda data: changed_head(
        save({k: v for k, v in load(data).items() if k != "00003"},
             metadata={"chainrule": head_text(data)})),
    "arrays of other shapes": lambda data: save(
        {k: v[:1] if k == "00000" else v for k, v in load(data).items()},
        metadata={"chainrule": head_text(data)}),
    "short order": lambda data: save(
        {k: v[:1] if k == sorted(load(data))[-3] else v for k, v in load(data).items()},
        metadata={"chainrule": head_text(data)}),
}  # fmt: skip


def head_text(data):
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["chainrule"]


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(name, stopped):
    """A file that is damaged, foreign or newer is named in an error, and left as it is."""
    data = BROKEN[name](stopped.read_bytes())
    stopped.write_bytes(data)
    with pytest.raises(ModelFileError, match="state is no checkpoint"):
        model_of(checkpoint=stopped).fit(X, Y)
    assert stopped.read_bytes() == data


def test_every_cut(stopped):
    """Wherever a file was cut off, it is refused."""
    data = stopped.read_bytes()
    for length in np.random.default_rng(0).integers(0, len(data), 40):
        stopped.write_bytes(data[:length])
        with pytest.raises(ModelFileError):
            checkpoint_file.CheckpointFile(stopped, 0.0, checkpoint.FORMAT, "").read()


def test_full_disk(tmp_path, monkeypatch):
    """A disk that is full is warned of; the training goes on, to the same weights."""

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    expected = told(model_of().fit(X, Y))
    monkeypatch.setattr(checkpoint_file, "write_atomically", full)
    with pytest.warns(UserWarning, match="cannot write the checkpoint .*: No space left on device"):
        model = model_of(checkpoint=tmp_path / "state").fit(X, Y)
    assert told(model) == expected


@pytest.mark.parametrize("where", ["missing/state", "file/state"])
def test_no_such_folder(tmp_path, where):
    """So is a folder that cannot be written to."""
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="cannot write the checkpoint"):
        model = model_of(checkpoint=tmp_path / where).fit(X, Y)
    assert model.n_iter_ == EPOCHS


PROGRAM = """
import signal, sys, warnings
import numpy as np
from chainrule import MLPClassifier
warnings.simplefilter("ignore")
draw = np.random.default_rng(0)
x = draw.normal(size=(200, 6))
y = np.digitize(x[:, 0] + x[:, 1] * x[:, 2], [-0.5, 0.5])
path, last = None if sys.argv[1] == "-" else sys.argv[1], int(sys.argv[3])

def told(report):
    print(report.epoch, flush=True)
    if report.epoch == last:
        signal.pause()  # until it is killed

model = MLPClassifier(
    (12,), solver="lion", ema=0.9, dropout=0.2, early_stopping=True, max_iter=400, tol=0.0,
    n_iter_no_change=1000, batch_size=32, random_state=1, checkpoint=path, checkpoint_interval=0,
    callbacks=[told],
).fit(x, y)
np.savez(sys.argv[2], *model.coefs_, *model.intercepts_, model.loss_curve_)
"""


def arrays_after(tmp_path, monkeypatch, count, seed):
    """The arrays of a training that was left alone, and of one that was killed so often."""
    program, state = tmp_path / "program.py", tmp_path / "state"
    program.write_text(PROGRAM)
    draw, reached = np.random.default_rng(seed), [0]

    def run(*args):
        return subprocess.Popen([sys.executable, program, *args], stdout=subprocess.PIPE, text=True)

    def made():
        with np.load(tmp_path / "made.npz") as file:
            return list(file.values())

    for _ in range(count):
        with run(state, tmp_path / "never.npz", "399") as process:
            reached.append(int(process.stdout.readline()))  # its first epoch is done
            while not state.exists():  # and will be written
                time.sleep(0.001)
            time.sleep(draw.uniform(0.0, 0.5 / count))
            process.kill()
    assert all(a <= b for a, b in pairwise(reached)) and 1 < reached[-1] < 400
    assert process.returncode == -signal.SIGKILL
    with run(state, tmp_path / "made.npz", "0") as process:
        process.communicate()
    assert process.returncode == 0
    assert not state.exists() and not (tmp_path / "never.npz").exists()
    killed = made()
    monkeypatch.setattr(sys, "argv", [str(program), "-", str(tmp_path / "made.npz"), "0"])
    with warnings.catch_warnings():
        exec(compile(PROGRAM, str(program), "exec"), {})
    return made(), killed


def assert_bits(left_alone, killed):
    for a, b in zip(left_alone, killed, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_kills(tmp_path, monkeypatch):
    """Killed three times, or as often as is asked for: the weights of one that was left alone."""
    times = int(os.environ.get("CHAINRULE_KILLS", "3"))
    assert_bits(*arrays_after(tmp_path, monkeypatch, times, seed=1))
