"""The sections that explain a forecast: numbers, order, and names from the data."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from chainrule.report.forecast_parts import (
    MOST_INPUTS,
    MOST_SERIES,
    attributions,
    decomposition,
)


def parsed(content: Any) -> ElementTree.Element:
    """The content as XML: all elements are closed, and all text is escaped."""
    return ElementTree.fromstring(f"<div>{content}</div>".replace("&nbsp;", " "))


def parts_frame(series: int, with_id: bool = True) -> Any:
    """Parts of 3 steps: series k has the level 10 k, the skip 1 and blocks of 2 and -4."""
    frames = []
    for k in range(series):
        frame = pd.DataFrame({
            "shop": f"<b>{k}", "day": pd.date_range("2024-05-01", periods=3),
            "forecast": 10.0 * k - 1.0, "level": 10.0 * k, "linear skip": 1.0, "block 1": 2.0,
            "trend (block 2)": -4.0,
        })  # fmt: skip
        frames.append(frame if with_id else frame.drop(columns="shop"))
    return pd.concat(frames, ignore_index=True)


def heights(figure: Any) -> list[float]:
    """Where the lines of a chart begin, from the top."""
    paths = [path.get("d") or "" for path in figure.iter("path")
             if "line c" in (path.get("class") or "") and path.get("d") != "M0 6H26"]  # fmt: skip
    return [float(re.match(r"M[\d.]+ ([\d.]+)", path).group(1)) for path in paths]  # type: ignore


def test_lines_are_the_partial_sums_and_the_parts() -> None:
    """From the level 20 to 21, 23 and 19: higher sums are nearer to the top."""
    frame = parts_frame(3)
    frame = frame[frame["shop"] == "<b>2"]
    frame.attrs["member"] = "nbeats on <14> lags"
    anchor, title, content = decomposition(frame, "units")
    assert ("parts", "What each block of the N-BEATS adds") == (anchor, title)
    page = parsed(content)
    sums, parts = page.iter("figure")
    level, skip, first, last = heights(sums)
    assert first < skip < level < last
    assert 0.25 == pytest.approx((level - skip) / (last - first), abs=0.02)
    one, two, minus = heights(parts)
    assert two < one < minus
    legends = [[item.text or "".join(item.itertext()) for item in figure.iter("li")]
               for figure in (sums, parts)]  # fmt: skip
    assert [["+ linear skip", "+ block 1", "+ trend (block 2)", "level"],
            ["linear skip", "block 1", "trend (block 2)"]] == legends  # fmt: skip
    assert "nbeats on &lt;14&gt; lags" in str(content)
    spoken = next(iter(sums.iter("title"))).text or ""
    assert "<b>2: partial sums of 4 parts over 3 steps" in spoken  # as text, in the parsed page
    assert "from 19.00 to 19.00" in spoken


def test_series_that_are_too_many_and_no_id() -> None:
    """Some are drawn, and the others counted; one series without an id needs no name."""
    _, _, content = decomposition(parts_frame(MOST_SERIES + 3))
    assert 2 * MOST_SERIES == len(list(parsed(content).iter("figure")))
    assert "And 3 more series." in str(content)
    _, _, alone = decomposition(parts_frame(1, with_id=False))
    assert 2 == len(list(parsed(alone).iter("figure")))
    assert "2024-05-01" in str(alone) and "more series" not in str(alone)


def attributions_frame(inputs: int) -> Any:
    """A baseline of 100, and inputs that add 1, -2, 3, -4, ..."""
    numbers = np.arange(1, inputs + 1)
    return pd.DataFrame({
        "shop": "a", "input": ["baseline", *[f"lag {k}" for k in numbers]],
        "value": [np.nan, *numbers * 10.0],
        "attribution": [100.0, *(numbers * (-1.0) ** (numbers + 1))],
    })  # fmt: skip


def test_bars_begin_at_zero_the_largest_first() -> None:
    """Of the smaller ones there are sums by season, and the caption adds up."""
    frame = attributions_frame(MOST_INPUTS + 5)  # the smallest add 1 - 2 and 3 - 4 + 5
    frame.attrs["seasons"] = (2, 7)
    frame.loc[3, "input"] = "known promo +3"  # adds 3
    anchor, title, content = attributions(frame, "units")
    assert ("attributions", "What the forecast hangs on") == (anchor, title)
    page = parsed(content)
    rows = [[" ".join("".join(cell.itertext()).split()) for cell in row]
            for row in page.iter("tr")][1:]  # fmt: skip
    assert MOST_INPUTS + 3 == len(rows)
    assert ["lag 17", "17.00", "170.0"] == [text for text in rows[0] if text]
    assert ["lag 16", "-16.00", "160.0"] == [text for text in rows[1] if text]
    expected = [["other lags up to 2", "-1.000"], ["other lags up to 7", "1.000"],
                ["known promo, other steps", "3.000"]]  # fmt: skip
    assert expected == [[text for text in row if text] for row in rows[-3:]]
    caption = next(iter(page.iter("caption"))).text
    assert "units of a: 100.0 of the baseline and 9.000 of the inputs are 109.0" == caption
    bars = [next(iter(row.iter("rect"))) for row in list(page.iter("tr"))[1:3]]
    right, left = [(float(b.get("x") or 0), float(b.get("width") or 0)) for b in bars]
    assert left[0] + left[1] == pytest.approx(right[0], abs=0.11)  # both touch 0
    assert 17 / 16 == pytest.approx(right[1] / left[1], rel=0.02)


def test_one_series_without_an_id_and_no_input() -> None:
    """A forecast that hangs on nothing has its baseline."""
    frame = attributions_frame(0).drop(columns="shop")
    _, _, content = attributions(frame)
    assert "100.0 of the baseline and 0 of the inputs are 100.0" in str(content)
    parsed(content)
