"""Time series of all forms as arrays, and from files of the archive, NPZ files and tables."""

import numpy as np
import pandas as pd
import pytest

from chainrule.data.npz import read_array_pairs
from chainrule.data.timeseries import as_series, read_series, read_series_dataset
from chainrule.errors import DataError

NAN = np.nan
TS = """#A comment
%# another
@problemName Two
@timeStamps false
@missing true
@univariate false
@equalLength false
@classLabel true up down
@data
1,2,3:4,5,6:up
7,?,9,10:0.5,1,1.5,NaN:down
"""
RELATIONAL = """% a comment
@relation 'Two'

@attribute series relational
 @attribute att0 numeric
 @attribute att1 numeric
@end series
@attribute 'kind of move' {'left turn',right}

@data
'1.0,2.0\\n3.0,4.0','left turn'
"5.0,?\\n7.0,8.0",right
"""
FLAT = "@relation f\n@attribute a0 numeric\n@attribute a1 real\n@attribute y numeric\n@data\n" \
       "1,2,0.5\n?,4,-1e3\n"  # fmt: skip


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def same(read, expected):
    """Whether two arrays hold the same, NaN included."""
    np.testing.assert_array_equal(np.asarray(read, float), np.asarray(expected, float))


# In memory


def test_all_forms_of_the_same_series_are_the_same():
    """Arrays, lists, masked arrays, and the tables of pandas, polars' kin and sktime."""
    values = np.arange(24.0).reshape(2, 3, 4)
    index = pd.MultiIndex.from_product([["a", "b"], [0, 1, 2, 3]])
    long = pd.DataFrame(values.transpose(0, 2, 1).reshape(8, 3), index=index)
    nested = pd.DataFrame([[pd.Series(row) for row in one] for one in values])
    forms = [
        values, values.astype(np.int32), list(values), tuple(values), long, nested,
        [pd.DataFrame(one.T) for one in values], np.ma.array(values, mask=False),
    ]  # fmt: skip
    for form in forms:
        series = as_series(form)
        same(series.values, values)
        assert (series.lengths.tolist(), series.extents.tolist()) == ([4, 4], [4, 4])
    wide = as_series(pd.DataFrame(values[:, 0]))
    same(wide.values, values[:, :1])
    same(as_series(values[:, 0]).values, values[:, :1])


def test_shuffled_points_of_a_long_table_are_put_in_order():
    """Rows of a series belong where their second level says."""
    index = pd.MultiIndex.from_tuples([("a", 2), ("a", 0), ("b", 1), ("a", 1), ("b", 0), ("b", 2)])
    same(as_series(pd.DataFrame({"v": [3.0, 1, 5, 2, 4, 6]}, index)).values,
         [[[1, 2, 3]], [[4, 5, 6]]])  # fmt: skip


def test_ends_and_gaps():
    """NaN after the last point is no part of a series, and a gap within one is."""
    series = as_series(np.array([[1.0, NAN, 3, NAN], [1, 2, 3, NAN], [NAN, 2, NAN, NAN]]))
    assert series.lengths.tolist() == [3, 3, 2]
    assert series.extents.tolist() == [4, 4, 4]
    assert (series.values.shape, series.has_gaps) == ((3, 1, 3), True)
    masked = np.ma.masked_invalid([[1.0, 2, 3], [4, 5, NAN]])
    assert as_series(masked).lengths.tolist() == [3, 2]
    assert not as_series(masked).has_gaps
    one_ends = as_series([np.array([[1.0, 2, 3], [4, 5, NAN]])])
    assert (one_ends.lengths.tolist(), one_ends.has_gaps) == ([3], True)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (np.zeros(5), "one series or one number each"),
        (np.zeros((2, 2, 2, 2)), "give an array (n, length)"),
        (np.zeros((0, 5)), "there is no series"),
        ([], "there is no series"),
        (np.zeros((3, 2)), "has 2 points: give 3 or more"),
        (np.full((2, 4), NAN), "X[0] has no point that is there"),
        ([np.arange(4.0), np.full(3, NAN)], "X[1] has no point that is there"),
        ([np.zeros((2, 4)), np.zeros((3, 4))], "X[1] has 3 channels, and X[0] 2"),
        (np.array([[1.0, 2, 3], [1, np.inf, 3]]), "X[1], channel 0, point 1 is infinite"),
        (np.array([["a", "b", "c"]]), "give numbers"),
        ([["a", 1, 2]], "give numbers"),
        (np.zeros((2, 5), complex), "give numbers"),
        ([[[1, 2], [3]]], "rows of several lengths"),
        ("abc", "X is a str"),
        (7, "X is a int"),
        (pd.DataFrame({"a": ["x", "y"]}), "no number"),
        (pd.DataFrame(index=[0, 1]), "no columns"),
    ],
)
def test_what_is_no_series_is_refused(form, words):
    """With where it is, and what may be given."""
    with pytest.raises(DataError) as caught:
        as_series(form)
    assert words in str(caught.value)


# Files of the archive


def test_ts(tmp_path):
    """Channels between colons, unequal lengths, missing points, classes."""
    read = read_series(write(tmp_path, "two.ts", TS))
    same(read.inputs[0], [[1, 2, 3], [4, 5, 6]])
    same(read.inputs[1], [[7, NAN, 9, 10], [0.5, 1, 1.5, NAN]])
    assert (read.labels.tolist(), read.task) == (["up", "down"], "classification")
    text = "@targetLabel true\n@data\n1,2,3:0.25\n4,5,6:-7e2\n"
    read = read_series(write(tmp_path, "numbers.ts", text))
    assert (read.labels.tolist(), read.task) == ([0.25, -700.0], "regression")
    read = read_series(write(tmp_path, "none.ts", "@classLabel false\n@data\n1,2,3\n"))
    assert read.labels is None


def test_arff(tmp_path):
    """Series of many channels in quotes, with names in quotes; and of one channel as cells."""
    read = read_series(write(tmp_path, "two.arff", RELATIONAL))
    same(read.inputs, [[[1, 2], [3, 4]], [[5, NAN], [7, 8]]])
    assert (read.labels.tolist(), read.task) == (["left turn", "right"], "classification")
    read = read_series(write(tmp_path, "flat.arff", FLAT))
    same(read.inputs, [[[1, 2]], [[NAN, 4]]])
    assert (read.labels.tolist(), read.task) == ([0.5, -1000.0], "regression")


@pytest.mark.parametrize("separator", ["\t", ",", "  "])
@pytest.mark.parametrize("ending", ["tsv", "txt", "csv"])
def test_rows_with_the_label_first(tmp_path, separator, ending):
    """As the UCR archive had them: whole numbers may be written as floats."""
    rows = [["  1.0000e+00", "0.5", "-1", "NaN"], ["-1.0e+00", "2", "3", "4.5"]]
    text = "\n".join(separator.join(row) for row in rows) + "\n"
    read = read_series(write(tmp_path, f"old.{ending}", text))
    same(read.inputs, [[[0.5, -1, NAN]], [[2, 3, 4.5]]])
    assert (read.labels.tolist(), read.task) == (["1", "-1"], None)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.ts", "@classLabel true a b\n@data\n1,2:a\n1,x:b\n", "line 4: 'x' is no number"),
        ("a.ts", "@classLabel true a b\n@data\n1,2:c\n", "line 3 is of class 'c'"),
        ("a.ts", "@classLabel true a b\n@data\n1,2\n", "line 3 has no label at its end"),
        ("a.ts", "@classLabel true a\n@data\n1:2:a\n1:a\n", "series 2 has 1 channels"),
        ("a.ts", "@timeStamps true\n@data\n(0,1),(1,2)\n", "has times beside its points"),
        ("a.ts", "1,2,3:a\n", "a line with @ was expected"),
        ("a.ts", "@classLabel true a b\n@data\n", "holds no series"),
        ("a.ts", "", "holds no series"),
        ("a.arff", "@relation a\n@attribute a numeric\n@attribute b {x}\n@data\n1,2,x\n",
         "line 5 has 3 cells, and the header 2 attributes"),
        ("a.arff", RELATIONAL + "1,2,right\n", "a series in quotes was expected"),
        ("a.arff", "@relation a\n@attribute a numeric\n@data\n1\n", "1 attributes stand before"),
        ("a.arff", "@relation a\nfoo\n", "a line with @ was expected"),
        ("a.txt", "1 2 3\n2 3 four\n", "line 2: 'four' is no number"),
        ("a.txt", "", "is empty"),
    ],
)  # fmt: skip
def test_broken_files_are_refused_with_the_line(tmp_path, name, text, words):
    """Nothing is guessed, and nothing left out."""
    with pytest.raises(DataError) as caught:
        read_series(write(tmp_path, name, text))
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_the_test_lies_beside_the_training(tmp_path):
    """NAME_TRAIN brings NAME_TEST; a folder brings both, .ts before .tsv."""
    for ending, first in (("ts", "@classLabel true 1 2\n@data\n1,2,3:1\n"), ("tsv", "1\t2\t3\n")):
        write(tmp_path, f"Two_TRAIN.{ending}", first)
    write(tmp_path, "Two_TEST.ts", "@classLabel true 1 2\n@data\n4,5,6:2\n7,8,9:1\n")
    for source in (tmp_path, tmp_path / "Two_TRAIN.ts"):
        train, test = read_series_dataset(source)
        assert (train.labels.tolist(), test.labels.tolist()) == (["1"], ["2", "1"])
    assert read_series_dataset(tmp_path / "Two_TRAIN.tsv")[1] is None
    assert read_series_dataset(tmp_path / "Two_TEST.ts")[1] is None
    write(tmp_path, "Other_TRAIN.ts", "@classLabel true 1\n@data\n1,2,3:1\n")
    with pytest.raises(DataError, match="Other_TRAIN.ts, Two_TRAIN.ts: give one of the files"):
        read_series_dataset(tmp_path)
    write(tmp_path, f"{tmp_path.name}_TRAIN.ts", "@classLabel true 8\n@data\n1,2,3:8\n")
    assert read_series_dataset(tmp_path)[0].labels.tolist() == ["8"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no file called NAME_TRAIN"):
        read_series_dataset(tmp_path / "empty")
    with pytest.raises(DataError, match="no file or folder"):
        read_series_dataset(tmp_path / "none.ts")


# NPZ files


def test_arrays_of_any_names(tmp_path):
    """Named, or called as usual in either case; with their test if that is there."""
    x, y = np.arange(12.0).reshape(3, 4), np.array([0, 1, 0])
    path = tmp_path / "a.npz"
    np.savez(path, waves_train=x, kind_train=y, waves_test=x[:1], kind_test=y[:1], note=["n"])
    pairs = read_array_pairs(path, "waves_train", "kind_train")
    same(pairs.x, x)
    same(pairs.x_test, x[:1])
    assert read_array_pairs(path, "waves_test", "kind_test").x_test is None
    np.savez(path, X_train=x, y_train=y, X_test=x[:2], y_test=y[:2])
    assert read_series_dataset(path)[1].labels.tolist() == [0, 1]
    np.savez(path, X=x, y=y)
    train, test = read_series_dataset(path)
    same(train.inputs, x)
    assert (train.labels.tolist(), test) == ([0, 1, 0], None)
    same(read_series(path).inputs, x)
    same(read_series(path, x="X").inputs, x)


def test_arrays_that_are_not_there_are_named(tmp_path):
    """With those that are."""
    path = tmp_path / "a.npz"
    np.savez(path, waves=np.zeros((3, 4)), kind=np.zeros(2), z=1.0)
    for (x, y), words in (
        ((None, None), "has the arrays kind, waves, z: it needs x_train"),
        (("waves", None), "give both --x and --y"),
        (("wave", "kind"), "--x wave: .* has the arrays kind, waves, z"),
        (("waves", "kind"), r"'waves' has shape \(3, 4\) and 'kind' \(2,\)"),
        (("z", "kind"), r"'z' has shape \(\)"),
    ):
        with pytest.raises(DataError, match=words):
            read_array_pairs(path, x, y)
    with pytest.raises(DataError, match="none is called 'x'"):
        read_series(path)


# Tables


def test_a_row_for_each_series(tmp_path):
    """Columns are points in their order; the target is the one of classes, or named."""
    path = write(tmp_path, "wide.csv", "t0,kind,t1,t2\n1,a,2,\n4,b,5,6\n")
    read = read_series(path)
    same(read.inputs, [[1, 2, NAN], [4, 5, 6]])
    assert (read.labels.tolist(), read.target, read.names) == (["a", "b"], "kind", None)
    path = write(tmp_path, "numbers.csv", "a,b,c,yield\n1,2,3,0.5\n4,5,6,0.7\n")
    assert read_series(path, "yield").labels.tolist() == [0.5, 0.7]
    assert read_series(path).labels is None
    same(read_series(path, "kind", needs_target=False).inputs, [[1, 2, 3, 0.5], [4, 5, 6, 0.7]])


def test_a_row_for_each_point(tmp_path):
    """Rows with the same name are a series, in the order of their times."""
    text = "who,when,left,right,kind\nb,2026-01-02,1,2,x\na,2026-01-03,3,4,y\n" \
           "b,2026-01-01,5,,x\na,2026-01-01,7,8,y\na,2026-01-02,9,10,y\n"  # fmt: skip
    path = write(tmp_path, "long.csv", text)
    read = read_series(path, "kind", "who", "when")
    same(read.inputs[0], [[5, 1], [NAN, 2]])
    same(read.inputs[1], [[7, 9, 3], [8, 10, 4]])
    assert (read.labels.tolist(), read.names.tolist()) == (["x", "y"], ["b", "a"])


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("a,b,c\n1,2,3\n", {"target": "d"}, "--target: t.csv has no column 'd'"),
        ("a,b,c\n1,2,3\n", {"series": "d"}, "--id: t.csv has no column 'd'"),
        ("a,b,c\n1,2,3\n", {"time": "a"}, "name their column with --id"),
        ("a,b,c\n1,x,u\n2,y,v\n", {"target": "c"}, "column 'b' holds"),
        ("a,b,c\n1,2,\n3,4,5\n", {"target": "c"}, "'c' of row 1 is missing"),
        ("i,v,c\n1,2,x\n1,3,y\n", {"series": "i", "target": "c"}, "has 'x', 'y' in 'c'"),
        ("i,t,v\n1,2,0\n1,2,1\n", {"series": "i", "time": "t"}, "row 2 has the same 'i' and 't'"),
        ("i,t,v\n1,soon,0\n1,late,1\n", {"series": "i", "time": "t"}, "give numbers or ISO dates"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path, text, columns, words):
    """With the column or the row, and the option that says otherwise."""
    with pytest.raises(DataError) as caught:
        read_series(write(tmp_path, "t.csv", text), **columns)
    assert words in str(caught.value)
