"""explain: every factor of the chain rule, against hand-written ones."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hostile_names import names, steers

import chainrule as cr
from chainrule import escape
from chainrule.errors import DtypeError, GradientError
from chainrule.explain.show import as_html, as_text, to_terminal


def neuron(w, x, target):
    out = 1 / (1 + np.exp(-(w * x)))
    return (out - target) ** 2


def test_one_neuron_term_by_term():
    story = cr.explain(neuron)(0.5, 2.0, 1.0)
    out = 1 / (1 + np.exp(-1.0))
    assert story.value == pytest.approx((out - 1) ** 2, rel=1e-15)
    expected = 2 * (out - 1) * out * (1 - out) * 2.0
    assert story.gradient[0] == pytest.approx(expected, rel=1e-14)
    product = story.step("%1")
    assert product.operation == "mul(w, x)"
    assert product.line.startswith("test_explain.py:")
    assert product.code == "out = 1 / (1 + np.exp(-(w * x)))"
    assert [edge.source for edge in product.edges] == ["w", "x"]
    assert [float(edge.local) for edge in product.edges] == [2.0, 0.5]
    last = story.steps[-1]
    assert last.upstream == 1.0


def test_products_add_up_to_the_gradients():
    def loss(p, x):
        h = np.tanh(x @ p["w"] + p["b"])
        return np.mean((h @ p["v"] - h[:, 0]) ** 2)

    rng = np.random.default_rng(0)
    p = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4), "v": rng.normal(size=4)}
    x = rng.normal(size=(5, 3))
    story = cr.explain(loss, argnums=0)(p, x)
    gradient = cr.grad(loss)(p, x)
    received: dict[str, np.ndarray] = {}
    for step in story.steps:
        for edge in step.edges:
            received[edge.source] = received.get(edge.source, 0) + edge.product
    for step in story.steps[:-1]:
        np.testing.assert_allclose(received[step.name], step.upstream, rtol=1e-12)
    for name in "wbv":
        np.testing.assert_allclose(story.step(f"p.{name}").upstream, gradient[name], rtol=1e-13)
        np.testing.assert_allclose(story.gradient[0][name], gradient[name], rtol=1e-13)


def test_upstream_times_local_is_product():
    def loss(w, x):
        return np.sum(np.maximum(x @ w, 0.0) * np.exp(w[0]))

    w, x = np.array([[0.2, -0.4], [0.1, 0.3]]), np.array([[1.0, 2.0], [-1.0, 0.5]])
    for step in cr.explain(loss)(w, x).steps:
        for edge in step.edges:
            upstream = np.broadcast_to(step.upstream, np.shape(step.value))
            if np.shape(edge.local) == np.shape(step.value):
                full = upstream * edge.local
                extra = tuple(range(full.ndim - np.ndim(edge.product)))
                np.testing.assert_allclose(full.sum(axis=extra), edge.product, rtol=1e-12)
            else:
                along = np.tensordot(upstream, edge.local, axes=np.ndim(upstream))
                np.testing.assert_allclose(along, edge.product, rtol=1e-12)


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        self.rows[-1].append(data)


def test_text_and_html_show_the_same_numbers():
    story = cr.explain(neuron)(0.5, 2.0, 1.0)
    text, html = str(story), story._repr_html_()
    page = Cells()
    page.feed(html)
    assert page.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert (
        page.rows[0]
        == text.splitlines()[0]
        .replace("local derivative", "local_derivative")
        .replace("computed as", "computed_as")
        .replace("_", " ")
        .split("  ")
        or page.rows[0][0] == "node"
    )
    for row in page.rows[1:]:
        for cell in row:
            assert cell in text
    assert "0.731" in text  # the sigmoid of 1
    assert "mul(w, x)" in text


def test_html_is_escaped():
    def f(x):
        return np.where(x < 2.0, x, 0.0) * 3.0  # <script>

    html = cr.explain(f)(1.0)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_rich_table(capsys):
    cr.explain(neuron)(0.5, 2.0, 1.0).show()
    shown = capsys.readouterr().out
    for word in ("upstream", "local", "product", "exp"):
        assert word in shown


def test_a_large_jacobian_is_told_by_its_product():
    story = cr.explain(lambda w: np.sum(w @ w))(np.ones((40, 40)))
    (edge, *_) = story.steps[1].edges
    assert edge.local is None
    assert "(large)" in str(story)


def test_errors():
    with pytest.raises(GradientError, match="scalar"):
        cr.explain(np.sin)(np.ones(2))
    with pytest.raises(DtypeError, match="integer|int64"):
        cr.explain(np.sin, argnums=0)(1)
    with pytest.raises(GradientError, match="jit"):
        cr.jit(lambda x: cr.explain(np.sin)(x).value)(1.0)
    with pytest.raises(KeyError, match="%1"):
        cr.explain(np.sin)(1.0).step("no")


def test_names_are_only_names(capsys, monkeypatch):
    """Keys of parameters may be columns' names: in each form they are shown, and nothing more."""
    monkeypatch.setenv("COLUMNS", "5000")
    given = names(20, 30, empty=False)
    story = cr.explain(lambda p: sum(p[name] for name in given))(dict.fromkeys(given, 1.0))
    to_terminal(story.steps)
    table = capsys.readouterr().out
    for text in (as_text(story.steps), table, as_html(story.steps)):
        assert [] == steers(text.replace("\t", ""))
    for name in given:
        assert escape.terminal(name) in as_text(story.steps)
        assert escape.html(name) in as_html(story.steps)
        if escape.terminal(name).strip() == name:
            assert escape.terminal(name).split() == [
                part for part in escape.terminal(name).split() if part in table
            ]
