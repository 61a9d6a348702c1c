"""Outside of a trace nobody sees a tracer: whatever is public gives plain arrays for plain ones.

A table of calls, and a test that it names everything public that takes or makes arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, optim, random, signal, train, tree

KEY = random.key(0)
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(4, 6)).astype(np.float32)
STEPS = RNG.normal(size=(4, 8, 6)).astype(np.float32)
IMAGES = RNG.normal(size=(4, 8, 8, 6)).astype(np.float32)
CLIPS = RNG.normal(size=(4, 64)).astype(np.float32)
SPECTRA = RNG.normal(size=(4, 8, 5)).astype(np.float32)
LENGTHS = np.array([64, 60, 33, 8])
CODES = np.array([[0, 1, 2], [2, 1, 0]])
STATE = np.zeros((4, 3), np.float32)
X, ONE = np.array([1.0, 2.0]), 0.5
WEIGHTS = {"a": np.ones(3), "b": 2.0}

Call = Callable[[], Any]


def steps_of(optimizer: optim.Optimizer) -> Any:
    state = optimizer.init(WEIGHTS)
    return state, optimizer.update(WEIGHTS, state, WEIGHTS)


def averaged(averager: optim.Averager) -> Any:
    state = averager.init(WEIGHTS)
    return state, averager.update(WEIGHTS, state)


def epoch() -> Any:
    model, optimizer = nn.Dense(6, 1, key=KEY), optim.sgd(0.1)
    made = train.make_epoch(losses.squared_error, optimizer, 2)
    return cr.jit(made)(model, optimizer.init(model), KEY, ROWS, ROWS[:, :1])


def fitted() -> Any:
    result = train.fit(nn.Dense(6, 1, key=KEY), ROWS, ROWS[:, :1], loss=losses.squared_error,
                       optimizer=optim.sgd(0.1), epochs=1)  # fmt: skip
    return result.model, result.history


def healthy() -> Any:
    found = train.gradient_health(nn.MLP(6, (2,), 1, key=KEY), losses.squared_error, ROWS,
                                  ROWS[:, :1])  # fmt: skip
    return vars(found)


def draws(make: Callable[..., Any]) -> Call:
    return lambda: make(KEY, (3, 4))


def activated(name: str) -> Call:
    f = getattr(nn, name)
    return lambda: [f(x) for x in (X, ROWS, np.float64(ONE))]


def stepped(name: str) -> Call:
    return lambda: steps_of(getattr(optim, name)(0.1))


def solved(solver: Any, function: Any, field: str) -> Any:
    """x and another field of a solver's result, of an array and of a number."""
    results = [solver(function, x) for x in (X, ONE)]
    return [[result.x, result[field]] for result in results]


def pulled() -> Any:
    y, pull = cr.vjp(np.tanh, X)
    return y, pull(X)


def total(x: Any) -> Any:
    return np.sum(np.exp(x))


def linearized() -> Any:
    y, push = cr.linearize(np.exp, X)
    return y, push(X)


def ruled_backward() -> Any:
    f = cr.custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), x), lambda x, g: (g * np.cos(x),))
    return [f(X), f(ONE), cr.grad(lambda x: np.sum(f(x)))(X), cr.grad(f)(ONE)]


def ruled_forward() -> Any:
    f = cr.custom_jvp(np.sin)
    f.defjvp(lambda xs, ts: (np.sin(xs[0]), np.cos(xs[0]) * ts[0]))
    return [f(X), f(ONE), cr.grad(lambda x: np.sum(f(x)))(X), cr.jvp(f, (ONE,), (ONE,))]


def rooted(a: Any) -> Any:
    """The sum of the square roots of a."""
    root = cr.implicit_root(lambda x, a: x * x - a, lambda x, a: np.sqrt(a))
    return np.sum(root(a, a))


def settled(a: Any) -> Any:
    point = cr.implicit_fixed_point(lambda x, a: 0.5 * (x + a / x), lambda x, a: np.sqrt(a))
    return np.sum(point(a, a))


CALLS: dict[ModuleType, dict[str, Call]] = {
    cr: {
        "associative_scan": lambda: cr.associative_scan(np.add, X),
        "checkpoint": lambda: [cr.grad(cr.checkpoint(total))(x) for x in (X, ONE)],
        "cond": lambda: [cr.cond(flag, np.sin, np.cos, x) for flag in (True, False)
                         for x in (X, ONE)],
        "curve_fit": lambda: cr.curve_fit(lambda x, a: a * x, X, X**2),
        "custom_jvp": ruled_forward,
        "custom_vjp": ruled_backward,
        "fori_loop": lambda: cr.fori_loop(0, 3, lambda i, x: x + i, X),
        "grad": lambda: [cr.grad(lambda x: np.sum(np.exp(x)))(x) for x in (X, ONE)],
        "hessian": lambda: [cr.hessian(total)(x) for x in (X, ONE)],
        "hvp": lambda: [cr.hvp(total, x, x) for x in (X, ONE)],
        "implicit_fixed_point": lambda: [cr.grad(settled)(x) for x in (X, ONE)],
        "implicit_root": lambda: [cr.grad(rooted)(x) for x in (X, ONE)],
        "jacfwd": lambda: [cr.jacfwd(np.exp)(x) for x in (X, ONE)],
        "jacobian": lambda: [cr.jacobian(np.exp)(x) for x in (X, ONE)],
        "jacrev": lambda: [cr.jacrev(np.exp)(x) for x in (X, ONE)],
        "jit": lambda: [cr.jit(np.exp)(X), cr.jit(np.exp).compile(X)(X), cr.jit(np.exp)(ONE)],
        "jvp": lambda: [cr.jvp(np.exp, (x,), (x,)) for x in (X, ONE)],
        "least_squares": lambda: solved(cr.least_squares, lambda x: x - 2.0, "cost"),
        "minimize": lambda: solved(cr.minimize, lambda x: np.sum((x - 2.0) ** 2), "fun"),
        "odeint": lambda: [cr.odeint(lambda y, t: -y, x, np.array([0.0, 1.0])) for x in (X, ONE)],
        "root": lambda: solved(cr.root, lambda x: x - 2.0, "nfev"),
        "linearize": linearized,
        "logsumexp": lambda: [
            cr.logsumexp(np.array([1.0, 2.0])), cr.logsumexp(ROWS, axis=1), cr.logsumexp(ONE),
            cr.logsumexp(np.full(2, -np.inf)), cr.logsumexp(ROWS, axis=0, keepdims=True),
            cr.logsumexp([1, 2]),
        ],
        "io_callback": lambda: [
            cr.io_callback(np.cos, x, x) for x in (X, np.float64(ONE))
        ],
        "pure_callback": lambda: [
            cr.pure_callback(np.cos, x, x) for x in (X, np.float64(ONE))
        ],
        "remat": lambda: [cr.grad(cr.remat(total))(x) for x in (X, ONE)],
        "scan": lambda: cr.scan(lambda c, x: (c + x, c * x), 0.0, X),
        "stop_gradient": lambda: [cr.stop_gradient(x) for x in (X, ONE)],
        "switch": lambda: [cr.switch(1, [np.sin, np.cos], x) for x in (X, ONE)],
        "value_and_grad": lambda: cr.value_and_grad(lambda x: np.sum(np.exp(x)))(X),
        "vjp": pulled,
        "vmap": lambda: [cr.vmap(np.sum)(ROWS), cr.vmap(lambda x: x * ONE)(X)],
        "while_loop": lambda: cr.while_loop(lambda x: np.sum(x) < 9.0, lambda x: 2 * x, X),
    },
    losses: {
        "absolute_error": lambda: losses.absolute_error(X, X),
        "sigmoid_binary_cross_entropy": lambda: losses.sigmoid_binary_cross_entropy(X, X > 1.5),
        "ctc_loss": lambda: losses.ctc_loss(
            nn.log_softmax(STEPS), np.ones((4, 2), int), np.full(4, 8), np.full(4, 1)),
        "gaussian_nll": lambda: losses.gaussian_nll(ROWS[:, :2], ROWS[:, 0]),
        "huber": lambda: losses.huber(X, X + 3),
        "pinball": lambda: losses.pinball(X, X + 1, 0.9),
        "poisson_deviance": lambda: losses.poisson_deviance(X, X),
        "softmax_cross_entropy": lambda: [
            losses.softmax_cross_entropy(ROWS, np.array([0, 1, 2, 5])),
            losses.softmax_cross_entropy(ROWS, np.eye(6)[:4], label_smoothing=0.1)],
        "squared_error": lambda: [losses.squared_error(X, X, reduction=r)
                                  for r in ("mean", "sum", "none")],
        "tweedie_deviance": lambda: losses.tweedie_deviance(X, X, sample_weight=X),
    },
    nn: {
        **{name: draws(getattr(nn, name)) for name in (
            "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal",
            "lecun_uniform", "ones", "signs", "torch_uniform", "zeros")},
        "orthogonal": lambda: nn.orthogonal(2.0)(KEY, (4, 3)),
        **{name: activated(name) for name in (
            "elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "tanh")},
        "softmax": lambda: nn.softmax(ROWS),
        "log_softmax": lambda: nn.log_softmax(ROWS),
        "GRU": lambda: nn.GRU(6, 3, key=KEY)(STEPS),
        "GRUCell": lambda: nn.GRUCell(6, 3, key=KEY)(STATE, ROWS),
        "LSTM": lambda: nn.LSTM(6, 3, key=KEY, bidirectional=True)(STEPS),
        "LSTMCell": lambda: nn.LSTMCell(6, 3, key=KEY)((STATE, STATE), ROWS),
        "RNN": lambda: nn.RNN(6, 3, key=KEY)(STEPS),
        "RNNCell": lambda: nn.RNNCell(6, 3, key=KEY)(STATE, ROWS),
        "MLP": lambda: nn.MLP(6, (3,), 2, key=KEY)(ROWS),
        "AdaptiveAvgPool1d": lambda: nn.AdaptiveAvgPool1d(3)(STEPS),
        "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d(3)(IMAGES),
        "AvgPool1d": lambda: nn.AvgPool1d(2)(STEPS),
        "AvgPool2d": lambda: nn.AvgPool2d(2, padding=1)(IMAGES),
        "MaxPool1d": lambda: nn.MaxPool1d(2)(STEPS),
        "MaxPool2d": lambda: nn.MaxPool2d(2, padding=1)(IMAGES),
        "GlobalAvgPool": lambda: nn.GlobalAvgPool()(IMAGES),
        "GlobalMaxPool": lambda: nn.GlobalMaxPool()(IMAGES),
        "BatchEnsembleDense": lambda: nn.BatchEnsembleDense(2, 6, 3, key=KEY)(ROWS),
        "BatchedDense": lambda: nn.BatchedDense(2, 6, 3, key=KEY)(ROWS),
        "BatchNorm": lambda: nn.BatchNorm(6)(ROWS),
        "GroupNorm": lambda: nn.GroupNorm(2, 6)(ROWS),
        "LayerNorm": lambda: nn.LayerNorm(6)(ROWS),
        "RMSNorm": lambda: nn.RMSNorm(6)(ROWS),
        "Conv1d": lambda: nn.Conv1d(6, 2, 3, key=KEY, padding="same")(STEPS),
        "Conv2d": lambda: nn.Conv2d(6, 2, 3, key=KEY, padding=1)(IMAGES),
        "ConvTranspose1d": lambda: nn.ConvTranspose1d(6, 2, 3, key=KEY, stride=2)(STEPS),
        "ConvTranspose2d": lambda: nn.ConvTranspose2d(6, 2, 3, key=KEY, stride=2)(IMAGES),
        "conv": lambda: nn.conv(IMAGES, np.ones((3, 3, 6, 2), np.float32)),
        "Dense": lambda: nn.Dense(6, 2, key=KEY)(ROWS),
        "Dropout": lambda: [nn.Dropout(0.5)(ROWS), nn.Dropout(0.5).train(ROWS, KEY)],
        "dot_product_attention": lambda: nn.dot_product_attention(IMAGES, IMAGES, IMAGES),
        "dropout": lambda: nn.dropout(ROWS, 0.5, KEY),
        "Embedding": lambda: nn.Embedding(3, 2, key=KEY)(CODES),
        "EmbeddingBag": lambda: [nn.EmbeddingBag(3, 2, key=KEY, mode=m, padding_idx=0)(CODES)
                                 for m in ("mean", "sum", "max")],
        "Flatten": lambda: nn.Flatten()(IMAGES),
        "Lambda": lambda: nn.Lambda(np.tanh)(ROWS),
        "MultiHeadAttention": lambda: nn.MultiHeadAttention(6, 2, key=KEY)(STEPS),
        "PeriodicEmbedding": lambda: nn.PeriodicEmbedding(6, 2, key=KEY)(ROWS),
        "PiecewiseLinearEmbedding": lambda: nn.PiecewiseLinearEmbedding(
            nn.quantile_edges(ROWS, 2), 2, key=KEY)(ROWS),
        "PositionalEmbedding": lambda: nn.PositionalEmbedding(8, 6, key=KEY)(STEPS),
        "Residual": lambda: nn.Residual(nn.Dense(6, 6, key=KEY))(ROWS),
        "Sequential": lambda: nn.Sequential(nn.Dense(6, 2, key=KEY), np.tanh)(ROWS),
        "TransformerEncoder": lambda: nn.TransformerEncoder(6, 2, 1, key=KEY)(STEPS),
        "TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(6, 2, key=KEY)(STEPS),
        "cutout": lambda: nn.cutout(IMAGES, 3, KEY),
        "sequence_mask": lambda: nn.sequence_mask(np.array([1, 3]), 4),
        "mixup": lambda: nn.mixup(ROWS, np.eye(4, dtype=np.float32), 0.4, KEY),
        "quantile_edges": lambda: nn.quantile_edges(ROWS, 2),
        "quantize": lambda: nn.quantize(nn.Dense(6, 2, key=KEY), ROWS),
        "QuantizedDense": lambda: nn.quantize(nn.Dense(6, 2, key=KEY), ROWS)(ROWS),
        "QuantizedConv1d": lambda: nn.quantize(nn.Conv1d(6, 2, 3, key=KEY), STEPS)(STEPS),
        "QuantizedConv2d": lambda: nn.quantize(
            nn.Conv2d(6, 2, 1, key=KEY), STEPS[None])(STEPS[None]),
        "BFloat16Dense": lambda: nn.to_bfloat16(nn.Dense(6, 2, key=KEY))(ROWS),
        "to_bfloat16": lambda: nn.to_bfloat16(nn.Dense(6, 2, key=KEY)),
        "random_crop": lambda: nn.random_crop(IMAGES, (4, 4), KEY),
        "random_horizontal_flip": lambda: nn.random_horizontal_flip(IMAGES, KEY),
        "random_rotation": lambda: nn.random_rotation(IMAGES, 10.0, KEY),
        "random_shift": lambda: nn.random_shift(IMAGES, 2, KEY),
        "sinusoidal_positions": lambda: nn.sinusoidal_positions(8, 6),
        "apply_train": lambda: nn.apply_train(nn.BatchNorm(6), ROWS, KEY),
        "with_batch_stats": lambda: nn.with_batch_stats(
            nn.BatchNorm(6), nn.apply_train(nn.BatchNorm(6), ROWS, KEY)[1]),
    },
    optim: {
        **{name: stepped(name) for name in (
            "adam", "adamw", "lazy_adam", "lion", "rmsprop", "clip", "clip_by_global_norm")},
        "sgd": lambda: [steps_of(optim.sgd(0.1)), steps_of(optim.sgd(optim.warmup(3, 0.1), 0.9))],
        "chain": lambda: steps_of(optim.chain(optim.clip(1.0), optim.adam())),
        "apply_updates": lambda: optim.apply_updates(WEIGHTS, WEIGHTS),
        "exponential_moving_average": lambda: averaged(optim.exponential_moving_average(0.9)),
        "decay_weights": lambda: optim.decay_weights(WEIGHTS, 0.1),
        "global_norm": lambda: optim.global_norm(WEIGHTS),
        "ramped_moving_average": lambda: averaged(optim.ramped_moving_average(0.9)),
        "scale_by_learning_rate": lambda: steps_of(optim.scale_by_learning_rate(0.1)),
        "trace": lambda: steps_of(optim.chain(optim.scale_by_learning_rate(0.1), optim.trace())),
        **{name: (lambda s=schedule: [s(np.int64(3)), s(np.arange(4))]) for name, schedule in {
            "constant": optim.constant(0.1), "cosine_decay": optim.cosine_decay(0.1, 9),
            "inverse_scaling": optim.inverse_scaling(0.1), "one_cycle": optim.one_cycle(0.1, 9),
            "polynomial_decay": optim.polynomial_decay(0.1, 9),
            "step_decay": optim.step_decay(0.1, 2), "warmup": optim.warmup(3, 0.1)}.items()},
    },
    random: {
        "bernoulli": lambda: [random.bernoulli(KEY), random.bernoulli(KEY, X)],
        "bits": lambda: [random.bits(KEY), random.bits(KEY, 3)],
        "categorical": lambda: [random.categorical(KEY, ROWS[0]), random.categorical(KEY, ROWS)],
        "choice": lambda: [random.choice(KEY, 5), random.choice(KEY, ROWS, 2, replace=False)],
        "exponential": lambda: [random.exponential(KEY), random.exponential(KEY, 3)],
        "gumbel": lambda: [random.gumbel(KEY), random.gumbel(KEY, 3)],
        "fold_in": lambda: random.fold_in(KEY, 3),
        "key": lambda: random.key(3),
        "normal": lambda: [random.normal(KEY), random.normal(KEY, 3)],
        "permutation": lambda: random.permutation(KEY, 5),
        "randint": lambda: random.randint(KEY, (3,), 0, 5),
        "split": lambda: [*random.split(KEY)],
        "symmetric_beta": lambda: [random.symmetric_beta(KEY, 0.4),
                                   random.symmetric_beta(KEY, 0.4, 3)],
        "uniform": lambda: [random.uniform(KEY), random.uniform(KEY, (2, 3))],
    },
    signal: {
        "random_noise": lambda: signal.random_noise(CLIPS, KEY),
        "change_speed": lambda: signal.change_speed(CLIPS, LENGTHS, 1.1),
        "dct_matrix": lambda: signal.dct_matrix(8, 4),
        "dft_matrices": lambda: signal.dft_matrices(8, 5, 8),
        "frame": lambda: signal.frame(CLIPS, 16, 8),
        "hann_window": lambda: signal.hann_window(8),
        "hz_to_mel": lambda: [signal.hz_to_mel(x) for x in (440.0, X)],
        "frequency_masking": lambda: signal.frequency_masking(SPECTRA, KEY, max_width=2),
        "time_masking": lambda: signal.time_masking(SPECTRA, np.full(4, 8), KEY, max_width=2),
        "log_mel_spectrogram": lambda: signal.log_mel_spectrogram(
            CLIPS, 8000, win_length=32, hop_length=16, n_mels=4),
        "mel_filterbank": lambda: signal.mel_filterbank(17, 4, 8000),
        "mel_to_hz": lambda: [signal.mel_to_hz(x) for x in (3.0, X)],
        "mfcc": lambda: signal.mfcc(CLIPS, 8000, win_length=32, hop_length=16, n_mfcc=3, n_mels=4),
        "random_shift_and_speed": lambda: signal.random_shift_and_speed(
            CLIPS, LENGTHS, KEY, max_shift=0.1, max_speed_change=0.1),
        "power_spectrum": lambda: signal.power_spectrum(CLIPS, 32, 16),
        "stft": lambda: signal.stft(CLIPS, 32, 16),
    },
    train: {
        "fit": fitted,
        "gradient_health": healthy,
        "make_epoch": epoch,
        "predict": lambda: train.predict(nn.Dense(6, 2, key=KEY), ROWS),
    },
}  # fmt: skip

# What holds settings or results, or answers in text
OTHERS = {
    cr: {"AnomalyDetector", "AudioClassifier", "Forecaster", "ImageClassifier",
         "MLPClassifier", "MLPRegressor", "ShapeDtypeStruct", "TabularClassifier",
         "TabularRegressor", "TextClassifier", "TimeSeriesClassifier", "TimeSeriesRegressor",
         "check_grads", "configured", "explain", "get_num_threads", "load", "make_graph",
         "set_num_threads"},
    nn: {"Activation", "Initializer", "Module", "static"},
    optim: {"Average", "Averager", "Optimizer", "Schedule"},
    train: {"EpochReport", "FitResult", "Health"},
}  # fmt: skip
PLAIN = (np.ndarray, np.generic, int, float, bool, str, type(None))


@pytest.mark.parametrize("module", CALLS, ids=lambda module: module.__name__)
def test_everything_public_is_called(module: ModuleType) -> None:
    """A new function has to be entered here."""
    callables = {name for name in module.__all__ if callable(getattr(module, name))}
    assert callables == CALLS[module].keys() | OTHERS.get(module, set())


@pytest.mark.parametrize(
    "call",
    [call for calls in CALLS.values() for call in calls.values()],
    ids=[f"{m.__name__}.{name}" for m, calls in CALLS.items() for name in calls],
)
def test_plain_results_of_plain_arguments(call: Call) -> None:
    """Arrays or numbers, whatever tree they hang on."""
    leaves = tree.leaves(call())
    assert leaves
    for leaf in leaves:
        assert isinstance(leaf, PLAIN), f"{type(leaf).__name__}: {leaf!r:.60}"
        assert not isinstance(leaf, np.ndarray) or leaf.dtype != object
