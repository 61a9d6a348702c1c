"""Targets: every kind of column comes back as it was, or is refused with its row."""

import datetime
import decimal
import enum
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.exceptions import DataConversionWarning

import chainrule as cr
from chainrule.data import Table
from chainrule.errors import DataError
from chainrule.estimators import TrainOptions, fit_table
from chainrule.estimators.inputs.targets import plain_labels, plain_targets, r2
from chainrule.estimators.raw.labels import learned_classes

QUIET = TrainOptions(progress=False)

ROWS = 60


class Answer(enum.Enum):
    YES = 0
    NO = 1


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "progress": False}
X = pd.DataFrame({"a": np.arange(ROWS) % 7 * 1.0, "b": np.arange(ROWS) % 2 * 1.0})
CODES = [k % 2 for k in range(ROWS)]
TEXTS = ["yes" if k % 2 else "no" for k in range(ROWS)]
WHOLE = ("int8", "int64", "uint8", "Int64", "UInt8", "int64[pyarrow]", "Sparse[int64]")
TRUTH = ("bool", "boolean", "bool[pyarrow]")
FLOAT = ("float32", "float64", "Float64", "double[pyarrow]")
TEXT = ("object", "str", "string", "string[pyarrow]", "category")


def columns():
    """Name, column of labels, and the kinds of dtype that their classes may have."""
    for names, kind, values in ((WHOLE, "iu", CODES), (TRUTH, "b", CODES), (FLOAT, "f", CODES),
                                (TEXT, "OU", TEXTS)):  # fmt: skip
        for name in names:
            yield name, pd.Series(values).astype(name), kind
    yield "category of numbers", pd.Series(CODES).astype("category"), "iu"
    yield "category of Int64", pd.Series(CODES).astype("Int64").astype("category"), "iu"
    yield "objects: numbers", pd.Series(CODES, dtype=object), "iu"
    yield "objects: truth values", pd.Series([code == 1 for code in CODES], dtype=object), "b"
    yield "list of numbers", list(CODES), "iu"
    yield "list of text", list(TEXTS), "U"
    yield "list of truth values", [code == 1 for code in CODES], "b"
    yield "array of text", np.array(TEXTS), "U"
    yield "masked", np.ma.masked_array(CODES, mask=[False] * ROWS), "iu"
    yield "Arrow", pa.array(CODES), "iu"
    yield "Arrow, in pieces", pa.chunked_array([CODES[:7], CODES[7:]]), "iu"
    encoded = pa.array(TEXTS).dictionary_encode()
    kept = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    yield "Arrow's dictionary", pd.Series(pd.array(encoded, dtype=kept)), "O"


def without_row(column, row):
    """The same with a missing entry, in each of the ways that it can have; none if it cannot."""
    if isinstance(column, pd.Series):
        if column.dtype.kind in "iub" and isinstance(column.dtype, np.dtype):
            return []
        if isinstance(column.dtype, pd.SparseDtype):
            return []
        made = []
        for missing in (None, np.nan, pd.NA) if column.dtype == object else (None,):
            changed = column.copy()
            changed.iloc[row] = missing
            made.append(changed)
        return made
    if isinstance(column, list):
        return [[*column[:row], missing, *column[row + 1 :]] for missing in (None, np.nan, pd.NA)]
    if isinstance(column, np.ma.MaskedArray):
        changed = column.copy()
        changed[row] = np.ma.masked
        return [changed]
    if isinstance(column, pa.Array):
        return [pa.array([*CODES[:row], None, *CODES[row + 1 :]])]
    return []


CASES = [pytest.param(*case, id=case[0]) for case in columns()]


@pytest.mark.parametrize(("name", "column", "kind"), CASES)
def test_kinds_of_labels(name, column, kind):
    """Classes are of the kind of the column, in the estimators of all kinds of inputs."""
    classes, codes = learned_classes(column, ROWS)
    assert classes.dtype.kind in kind
    assert codes.tolist() == CODES
    assert plain_labels(column).dtype.kind in kind


@pytest.mark.parametrize(("name", "column", "kind"), CASES)
@pytest.mark.parametrize("row", [0, 5, ROWS - 1])
def test_missing_labels(name, column, kind, row):
    """One error for all dtypes: the row, and what to do."""
    for changed in without_row(column, row):
        with pytest.raises(DataError, match=rf"y\[{row}\] is missing: drop that input"):
            plain_labels(changed)
        with pytest.raises(DataError, match=rf"y\[{row}\] is missing"):
            cr.TabularClassifier(**QUICK).fit(X, changed)
        with pytest.raises(DataError, match=rf"y\[{row}\] is missing"):
            cr.MLPClassifier(**QUICK).fit(X, changed)


@pytest.mark.parametrize(
    ("column", "kind"),
    [(pd.Series(CODES, dtype="Int64"), "i"), (pd.Series(CODES, dtype="boolean"), "b"),
     (pd.Series(TEXTS, dtype="string"), "O"), (pd.Series(CODES, dtype=object), "i")],
)  # fmt: skip
@pytest.mark.parametrize("kind_of_model", [cr.TabularClassifier, cr.MLPClassifier])
def test_predictions_are_of_the_kind(column, kind, kind_of_model):
    """Nullable whole numbers and truth values do not come back as floats."""
    model = kind_of_model(**QUICK).fit(X, column)
    assert model.classes_.dtype.kind in (kind, "U" if kind == "O" else kind)
    assert model.predict(X).dtype == model.classes_.dtype
    if kind_of_model is cr.MLPClassifier:
        model.partial_fit(X, column)
        assert model.predict(X).dtype == model.classes_.dtype


def test_many_missing_labels_are_counted():
    """The first is named, and how many more there are."""
    with pytest.raises(DataError, match=r"y\[1\] is missing \(and 2 more\)"):
        plain_labels(["a", None, "b", np.nan, None])


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["a", 1] * 30, "several types, a whole number and text"),
        (["a", True] * 30, "several types, a truth value and text"),
        (np.array([b"a", b"b"] * 30), "decode them to text"),
        (np.arange(60) * 1j, "complex128"),
        ([decimal.Decimal(k) for k in CODES], "Decimal such as .*give classes as text"),
        (pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"] * 30)), "give classes as text"),
        ([datetime.date(2020, 1, k + 1) for k in CODES], "date such as .*give classes as text"),
        (pd.Series(pd.to_timedelta(CODES, "s")), "give classes as text"),
        ([datetime.timedelta(k) for k in CODES], "give classes as text"),
        (pd.Series([(k, 1) for k in CODES]), "tuple such as .*give classes as text"),
        ([Answer(k) for k in CODES], "Answer such as .*give classes as text"),
        (pd.Series([pd.Interval(k, k + 1) for k in CODES]), "give classes as text"),
        (pd.Series([pd.Period(f"202{k}") for k in CODES]), "give classes as text"),
        ([2**70 + k for k in CODES], "give classes as text"),
        (pd.Series([2**70, 1] * 30, dtype=object), "give classes as text"),
        (pd.Series([b"a", b"b"] * 30), "decode them to text"),
        (["a\0", "a"] * 30, r"y\[0\] is 'a.*null characters"),
        (pd.Series(["a", "a\0"] * 30), r"y\[1\] is 'a.*null characters"),
        (np.array(["a", "a\0"] * 30, object), r"y\[1\] is 'a.*null characters"),
        (3, "y is 3, a int"),
        ("ab" * 30, "a str: give one label"),
        ({0: 1}, "a dict"),
        ({0, 1}, "a set"),
        ([[0, 1], [0]], "lists of several lengths"),
        (np.zeros(60, [("a", int)]), "give classes as text"),
        (iter(CODES), "list_iterator"),
    ],
)
def test_labels_of_no_kind(labels, told):
    """Numbers beside text are not made text in silence, and no dates cannot be saved."""
    for kind in (cr.TabularClassifier, cr.MLPClassifier):
        with pytest.raises(DataError, match=told):
            kind(**QUICK).fit(X, labels)
    with pytest.raises(DataError, match=told):
        learned_classes(labels, ROWS)


@pytest.mark.parametrize(("name", "column", "kind"), CASES)
@pytest.mark.parametrize("kind_of_model", [cr.TabularClassifier, cr.MLPClassifier])
def test_what_is_fitted_is_scored(name, column, kind, kind_of_model):
    """Also a single column, and the same accuracy for each kind of the same labels."""
    model = kind_of_model(n_members=1, **QUICK).fit(X, column)
    labels = np.array(TEXTS if kind in ("OU", "U", "O") else CODES)
    expected = float(np.mean(model.predict(X) == labels))
    assert expected == model.score(X, column)
    if isinstance(column, pd.Series):
        with pytest.warns(DataConversionWarning):
            assert expected == model.score(X, column.to_frame())
    with pytest.raises(DataError, match=r"y\[2\] is missing"):
        model.score(X, np.ma.masked_array(CODES, mask=np.arange(ROWS) == 2))


@pytest.mark.parametrize("kind", [cr.TabularRegressor, cr.MLPRegressor])
def test_a_score_takes_what_is_fitted(kind):
    """Numbers of any kind, and nothing else."""
    model = kind(n_members=1, **QUICK).fit(X, CODES)
    expected = model.score(X, CODES)
    for column in (
        pd.Series(CODES, dtype="Int64"),
        [str(code) for code in CODES],
        pd.Series(CODES, dtype=object),
        [decimal.Decimal(code) for code in CODES],
    ):
        assert expected == model.score(X, column)
    for wrong in (
        np.arange(ROWS).astype("datetime64[D]"),
        pd.to_timedelta(CODES, "s"),
        np.ma.masked_array(CODES, mask=np.arange(ROWS) == 2),
        [b"1"] * ROWS,
    ):
        with pytest.raises(DataError):
            model.score(X, wrong)


@pytest.mark.parametrize("kind", [cr.TabularRegressor, cr.MLPRegressor])
@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (pd.Series(pd.date_range("2020-01-01", periods=ROWS)), "holds dates"),
        (np.arange(ROWS).astype("datetime64[D]"), "holds dates"),
        ([datetime.date(2020, 1, 1)] * ROWS, "holds dates"),
        (pd.Series(pd.to_timedelta(range(ROWS), "s")), "holds spans of time"),
        (np.arange(ROWS) * 1j, "complex"),
        (pd.Series([None, *range(ROWS - 1)], dtype="Int64"), r"y\[0\] is missing"),
        (np.ma.masked_array(np.arange(ROWS), mask=np.arange(ROWS) == 3), r"y\[3\] is missing"),
        ([1.0, None] * (ROWS // 2), r"y\[1\] is missing \(and 29 more\)"),
        (["1", "x"] * (ROWS // 2), r"y\[1\] is 'x', a str: give a number"),
        (pd.Series(["1", "1_0"] * (ROWS // 2)), r"y\[1\] is '1_0'"),
        ([b"1"] * ROWS, "decode"),
        (pd.Series([1, b"1"] * (ROWS // 2)), "a bytes: give a number"),
        ([pd.Interval(k, k + 1) for k in CODES], "Interval: give a number"),
        ([*range(ROWS - 1), 10**400], rf"y\[{ROWS - 1}\] is 1000.*, a int: give a number"),
        (3, "y is 3, a int"),
        ("12" * 30, "a str"),
        ([[0, 1], [0]], "lists of several lengths"),
        (np.zeros(60, [("a", int)]), "one number for each row"),
        (np.arange(ROWS) + 2**60, "subtract an offset"),
        ([2**53 + k for k in range(ROWS)], "subtract an offset"),
        (pd.Series([2**70 + k for k in range(ROWS)]), "subtract an offset"),
    ],
)
def test_targets_that_are_no_numbers(kind, targets, told):
    """Nanoseconds since 1970 are nobody's target."""
    with pytest.raises(DataError, match=told):
        kind(**QUICK).fit(X, targets)


def test_dates_as_the_target_of_a_command():
    """The same from a table, where --task says regression."""
    frame = X.assign(day=pd.date_range("2020-01-01", periods=ROWS))
    for column in (frame["day"], frame["day"].astype(str)):
        with pytest.raises(DataError, match="column 'day' holds dates"):
            fit_table(Table("t", frame.assign(day=column)), "day", "regression", QUIET)


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "float32", "int64[pyarrow]", object])
def test_targets_of_any_dtype(dtype):
    """Numbers are numbers."""
    found = plain_targets(pd.Series(CODES).astype(dtype))
    assert CODES == found.astype(float).tolist()


def curve(size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = x[:, 0] + x[:, 1] ** 2
    return x, (y - y.mean()) * size


@pytest.fixture(scope="module")
def near_one():
    """Predictions and score for targets near 1."""
    x, y = curve(1.0)
    model = cr.TabularRegressor(n_members=1, **{**QUICK, "max_iter": 20}).fit(x, y)
    return model.predict(x), model.score(x, y)


@pytest.mark.parametrize("power", [-1040, -1000, -700, -530, 530, 1000, 1018])
def test_a_regressor_does_not_depend_on_the_unit(power, near_one):
    """Targets times 2**k make predictions times 2**k, and the same score, bit for bit."""
    x, y = curve(1.0)
    y = np.ldexp(y, power)
    model = cr.TabularRegressor(n_members=1, **{**QUICK, "max_iter": 20}).fit(x, y)
    if power > -1000:
        np.testing.assert_array_equal(np.ldexp(near_one[0], power), model.predict(x))
        assert model.score(x, y) == near_one[1]
    else:  # numbers that have lost digits
        np.testing.assert_allclose(np.ldexp(model.predict(x), -power), near_one[0], rtol=1e-3)
        assert model.score(x, y) == pytest.approx(near_one[1], abs=1e-3)


@pytest.mark.parametrize("size", [1e160, 1e-200, -1e250])
def test_a_command_does_not_depend_on_the_unit(size):
    """Scores of the network, of the mean and of the linear model."""
    found = []
    for own in (np.sign(size), size):
        x, y = curve(own)
        frame = pd.DataFrame(x, columns=list("abc")).assign(y=y)
        tested = fit_table(
            Table("t", frame), options=replace(QUIET, hidden_layer_sizes=(8,), max_iter=5)
        )
        found.append((tested.score, tested.trivial, tested.linear))
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


@pytest.mark.parametrize(("size", "told"), [(1e160, "too large"), (1e-200, "too small")])
def test_a_perceptron_refuses_targets_without_squares(size, told):
    """It takes targets as they are; a loss of inf or of 0 for all answers teaches nothing."""
    with pytest.raises(DataError, match=f"are {told} for their squares"):
        cr.MLPRegressor(**QUICK).fit(*curve(size))
    with pytest.raises(DataError, match="are too .* for their squares in float32"):
        x, y = curve(1e30)
        cr.MLPRegressor(**QUICK).fit(x.astype(np.float32), y)


@pytest.mark.parametrize("size", [1e160, 1e-200])
def test_losses_that_take_targets_as_they_are(size):
    """In float32 these are inf and 0."""
    x, y = curve(size)
    with pytest.raises(DataError, match="loss='poisson' takes targets as they are"):
        cr.TabularRegressor(loss="poisson", **QUICK).fit(x, np.abs(y))


def test_an_infinite_loss_is_no_success():
    """The weights may be finite, since Adam divides by the gradients."""
    x, y = curve(1.0)

    def endless(z, y):
        return (z - y) ** 2 + 1e308 * 10.0

    with pytest.raises(DataError, match="training ended with a loss of inf"):
        cr.MLPRegressor(loss=endless, **QUICK).fit(x, y)


def test_r2_of_any_size():
    """That of scikit-learn, which is of the same numbers nearer to 1."""
    y, p = np.array([1.0, 2.0, 4.0]), np.array([1.1, 2.0, 3.0])
    for size in (1e-300, 1e-200, 1.0, 1e160, 1e300):
        assert r2(y * size, p * size) == pytest.approx(1 - 1.01 / (14 / 3), rel=1e-12)
