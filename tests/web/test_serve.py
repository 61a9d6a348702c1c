"""A server's answers: numbers as `predict` gives them, refusals of what no client should send."""

import asyncio
import http.client
import json
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from asgi import JSON, post, request

from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError
from chainrule.estimators.tabular.row_predictions import Asked
from chainrule.web import server
from chainrule.web.app import make_application
from chainrule.web.batching import Batches, BusyError
from chainrule.web.limits import Limits
from chainrule.web.requests import parse_options
from chainrule.web.served import served_model

pytestmark = pytest.mark.usefixtures("_unoptimised")

ROWS = [{"size": 20.0, "town": "Rome"}, {"size": 80, "town": None}, {"size": "55.5", "town": "x"}]


@pytest.fixture(scope="module")
def models():
    """A regressor and a classifier of two columns."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"size": rng.uniform(0, 100, 120), "town": rng.choice(["Rome", "Oslo"], 120)}
    )
    frame.loc[::9, "town"] = None
    settings = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 2, "random_state": 0,
                "progress": False, "numeric_embedding": None}  # fmt: skip
    price = 3.0 * frame["size"].to_numpy()
    classes = np.where(price > 150, "dear", "cheap")
    numbers = TabularRegressor(**settings).fit(frame, price)
    numbers.card_ = {"target": "price"}
    return numbers, TabularClassifier(**settings).fit(frame, classes)


def application(model, **limits):
    return make_application(served_model(model, "m.safetensors"), 8000, Limits(**limits))


def answered(application, rows, query="", **more):
    return asyncio.run(post(application, rows, query, **more))


def frame_of(rows):
    return pd.DataFrame(rows).astype(object)


def test_answers_are_those_of_the_model(models):
    """Predictions, intervals, probabilities and effects are the model's, in the order of rows."""
    numbers, classes = models
    answer = answered(application(numbers), ROWS, "interval=0.8&explain=1")
    assert (200, "price") == (answer.status, answer.json["target"])
    rows = answer.json["predictions"]
    lower, upper = numbers.predict_interval(frame_of(ROWS), 0.8)
    np.testing.assert_allclose([row["prediction"] for row in rows], numbers.predict(frame_of(ROWS)))
    np.testing.assert_allclose([row["lower"] for row in rows], lower)
    np.testing.assert_allclose([row["upper"] for row in rows], upper)
    effects = [effect for (effect,) in numbers.explain_rows(frame_of(ROWS)).strongest(1)]
    assert effects == [(e["column"], pytest.approx(e["effect"])) for row in rows
                       for e in row["explanation"]]  # fmt: skip
    answer = answered(application(classes), {"rows": ROWS}, "proba=true")
    proba = classes.predict_proba(frame_of(ROWS))
    for row, each in zip(answer.json["predictions"], proba, strict=True):
        assert row["prediction"] == classes.classes_[each.argmax()]
        np.testing.assert_allclose(list(row["probabilities"].values()), each)
        assert ["cheap", "dear"] == list(row["probabilities"])
    high = answered(application(classes), ROWS, f"threshold={proba[:, 0].max():.9f}&positive=cheap")
    expected = np.where(proba[:, 0] >= float(f"{proba[:, 0].max():.9f}"), "cheap", "dear")
    assert expected.tolist() == [row["prediction"] for row in high.json["predictions"]]


WRONG = {
    "no JSON": (b"{", "", "no JSON"),
    "nested beyond end": (b"[" * 100_000, "", "no JSON"),
    "NaN": (b'[{"size": NaN, "town": "x"}]', "", "NaN is no number"),
    "large": (b'[{"size": 1e999, "town": "x"}]', "", "row 1, column 'size': the number is too"),
    "digits": (b'[{"size": ' + b"9" * 5000 + b', "town": "x"}]', "", "no JSON"),
    "twice": (b'[{"size": 1, "size": 2, "town": "x"}]', "", "same name twice"),
    "half": (b'[{"size": 1, "town": "\\ud800"}]', "", "half a character"),
    "bytes": (b'[{"size": 1, "town": "\xff"}]', "", "no JSON"),
    "a number": (b"1", "", "no list of rows"),
    "no rows": (b"[]", "", "no rows"),
    "a list": (b"[[1]]", "", "row 1 is no object"),
    "absent": (b'[{"size": 1, "town": "x"}, {"size": 1}]', "", "row 2 lacks column 'town'"),
    "object": (b'[{"size": {}, "town": "x"}]', "", "an object is no value"),
    "word": (b'[{"size": "big", "town": "x"}]', "", "'size', row 1: 'big'"),
    "coverage": (b'[{"size": 1, "town": "x"}]', "interval=2", "0.5 and 0.999"),
    "much": (b'[{"size": 1, "town": "x"}]', "interval=0.999", "ask for less"),
    "classes": (b'[{"size": 1, "town": "x"}]', "proba=true", "predicts numbers"),
    "option": (b"[]", "intervall=0.9", "no option 'intervall'"),
    "option twice": (b"[]", "interval=0.9&interval=0.8", "comes twice"),
    "many effects": (b"[]", "explain=1000", "up to 100"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_rows_are_refused_in_words(models, wrong):
    """Status 400, and what is wrong with which row."""
    body, query, words = WRONG[wrong]
    answer = answered(application(models[0]), body, query)
    assert 400 == answer.status
    assert words in answer.json["error"]
    assert "\n" not in answer.json["error"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8000",
        "localhost",
        "localhost:80",
        "",
        None,
        "localhost:8000.evil.example",
        "127.0.0.1:8000@evil",
    ],
)
def test_other_names_of_this_machine_are_refused(models, host):
    """A page whose name resolves to 127.0.0.1 reads nothing: the header Host gives it away."""
    answer = answered(application(models[0]), ROWS, host=host)
    assert 421 == answer.status
    assert b"predictions" not in answer.body
    twice = (("host", "localhost:8000"), *JSON)
    assert 421 == answered(application(models[0]), ROWS, headers=twice).status


def test_other_origins_are_refused(models):
    """Pages of other sites cannot ask, nor read the answer; our own page could."""
    served = application(models[0])
    for origin in ("http://evil.example", "null", "https://localhost:8000", "http://localhost:1"):
        answer = answered(served, ROWS, headers=(*JSON, ("origin", origin)))
        assert 403 == answer.status
    own = answered(served, ROWS, headers=(*JSON, ("origin", "http://127.0.0.1:8000")))
    assert 200 == own.status
    assert not any(name.startswith("access-control") for name in own.headers)
    assert ("no-store", "nosniff") == (own.headers["cache-control"],
                                       own.headers["x-content-type-options"])  # fmt: skip

    sent = []

    async def websocket():
        scope = {"type": "websocket", "headers": [(b"host", b"evil.example")]}

        async def send(message):
            sent.append(message)

        await served(scope, None, send)

    asyncio.run(websocket())
    assert [{"type": "websocket.close", "code": 1008}] == sent


def test_forms_and_large_bodies_are_refused(models):
    """A form needs no permission of a browser, so only JSON is read; no body fills the memory."""
    served = application(models[0], body=500, rows=3, explained=1, body_seconds=0.05)
    form = (("content-type", "text/plain"),)
    assert 415 == answered(served, ROWS, headers=form).status
    long = (*JSON, ("content-length", "501"))
    assert 413 == answered(served, ROWS, headers=long).status
    parts = asyncio.run(request(served, "POST", "/predict", [b" " * 200] * 3, headers=JSON))
    assert 413 == parts.status
    slow = asyncio.run(request(served, "POST", "/predict", [b"[", None], headers=JSON))
    assert 408 == slow.status
    many = answered(served, [ROWS[0]] * 4)
    assert (400, True) == (many.status, "3 are taken at a time" in many.json["error"])
    assert 400 == answered(served, ROWS[:2], "explain=2").status
    assert 200 == answered(served, ROWS[:1], "explain=2").status


def test_pages_and_other_addresses(models):
    """The description fits the model; the page shows a request; what is not there says so."""
    served = application(models[0])
    schema = asyncio.run(request(served, "GET", "/openapi.json")).json
    row = schema["components"]["schemas"]["Row"]
    assert ["size", "town"] == row["required"]
    assert "number" == row["properties"]["size"]["type"][0]
    assert "Values of the training: Oslo, Rome" == row["properties"]["town"]["description"]
    options = [each["name"] for each in schema["paths"]["/predict"]["post"]["parameters"]]
    assert ["interval", "explain"] == options
    page = asyncio.run(request(served, "GET", "/"))
    assert b"curl http://localhost:8000/predict" in page.body
    assert b"<script" not in page.body
    assert 404 == asyncio.run(request(served, "GET", "/x")).status
    assert 405 == asyncio.run(request(served, "GET", "/predict")).status
    both = asyncio.run(request(application(models[1]), "GET", "/openapi.json")).json
    options = [each["name"] for each in both["paths"]["/predict"]["post"]["parameters"]]
    assert ["proba", "threshold", "positive", "explain"] == options


def test_names_of_columns_are_no_markup(models):
    """Columns and files may be named like elements, and the page shows the names."""
    served = SimpleNamespace(
        name="<b>", target="<i>", columns=(), classes=(), tabular=False, answer=None
    )
    page = asyncio.run(request(make_application(served, 8000), "GET", "/"))
    assert b"&lt;b&gt;" in page.body
    assert b"<b>" not in page.body


def test_requests_at_the_same_time_are_one_batch():
    """While one is answered, others gather; each gets its own answers, or its own error."""
    batches = []

    def answer(rows, asked):
        batches.append((list(rows), asked))
        time.sleep(0.05 if len(batches) == 1 else 0.0)
        if "bad" in rows:
            raise DataError("a bad row")
        return [(row, asked) for row in rows]

    async def main():
        calls = Batches(answer, most_rows=4, most_waiting=7)
        asked = [(["a"], 0), (["b", "c"], 0), (["d"], 1), (["e"], 0), (["bad"], 0), (["f"] * 4, 0)]
        tasks = [asyncio.create_task(calls.answer(*each)) for each in asked]
        await asyncio.sleep(0)
        late = asyncio.create_task(calls.answer(["g"], 1))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await calls.answer(["h"], 0)
        late.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        calls.close()
        return results

    first, second, third, fourth, bad, many = asyncio.run(main())
    assert ([("a", 0)], [("b", 0), ("c", 0)], [("d", 1)], [("e", 0)]) == (
        first, second, third, fourth)  # fmt: skip
    assert [("f", 0)] * 4 == many
    assert "a bad row" == str(bad)
    expected = [(["a"], 0), (["b", "c", "e", "bad"], 0), (["b", "c"], 0), (["e"], 0), (["bad"], 0),
                (["d"], 1), (["f"] * 4, 0)]  # fmt: skip
    assert expected == batches


def test_a_slow_answer_is_given_up(models):
    """The client is told, and the next request is answered."""
    slow = SimpleNamespace(
        name="m", target="y", columns=(), classes=(), tabular=True, check=lambda asked: None,
        answer=lambda rows, asked: time.sleep(0.2) or [1],
    )  # fmt: skip
    served = make_application(slow, 8000, Limits(seconds=0.02))
    answer = answered(served, [{}])
    assert (503, "the answer took too long: send fewer rows") == (
        answer.status, answer.json["error"])  # fmt: skip


def test_options_of_an_address():
    """Texts become what is asked for; what is none of them is named."""
    assert Asked(True, None, 5, 0.25, "yes") == parse_options(
        {"proba": "1", "explain": "5", "threshold": "0.25", "positive": "yes"})  # fmt: skip
    for query in ({"proba": "yes"}, {"interval": "nan"}, {"explain": "-1"}, {"positive": "a"}):
        with pytest.raises(DataError, match=next(iter(query))):
            parse_options(query)


def test_a_model_of_texts_and_one_of_files():
    """Texts get classes and probabilities; other models are refused by their kind."""
    texts = SimpleNamespace(
        attribute=None, classes_=np.array(["good", "poor"]), card_={"text": "words"},
        predict_proba=lambda rows: np.array([[len(t) / 10, 1 - len(t) / 10] for t in rows]),
    )  # fmt: skip
    served = make_application(served_model(texts, "t"), 8000)
    answer = answered(served, [{"words": "abcdefgh"}, {"words": None}], "proba=true")
    assert [{"prediction": "good", "probabilities": {"good": 0.8, "poor": pytest.approx(0.2)}},
            {"prediction": "poor", "probabilities": {"good": 0.0, "poor": 1.0}}
           ] == answer.json["predictions"]  # fmt: skip
    assert "give a text" in answered(served, [{"words": 3}]).json["error"]
    assert "only probabilities" in answered(served, [{"words": "a"}], "explain=1").json["error"]
    with pytest.raises(DataError, match="for models of tables and texts"):
        served_model(SimpleNamespace(), "m")


def test_a_real_socket(models):
    """On the loopback address alone, until it is told to stop; a port that is taken is said."""
    addresses, running = [], []

    def ready(address):
        addresses.append(address)

    original = server.uvicorn.Server

    class Server(original):
        def __init__(self, config):
            super().__init__(config)
            running.append(self)

    server.uvicorn.Server = Server
    try:
        thread = threading.Thread(
            target=server.serve, args=(served_model(models[0], "m"), 0, ready), daemon=True
        )
        thread.start()
        while not (running and running[0].started):
            time.sleep(0.01)
    finally:
        server.uvicorn.Server = original
    port = int(addresses[0].rstrip("/").rpartition(":")[2])
    assert addresses == [f"http://127.0.0.1:{port}/"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/predict", json.dumps(ROWS), dict(JSON))
    response = connection.getresponse()
    assert (200, None) == (response.status, response.getheader("server"))
    assert 3 == len(json.loads(response.read())["predictions"])
    connection.close()
    with pytest.raises(DataError, match=f"cannot listen on port {port}: .*--port"):
        server.listening_socket(port)
    running[0].handle_exit(signal.SIGINT, None)
    thread.join(10)
    assert not thread.is_alive()
