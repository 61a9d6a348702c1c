"""Values and gradients equal PyTorch's in float64, over drawn settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, random
from chainrule.transforms import value_and_grad

torch = pytest.importorskip("torch", reason="PyTorch is what these tests compare with")
NEAR = {"rtol": 1e-9, "atol": 1e-9}
KEY = random.key(0)


def tensor(array: Any, *axes: int) -> Any:
    """The array, its axes in another order, as a leaf that gathers its gradient."""
    turned = np.transpose(array, axes or None) if axes else np.asarray(array)
    return torch.tensor(np.array(turned), requires_grad=turned.dtype.kind == "f")


def compare(
    ours: Callable[..., Any], theirs: Callable[..., Any], arrays: dict[str, Any],
    axes: dict[str, tuple[int, ...]] | None = None, back: tuple[int, ...] = (),
) -> None:  # fmt: skip
    """Both functions of named arrays: the result, and its gradient in a random direction.

    `axes` says in which order PyTorch has the axes of an array; `back` undoes it for the result.
    """
    axes = axes or {}
    with torch.enable_grad():
        given = {name: tensor(array, *axes.get(name, ())) for name, array in arrays.items()}
        result = theirs(**given)
        result = result.permute(*back) if back else result
        along = np.random.default_rng(1).normal(size=tuple(result.shape))
        (result * torch.tensor(along)).sum().backward()
    names = list(arrays)

    def loss(*values: Any) -> Any:
        y = ours(**dict(zip(names, values, strict=True)))
        return np.sum(y * along), y

    floats = [k for k, name in enumerate(names) if np.asarray(arrays[name]).dtype.kind == "f"]
    (_, y), slopes = value_and_grad(loss, argnums=tuple(floats), has_aux=True)(*arrays.values())
    np.testing.assert_allclose(y, result.detach().numpy(), **NEAR)
    for k, slope in zip(floats, slopes, strict=True):
        name = names[k]
        wanted = given[name].grad.numpy()
        if name in axes:
            wanted = np.transpose(wanted, np.argsort(axes[name]))
        np.testing.assert_allclose(slope, wanted, **NEAR, err_msg=name)


@pytest.mark.parametrize("seed", range(20))
def test_convolution(seed: int) -> None:
    """Stride, padding, dilation, groups, kernel and sizes drawn."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 2, 3]))
    columns, outputs = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
    kernel, stride, dilation, padding = (
        tuple(map(int, rng.integers(low, high, 2)))
        for low, high in ((1, 5), (1, 4), (1, 3), (0, 4))
    )
    size = [(k - 1) * d + int(rng.integers(1, 7)) for k, d in zip(kernel, dilation, strict=True)]
    settings: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    layer = nn.Conv2d(columns, outputs, kernel, key=KEY, dtype=np.float64, **settings)
    compare(
        lambda x, w, b: layer.replace(weight=w, bias=b)(x),
        lambda x, w, b: torch.nn.functional.conv2d(x, w, b, **settings),
        {"x": rng.normal(size=(3, *size, columns)), "w": layer.weight,
         "b": rng.normal(size=outputs)},
        {"x": (0, 3, 1, 2), "w": (3, 2, 0, 1)}, (0, 2, 3, 1),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_convolution_of_sequences(seed: int) -> None:
    """The same along one axis; "same" as PyTorch has it, of odd and even kernels."""
    rng = np.random.default_rng(seed)
    groups, kernel, dilation = int(rng.choice([1, 2])), int(rng.integers(1, 6)), 1 + seed % 3
    same = seed % 2 == 1
    settings: Any = {
        "stride": 1 if same else int(rng.integers(1, 4)),
        "padding": "same" if same else int(rng.integers(0, 3)),
        "dilation": dilation,
        "groups": groups,
    }
    layer = nn.Conv1d(2 * groups, 3 * groups, kernel, key=KEY, dtype=np.float64, **settings)
    steps = (kernel - 1) * dilation + int(rng.integers(1, 9))

    def theirs(x: Any, w: Any, b: Any) -> Any:
        if same:  # PyTorch's own warns of even kernels
            total = dilation * (kernel - 1)
            x = torch.nn.functional.pad(x, (total // 2, total - total // 2))
        return torch.nn.functional.conv1d(x, w, b, **settings | ({"padding": 0} if same else {}))

    compare(
        lambda x, w, b: layer.replace(weight=w, bias=b)(x), theirs,
        {"x": rng.normal(size=(3, steps, 2 * groups)), "w": layer.weight,
         "b": rng.normal(size=3 * groups)},
        {"x": (0, 2, 1), "w": (2, 1, 0)}, (0, 2, 1),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(16))
def test_transposed_convolution(seed: int) -> None:
    """PyTorch's weight is (in, out / groups, ...): ours, group by group."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 2, 3]))
    each_in, each_out = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    kernel, stride, dilation = (tuple(map(int, rng.integers(1, high, 2))) for high in (5, 4, 3))
    extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True))
    padding = tuple(
        int(rng.integers(0, (k - 1) * d + 2)) for k, d in zip(kernel, dilation, strict=True)
    )
    size = [int(rng.integers(3, 6)) + 2 * p for p in padding]
    settings: Any = {"stride": stride, "padding": padding, "output_padding": extra,
                     "dilation": dilation, "groups": groups}  # fmt: skip
    layer = nn.ConvTranspose2d(
        groups * each_in, groups * each_out, kernel, key=KEY, dtype=np.float64, **settings
    )

    def theirs(x: Any, w: Any, b: Any) -> Any:
        w = w.reshape(*kernel, each_in, groups, each_out).permute(3, 2, 4, 0, 1)
        w = w.reshape(groups * each_in, each_out, *kernel)
        given = {name: settings[name] for name in ("stride", "padding", "output_padding")}
        return torch.nn.functional.conv_transpose2d(
            x, w, b, **given, groups=groups, dilation=dilation
        )

    compare(
        lambda x, w, b: layer.replace(weight=w, bias=b)(x), theirs,
        {"x": rng.normal(size=(2, *size, groups * each_in)), "w": layer.weight,
         "b": rng.normal(size=groups * each_out)},
        {"x": (0, 3, 1, 2)}, (0, 2, 3, 1),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_pools(seed: int) -> None:
    """Size, stride, padding drawn; maxima, means of both kinds, adaptive means."""
    rng = np.random.default_rng(seed)
    size = tuple(map(int, rng.integers(1, 5, 2)))
    stride = size if seed % 2 else tuple(map(int, rng.integers(1, 4, 2)))
    padding = tuple(int(rng.integers(0, n // 2 + 1)) for n in size)
    places = [n + int(rng.integers(0, 6)) for n in size]
    wanted = tuple(map(int, rng.integers(1, 6, 2)))
    x = {"x": rng.normal(size=(3, *places, 4))}
    f = torch.nn.functional
    cases: list[tuple[Any, Any]] = [
        (nn.MaxPool2d(size, stride, padding), lambda x: f.max_pool2d(x, size, stride, padding)),
        (nn.AdaptiveAvgPool2d(wanted), lambda x: f.adaptive_avg_pool2d(x, wanted)),
    ]
    for counts in (True, False):
        ours = nn.AvgPool2d(size, stride, padding, count_include_pad=counts)
        cases.append((ours, lambda x, c=counts: f.avg_pool2d(x, size, stride, padding, False, c)))
    for ours, theirs in cases:
        compare(ours, theirs, x, {"x": (0, 3, 1, 2)}, (0, 2, 3, 1))


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 6), (2, 3, 5, 6)])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_and_rms_norm(shape: tuple[int, ...], groups: int) -> None:
    """Over the places of a row and a group's features; and over the last axis."""
    rng = np.random.default_rng(0)
    n = len(shape)
    last, first = (0, n - 1, *range(1, n - 1)), (0, *range(2, n), 1)
    arrays = {"x": rng.normal(size=shape), "a": rng.normal(size=6), "b": rng.normal(size=6)}
    ours = nn.GroupNorm(groups, 6, eps=1e-3, dtype=np.float64)
    if shape[1:] != (6,) or groups < 6:  # PyTorch refuses groups of one number
        compare(
            lambda x, a, b: ours.replace(scale=a, shift=b)(x),
            lambda x, a, b: torch.nn.functional.group_norm(x, groups, a, b, 1e-3),
            arrays, {"x": last}, first,
        )  # fmt: skip
    root = nn.RMSNorm(6, eps=1e-3, dtype=np.float64)
    del arrays["b"]
    compare(
        lambda x, a: root.replace(scale=a)(x),
        lambda x, a: torch.nn.functional.rms_norm(x, (6,), a, 1e-3),
        arrays,
    )


def attention_of(layer: Any, dropout: float = 0.0) -> Any:
    """PyTorch's layer with our weights."""
    dim = layer.combine.weight.shape[0]
    theirs = torch.nn.MultiheadAttention(
        dim, layer.num_heads, dropout, batch_first=True, dtype=torch.float64
    )
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.tensor(layer.project.weight.T.copy()))
        theirs.in_proj_bias.copy_(torch.tensor(layer.project.bias))
        theirs.out_proj.weight.copy_(torch.tensor(layer.combine.weight.T.copy()))
        theirs.out_proj.bias.copy_(torch.tensor(layer.combine.bias))
    return theirs


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("heads", [1, 3])
def test_attention(heads: int, masked: bool, causal: bool) -> None:
    """Over itself, with lengths, in order, and with a bias of the scores."""
    rng = np.random.default_rng(heads)
    layer = nn.MultiHeadAttention(6, heads, key=KEY, dtype=np.float64)
    layer = layer.replace(project=layer.project.replace(bias=rng.normal(size=18)))
    theirs = attention_of(layer)
    mask = nn.sequence_mask(np.array([5, 2, 4]), 5) if masked else None
    bias = rng.normal(size=(5, 5))
    hidden = torch.tensor(bias)
    if causal:
        hidden = hidden.masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), -torch.inf)
    padding = None
    if mask is not None:
        padding = torch.zeros(3, 5, dtype=torch.float64)
        padding = padding.masked_fill(torch.tensor(~mask), -torch.inf)
    compare(
        lambda x: layer(x, mask=mask, bias=bias, is_causal=causal),
        lambda x: theirs(x, x, x, need_weights=False, key_padding_mask=padding, attn_mask=hidden)[
            0
        ],
        {"x": rng.normal(size=(3, 5, 6))},
    )


def test_attention_over_another_sequence_and_its_weights() -> None:
    """Queries of one, keys and values of another; gradients by the weights, too."""
    rng = np.random.default_rng(0)
    layer = nn.MultiHeadAttention(6, 2, key=KEY, dtype=np.float64)

    def ours(x: Any, m: Any, w: Any, b: Any, v: Any) -> Any:
        dense = layer.project.replace(weight=w, bias=b)
        return layer.replace(project=dense, combine=layer.combine.replace(weight=v))(x, m)

    def theirs(x: Any, m: Any, w: Any, b: Any, v: Any) -> Any:
        q, k, u = (x @ w[:, :6] + b[:6], m @ w[:, 6:12] + b[6:12], m @ w[:, 12:] + b[12:])
        heads = [part.reshape(2, -1, 2, 3).transpose(1, 2) for part in (q, k, u)]
        read = torch.nn.functional.scaled_dot_product_attention(*heads)
        return read.transpose(1, 2).reshape(2, -1, 6) @ v

    arrays = {"x": rng.normal(size=(2, 4, 6)), "m": rng.normal(size=(2, 7, 6)),
              "w": rng.normal(size=(6, 18)), "b": rng.normal(size=18),
              "v": rng.normal(size=(6, 6))}  # fmt: skip
    compare(ours, theirs, arrays)


@pytest.mark.parametrize("norm_first", [True, False])
def test_transformer_layer(norm_first: bool) -> None:
    """With lengths; what is filled up does not matter."""
    rng = np.random.default_rng(0)
    layer = nn.TransformerEncoderLayer(6, 2, 10, key=KEY, norm_first=norm_first, dtype=np.float64)
    theirs = torch.nn.TransformerEncoderLayer(
        6, 2, 10, 0.1, "gelu", batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    theirs.self_attn = attention_of(layer.attention)
    with torch.no_grad():
        for name, dense in (("linear1", layer.first), ("linear2", layer.last)):
            getattr(theirs, name).weight.copy_(torch.tensor(dense.weight.T.copy()))
            getattr(theirs, name).bias.copy_(torch.tensor(dense.bias))
    theirs.train(False)
    mask = nn.sequence_mask(np.array([5, 3]), 5)
    real = mask[:, :, None]
    hidden = torch.tensor(~mask)
    compare(
        lambda x: np.where(real, layer(x, mask=mask), 0.0),
        lambda x: torch.where(torch.tensor(real), theirs(x, src_key_padding_mask=hidden), 0.0),
        {"x": rng.normal(size=(2, 5, 6))},
    )


@pytest.mark.parametrize("mode", ["mean", "sum", "max"])
@pytest.mark.parametrize("padding", [None, 0, 3])
def test_embedding_bag(mode: Any, padding: int | None) -> None:
    """Rows of codes of which one fills up; with weights where they are allowed."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 7, (6, 5))
    codes[2] = 3
    layer = nn.EmbeddingBag(7, 4, key=KEY, mode=mode, padding_idx=padding, dtype=np.float64)
    arrays = {"w": rng.normal(size=(7, 4))}
    if mode == "sum":
        arrays["s"] = rng.normal(size=(6, 5))

    def ours(w: Any, s: Any = None) -> Any:
        return layer.replace(table=layer.table.replace(weight=w))(codes, s)

    def theirs(w: Any, s: Any = None) -> Any:
        return torch.nn.functional.embedding_bag(
            torch.tensor(codes), w, mode=mode, padding_idx=padding, per_sample_weights=s
        )

    compare(ours, theirs, arrays)


@pytest.mark.parametrize("seed", range(8))
def test_ctc(seed: int) -> None:
    """Lengths, repeated labels, blanks drawn; also alignments that cannot be."""
    rng = np.random.default_rng(seed)
    rows, steps, classes, longest = 5, int(rng.integers(1, 12)), 4, int(rng.integers(1, 7))
    blank = int(rng.integers(0, classes))
    labels = rng.choice([c for c in range(classes) if c != blank], (rows, longest))
    lengths, targets = rng.integers(1, steps + 1, rows), rng.integers(0, longest + 1, rows)
    compare(
        lambda z: losses.ctc_loss(
            nn.log_softmax(z), labels, lengths, targets, blank=blank, zero_infinity=True,
            reduction="none",
        ),
        lambda z: torch.nn.functional.ctc_loss(
            torch.log_softmax(z, -1).transpose(0, 1), torch.tensor(labels), torch.tensor(lengths),
            torch.tensor(targets), blank, reduction="none", zero_infinity=True,
        ),
        {"z": rng.normal(size=(rows, steps, classes))},
    )  # fmt: skip
