"""`chainrule anomaly watch` as a process: alarms at once, events kept, whatever comes in."""

from __future__ import annotations

import http.server
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anomaly_data import PLANTED, logs, planted, trained_folder
from hostile_names import names, steers

import chainrule
from chainrule.cli import anomaly_delivery
from chainrule.cli.anomaly_delivery import EventFile, Webhook, loopback
from chainrule.cli.anomaly_interrupts import StopRequests
from chainrule.cli.anomaly_rows import PAUSE, CellReader, Row, WrongRow, lines, rows
from chainrule.errors import DataError

LINES = {row + 2 for row in PLANTED}  # below the header


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return trained_folder(tmp_path_factory.mktemp("anomaly"))


class Watch:
    """A running watch, whose lines are read as they come."""

    def __init__(self, program, place: Path, *words, **more):
        self.process = subprocess.Popen(
            [*program, "anomaly", "watch", *map(str, words)], cwd=place, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
        )  # fmt: skip
        self.said: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.said.put(line.decode())

    def send(self, text: str):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def hear(self) -> str:
        return self.said.get(timeout=60)

    def end(self, close: bool = True) -> tuple[int, str]:
        """Close its input; the exit code and standard error."""
        if close:
            self.process.stdin.close()
        code = self.process.wait(timeout=60)
        self.reader.join()
        said = self.process.stderr.read().decode()
        for file in (self.process.stdin, self.process.stdout, self.process.stderr):
            file.close()
        return code, said


@pytest.fixture
def watched(run, tmp_path, monkeypatch):
    """A watch of input that is there at once, in this process: exit code and both outputs."""

    def call(*words, given: bytes = b"") -> tuple[int, str, str]:
        (tmp_path / "given").write_bytes(given)
        with open(tmp_path / "given") as file, monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", file)
            return run("anomaly", "watch", *words)

    return call


def as_csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def test_an_alarm_comes_before_the_input_ends(program, tmp_path, folder):
    """Line by line, as JSON and as text; the numbers are those of the API's stream."""
    text = as_csv(planted()).splitlines(keepends=True)
    watch = Watch(program, tmp_path, folder / "logs.safetensors", "-", "--json")
    watch.send("".join(text[:52]))
    event = json.loads(watch.hear())
    assert ("alarm", 51, 52) == (event["event"], event["row"], event["line"])
    assert ("requests", 900.0) == tuple(event["reasons"][0][k] for k in ("column", "observed"))
    assert "900.0" == event["cells"]["requests"]
    stream = chainrule.load(folder / "logs.safetensors").stream(reasons=True)
    results = [stream.update(row) for row in planted().to_dict("records")]
    assert (results[50].score, results[50].threshold) == (event["score"], event["threshold"])
    watch.send("".join(text[52:]))
    alarms = [result.row + 1 for result in results if result.is_alarm]
    assert alarms[1:] == [json.loads(watch.hear())["row"] for _ in alarms[1:]]
    assert {row - 1 for row in LINES} <= set(alarms)
    code, err = watch.end()
    assert (0, f"200 rows, {len(alarms)} alarms\n") == (code, err)


def test_rows_as_json_lines(watched, folder):
    """The same alarms as those of CSV; other keys are carried along."""
    records = planted().assign(id=range(200)).to_dict("records")
    given = "".join(json.dumps(record) + "\n" for record in records).encode()
    code, out, err = watched(folder / "logs.safetensors", "-", given=given)
    _, out_csv, _ = watched(folder / "logs.safetensors", "-", given=as_csv(planted()).encode())
    assert 0 == code and out.startswith("ALARM line 51: score -") and "requests = 900" in out
    parts = [[line.partition(": ")[2] for line in text.splitlines()] for text in (out, out_csv)]
    assert parts[0] == parts[1] and len(parts[0]) >= 3
    assert err == f"200 rows, {len(parts[0])} alarms\n"


def test_rows_of_a_series_without_a_score_are_counted(watched, folder):
    """The first 24 of a stretch that does not go on where the training ended."""
    given = (folder / "spike.csv").read_bytes()
    code, out, err = watched(folder / "wave.safetensors", "-", given=given)
    assert 0 == code and "ALARM line 302:" in out
    assert "; 24 of 600 rows had no score: too few rows came before them, or their values" in err


def test_events_are_appended_and_the_state_goes_on(watched, tmp_path, folder):
    """Two watches with a state are one stream, bit for bit; a torn last line is left alone."""
    frame = planted()
    (tmp_path / "a.jsonl").write_text('{"event": "al')
    words = (folder / "logs.safetensors", "-", "--state", "s.safetensors", "-o", "a.jsonl")
    first = watched(*words, given=as_csv(frame[:100]).encode())
    second = watched(*words, given=as_csv(frame[100:]).encode())
    assert 0 == first[0] == second[0]
    assert "note: going on from s.safetensors, after 100 rows" in second[2]
    torn, *written = (tmp_path / "a.jsonl").read_text().splitlines()
    assert '{"event": "al' == torn
    stream = chainrule.load(folder / "logs.safetensors").stream(reasons=True)
    results = [stream.update(row) for row in frame.to_dict("records")]
    expected = [(r.row + 1, r.score, r.threshold) for r in results if r.is_alarm]
    events = [json.loads(line) for line in written]
    assert expected == [(e["row"], e["score"], e["threshold"]) for e in events]
    stream.save(tmp_path / "whole.safetensors")
    whole = (tmp_path / "whole.safetensors").read_bytes()
    assert whole == (tmp_path / "s.safetensors").read_bytes()
    code, _, err = watched(*words, "--false-alarm-rate", "0.05")
    assert 2 == code and "the stream of s.safetensors has 0.01; leave the option out" in err
    assert 0 == watched(*words, "--false-alarm-rate", "0.01")[0]


@pytest.mark.parametrize(
    ("number", "code"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)],
)
def test_a_signal_ends_the_watch_and_keeps_the_state(program, tmp_path, folder, number, code):
    """While it waits for rows: at once, with the summary, and no traceback."""
    watch = Watch(
        program, tmp_path, folder / "logs.safetensors", "-", "--json", "--state", "s.safetensors"
    )
    watch.send("".join(as_csv(planted()).splitlines(keepends=True)[:52]))
    watch.hear()
    watch.process.send_signal(number)
    assert (code, "51 rows, 1 alarm; state in s.safetensors\n") == watch.end(close=False)
    stream = chainrule.load(folder / "logs.safetensors").stream(restore=tmp_path / "s.safetensors")
    assert (51, 1) == (stream.n_seen, stream.n_alarms)


def test_a_reader_that_leaves_ends_the_watch_quietly(program, tmp_path, folder):
    """As `head` does: exit code 0, nothing but the summary, and the events are in the file."""
    watch = subprocess.Popen(
        [*program, "anomaly", "watch", str(folder / "logs.safetensors"), "-", "-o", "a.jsonl"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    watch.stdout.close()
    _, err = watch.communicate(as_csv(planted()).encode(), timeout=60)
    assert 0 == watch.returncode
    assert err.decode() == "51 rows, 1 alarm\n"
    assert 51 == json.loads((tmp_path / "a.jsonl").read_text())["row"]


def test_a_drift_is_told_once_and_apart(watched, folder):
    """After 400 rows with twice the load there is one event, and the column is named."""
    frame = pd.concat([logs(50, 5), logs(400, 6).assign(load=lambda f: f.load * 3 + 60)])
    code, out, err = watched(
        folder / "logs.safetensors", "-", "--json", given=as_csv(frame).encode()
    )
    events = [json.loads(line) for line in out.splitlines()]
    (drift,) = [event for event in events if event["event"] == "drift"]
    assert 0 == code and drift["row"] > 50
    assert f"drift since row {drift['row']}" in err


def test_rows_that_cannot_be_read_are_passed_over(watched, folder):
    """Each is named by its line; the others count, and --strict ends instead."""
    good = as_csv(logs(3, 9)).splitlines()
    given = [good[0], good[1], "web,1", "web,x,2,1", "web,1,inf,1", '"web,1,2,3', "", "web,1,2,3,4",
             good[2], "web,1,\0,1", "\xff" * 3, good[3]]  # fmt: skip
    data = "\n".join(given).encode("latin-1")
    code, _, err = watched(folder / "logs.safetensors", "-", given=data)
    assert 0 == code
    *told, last = err.splitlines()
    assert "3 rows, 0 alarms; 7 lines passed over" == last
    assert [3, 4, 5, 6, 8, 10, 11] == [int(line.split()[2]) for line in told]
    for part in ("it has 2 cells, and there are 4", "'x' is not a finite number", "inf",
                 "it is no line of CSV", "it has 5 cells", "NUL", "no text in UTF-8"):  # fmt: skip
        assert part in told.pop(0)
    code, _, err = watched(folder / "logs.safetensors", "-", "--strict", given=data)
    assert 2 == code and "chainrule: line 3: it has 2 cells" in err
    assert "1 row, 0 alarms; 1 line passed over" in err


def test_input_that_is_no_table(watched, tmp_path, folder):
    """Nothing, zeros, noise, a header of others, one endless line: told in one line each."""
    model = folder / "logs.safetensors"
    draw = np.random.default_rng(0)
    for given, code, message in (
        (b"", 0, "0 rows, 0 alarms"),
        (b"\n\n", 0, "0 rows, 0 alarms"),
        (draw.bytes(100_000), 2, "line 1: it is no text in UTF-8"),
        (b"a,b\n1,2\n", 2, "line 1 names the columns 'a', 'b', and 'host' of the training is not"),
        (b"host,host,load,requests,errors\n", 2, "two columns are named 'host'"),
        (b'{"host": 1}\n[]\n{"a"\n', 0, "0 rows, 0 alarms; 3 lines passed over"),
        (b"x" * 3_000_000, 2, "line 1: it is longer than 1 MiB"),
    ):
        done = watched(model, "-", given=given)
        assert code == done[0], (given[:20], done)
        assert message in done[2]
        assert "Traceback" not in done[2]
    for words, message in (
        (["no.csv"], "cannot read no.csv: No such file"),
        (["-", "--format", "xml"], "--format xml: give csv or jsonl"),
        (["-", "--false-alarm-rate", "0.5"], "give a share between 0 and 0.2"),
        (["-", "--state", "a", "-o", "a"], "is what --output writes, too"),
        (["-", "-o", "no/a.jsonl"], "cannot write no/a.jsonl"),
        (["-", "--webhook", "http://example.com:9/"], "--webhook http://example.com:9/: "),
    ):
        code, out, err = watched(model, *words)
        assert (2, "") == (code, out)
        assert message in err and 1 == err.count("\n")
    (tmp_path / "state").write_bytes(b"no state")
    code, _, err = watched(model, "-", "--state", "state")
    assert 2 == code and "cannot restore state" in err


def test_a_file_and_a_long_line(watched, tmp_path, folder):
    """A file is read to its end; 20 MB without a line break cost one line."""
    text = as_csv(planted()).splitlines()
    text.insert(1, "x" * 20_000_000)
    (tmp_path / "rows.csv").write_text("\n".join(text))
    code, _, err = watched(folder / "logs.safetensors", "rows.csv")
    assert 0 == code
    assert "line 2 is passed over: it is longer than 1 MiB" in err and "200 rows, " in err


class Receiver(http.server.BaseHTTPRequestHandler):
    """Notes what is posted, and answers as it is told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *parts):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.posts, server.status = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_alarms_are_posted(program, tmp_path, folder, receiver):
    """The webhook has what the file has, even if a proxy is set."""
    url = f"http://localhost:{receiver.server_port}/alarms?to=me"
    done = subprocess.run(
        [*program, "anomaly", "watch", folder / "logs.safetensors", "-", "--webhook", url, "-o",
         "a.jsonl"], cwd=tmp_path, input=as_csv(planted()).encode(), capture_output=True,
        timeout=120, env={**os.environ, "http_proxy": "http://127.0.0.1:9"},
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    events = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert len(events) >= 3
    assert [("/alarms?to=me", event) for event in events] == receiver.posts


def test_a_webhook_that_fails_does_not_end_the_watch(watched, folder, receiver):
    """It is said once, no redirect is followed, and the exit code is 2 in the end."""
    receiver.status = 302
    url = f"http://127.0.0.1:{receiver.server_port}/a"
    given = as_csv(planted()).encode()
    code, out, err = watched(folder / "logs.safetensors", "-", "--webhook", url, given=given)
    count = len(out.splitlines())
    assert 2 == code and count >= 3
    assert 1 == err.count(f"chainrule: webhook {url}: it answers 302; going on")
    assert f"events that did not reach {url}: {count}" in err
    assert {"/a"} == {path for path, _ in receiver.posts}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    hook = Webhook(f"http://127.0.0.1:{port}/")
    hook.send({"a": 1})
    hook.close()
    assert 1 == hook.failed


def test_a_slow_webhook_delays_no_row(monkeypatch):
    """Posts wait in a queue of bounded length; the rest counts as failed."""
    monkeypatch.setattr(anomaly_delivery, "MOST_WAITING", 3)
    monkeypatch.setattr(anomaly_delivery, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = Webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        for number in range(50):
            hook.send({"number": number})
        assert 45 <= hook.failed <= 47
        hook.close()


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "http://0.0.0.0:80/", "https://127.0.0.1/", "ftp://127.0.0.1/", "127.0.0.1",
     "http://", "http://127.0.0.1:x/", "http://127.0.0.1:99999/", "http://a@127.0.0.1/",
     "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "http://[::2]/", "http://127.0.0.1@8.8.8.8/",
     "http://no.such.host.invalid/", "http://2130706433.example/"],
)  # fmt: skip
def test_other_hosts_are_refused(url):
    """By what the name resolves to; so is what is no plain address."""
    with pytest.raises(DataError, match="give one on this machine"):
        loopback(url)


def test_names_are_judged_by_their_addresses(monkeypatch):
    """A name with one address elsewhere is refused, and one of this machine is not."""

    def answer(*addresses):
        entries = [(2, 1, 6, "", (address, 80)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **more: entries)

    answer("127.0.0.1", "10.0.0.1")
    with pytest.raises(DataError, match=r"here is 10\.0\.0\.1, another machine"):
        loopback("http://here/")
    answer("::1", "127.0.0.1")
    assert (("::1", "127.0.0.1"), 80, "/", "here") == loopback("http://here")


def test_a_full_disk_does_not_end_the_watch(tmp_path, capsys):
    """It is said once, and how many events are missing."""
    file = EventFile(Path("/dev/full"))
    for _ in range(3):
        file.send({"a": 1})
    file.close()
    err = capsys.readouterr().err
    assert 1 == err.count("cannot write /dev/full: No space left on device; going on")
    assert "events that are not in /dev/full: 3" in err
    good = EventFile(tmp_path / "a.jsonl")
    good.send({"a": "\x9b\n"})
    good.close()
    assert '{"a": "\\u009b\\n"}\n' == (tmp_path / "a.jsonl").read_text()


def test_hostile_names_and_cells(run, watched, tmp_path):
    """Columns and cells of any text come through, and steer no terminal."""
    columns = [name.strip() for name in names(0, 40, empty=False) if "\n" not in name]
    columns = [c for c in dict.fromkeys(columns) if c and "\r" not in c and "\0" not in c][:12]
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(600, len(columns))), columns=columns)
    frame["level"] = ["a", "b"] * 300
    model = chainrule.AnomalyDetector(method="neighbors", random_state=0).fit(frame)
    model.save(tmp_path / "m.safetensors")
    rows_ = []
    for k, text in enumerate(names(3, 30)):
        row = {
            name: float(x) for name, x in zip(columns, draw.normal(size=len(columns)), strict=True)
        }
        row[columns[k % len(columns)]] = 50.0
        rows_.append({**row, "level": text, "note": text})
    given = "".join(json.dumps(row) + "\n" for row in rows_).encode()
    code, out, err = watched("m.safetensors", "-", "-o", "a.jsonl", given=given)
    assert (0, "30 rows, 30 alarms\n") == (code, err)
    assert [] == steers(out) and 30 == len(out.splitlines())
    events = (tmp_path / "a.jsonl").read_text()
    assert [] == steers(events)
    told = [json.loads(line) for line in events.splitlines()]
    assert [row["note"] for row in rows_] == [event["cells"]["note"] for event in told]
    expected = [columns[k % len(columns)] for k in range(30)]
    assert sum(name == event["reasons"][0]["column"]
               for name, event in zip(expected, told, strict=True)) >= 27  # fmt: skip
    pd.DataFrame(rows_).to_parquet("t.parquet")
    code, out, _ = run("anomaly", "score", "m.safetensors", "t.parquet", "-o", "s.csv", "--report")
    assert 0 == code and [] == steers(out)
    page = (tmp_path / "t.html").read_text()
    assert [] == steers(page.replace("\t", "")) and "<script" not in page


def test_cells_are_read_as_the_training_read_them():
    """Numbers, truth values, categories that were numbers; what is none stays a text."""
    read = CellReader(["x"], {"kind": ["1", "2.5", "True", "a"]})
    cells = [("x", "1.5", 1.5), ("x", "true", 1.0), ("x", "1_0", "1_0"), ("x", "abc", "abc"),
             ("kind", "01", "1"), ("kind", "1.0", "1"), ("kind", "2.50", "2.5"), ("kind", "b", "b"),
             ("kind", "TRUE", "True"), ("other", "7", "7"), ("x", None, None),
             ("x", 3, 3)]  # fmt: skip
    assert [value for *_, value in cells] == [read(name, cell) for name, cell, _ in cells]


def test_lines_of_csv():
    """Separators, decimal commas, quotes, empty cells, a mark of UTF-8, a table without names."""

    def parsed(text, needed, form=None):
        numbered = enumerate(text.encode().split(b"\n"), 1)
        read = rows(numbered, needed, form)
        return [row.cells if isinstance(row, Row) else row.line for row in read]

    assert [{"a": "1.5", "b": "x;y"}] == parsed('\ufeffa;b\n1,5;"x;y"', ["a"])
    assert [{"a": None, "b": None}] == parsed("a,b\nNA, ", ["a", "b"])
    assert [{"column_1": "1", "column_2": "2"}] == parsed("1,2\n", ["column_2"])
    assert [2] == parsed('a,b\n"1,2', ["a"])
    assert [{"a": {"b": 1}}, 2] == parsed('{"a": {"b": 1}}\n{"b": 1}', ["a"])
    assert [1, 2] == parsed('a,b\n{"a"', ["a"], "jsonl")


def test_lines_come_in_any_pieces():
    """Whatever a reading brings; a line without an end is the last, too long ones are None."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntw")
    numbered = lines(reading, StopRequests(), lambda: None, 1.0)
    assert [(1, b"one"), PAUSE] == [next(numbered), next(numbered)]
    os.write(writing, b"o\n\nlast")
    os.close(writing)
    assert [(2, b"two"), (3, b""), PAUSE, (4, b"last")] == list(numbered)
    os.close(reading)
    assert isinstance(next(rows([(1, None), (2, b"{")], ["a"], "jsonl")), WrongRow)


def test_an_idle_stream_keeps_its_state():
    """While nothing comes, the state can be written."""
    reading, writing = os.pipe()
    idle: list[int] = []

    def note():
        idle.append(1)
        if len(idle) == 3:
            os.close(writing)

    assert [] == list(lines(reading, StopRequests(), note, 0.01))
    os.close(reading)
    assert 3 == len(idle)
