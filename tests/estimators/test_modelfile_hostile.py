"""Files from elsewhere: `load` gives a model or a `ModelFileError`, quickly, whatever they hold."""

import io
import json
import os
import subprocess
import sys
import zipfile
from random import Random

import hostile_files
import numpy as np
import pytest
from hostile_files import accepts, joined, split
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as peer_save

import chainrule
from chainrule import load
from chainrule.container import dumps, loads
from chainrule.errors import ModelFileError
from chainrule.version import __version__

NAMES = list(hostile_files.models())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


class Files(dict):
    """By name; Hypothesis shows arguments whole, and these are long."""

    def __repr__(self):
        return f"<files {[*self]}>"


@pytest.fixture(scope="module")
def valid(folder):
    return Files(zip(NAMES, hostile_files.files(folder), strict=True))


def refused(folder, data, words="^cannot load "):
    place = folder / "refused"
    place.write_bytes(data)
    with pytest.raises(ModelFileError, match=words) as caught:
        load(place)
    assert str(place) in str(caught.value) and "\n" not in str(caught.value)


# The bytes


@pytest.mark.parametrize("name", ["lbfgs", "table"])
def test_every_truncation_is_noticed(folder, valid, name):
    """At each offset of a small file; at each seventh of a larger one."""
    data = valid[name]
    for size in range(0, len(data), 1 if name == "lbfgs" else 7):
        refused(folder, data[:size])
    refused(folder, data + b"\0", "damaged")


def test_every_flipped_bit_is_noticed(folder, valid):
    """The digest is of all that counts: one bit of each byte, those of weights too."""
    data = valid["lbfgs"]
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        refused(folder, bytes(flipped))


def test_swapped_arrays_are_noticed(folder, valid):
    """Weights of the same shape in each other's place: told by the digest."""
    header, body = split(valid["binary"])
    one, other = header["scales.0"], header["scales.1"]
    one["data_offsets"], other["data_offsets"] = other["data_offsets"], one["data_offsets"]
    refused(folder, joined(header, body, sealed=False), "its digest is not that of its contents")


# What is no model


def test_foreign_files(folder, tmp_path, valid):
    with pytest.raises(ModelFileError, match="there is no model file .*train one with"):
        load(tmp_path / "absent")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("coefs.0.npy", b"x")
    npy = io.BytesIO()
    np.save(npy, np.zeros(3))
    for data in (
        b"", b"\x80\x04\x95pickle", b"\x80\x04cos\nsystem\n(S'echo'\ntR.", b"\x00" * 99, b"{}" * 50,
        archive.getvalue(), npy.getvalue(), peer_save({"w": np.zeros(2)}), b"\xff" * 200,
        peer_save({"w": np.zeros(2)}, metadata={"format": "pt"}),
    ):  # fmt: skip
        refused(folder, data, "no model file of chainrule")
    metadata = {"chainrule": json.dumps({"format": "chainrule-checkpoint-1"})}
    refused(folder, peer_save({"w": np.zeros(2)}, metadata={**metadata, "digest": ""}), "format")


def test_places_that_are_no_files(tmp_path):
    """A folder, a loop of links, a pipe that nobody writes to, devices, odd names."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")
    for place in (
        tmp_path, tmp_path / "loop", tmp_path / "dangling", tmp_path / "pipe", "/dev/zero",
        "/dev/null", "/proc/self/status", "a\0b", "x" * 5000, "",
    ):  # fmt: skip
        with pytest.raises(ModelFileError):  # and not read for ever
            load(place)
    with pytest.raises(TypeError):
        load(3)


def test_no_permission(tmp_path, valid, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ModelFileError, match=r"cannot read .*m: Permission denied"):
        load(tmp_path / "m")


def test_newer_files_ask_for_an_update(folder, valid):
    def changed(**entries):
        told, arrays = loads(valid["binary"])
        for name, value in entries.items():
            (told["parameters"] if name == "fancy" else told)[name] = value
        return dumps(told, arrays)

    refused(folder, changed(fancy=1), "setting 'fancy'.*update chainrule")
    refused(
        folder, changed(**{"class": "KolmogorovArnold"}), "'KolmogorovArnold'.*update chainrule"
    )
    refused(
        folder, changed(format="chainrule-model-2"), f"'chainrule-model-2'.*{__version__}.*update"
    )
    refused(folder, changed(format=2), "its format is 2")
    refused(folder, changed(wings=[1]), "'wings', which this version does not know")
    accepted = changed()
    assert accepts(folder / "x", accepted)


def test_no_setting_touches_a_file(folder, valid):
    """`checkpoint` would name a file that `fit` writes, and `callbacks` would be run."""
    for name in ("checkpoint", "callbacks"):
        told, arrays = loads(valid["binary"])
        told["parameters"][name] = "/tmp/x"
        refused(folder, dumps(told, arrays), name)


# The description


SOUND = (("card", dict), ("chainrule", str), ("temperature", float))
OF_LATER_VERSIONS = ("intervals", "summary", "temperature")  # files of older ones load without


@pytest.mark.parametrize("name", NAMES)
def test_each_field_is_needed(folder, valid, name):
    """Without a field, or with another type in its place, there is no model, or a sound one."""
    told, arrays = loads(valid[name])
    for key in told:
        rest = {other: value for other, value in told.items() if other != key}
        if key not in ("card", "chainrule", "feature_names_in_", *OF_LATER_VERSIONS):
            refused(folder, dumps(rest, arrays))
        for value in (3.5, "x", [None], {"x": None}):
            if (key, type(value)) not in SOUND:
                refused(folder, dumps({**told, key: value}, arrays))


CHANGES = {
    "of another size": lambda told, arrays: told["parameters"].update(hidden_layer_sizes=[5, 6]),
    "huge layers": lambda told, arrays: told["parameters"].update(hidden_layer_sizes=[2**40, 5]),
    "many members": lambda told, arrays: told["parameters"].update(n_members=2**50),
    "a function's name": lambda told, arrays: told["parameters"].update(activation="__import__"),
    "many threads": lambda told, arrays: told["parameters"].update(n_threads=10**9),
    "many columns": lambda told, arrays: told.update(n_features_in_=2**62),
    "classes in disorder": lambda told, arrays: arrays.update(classes=arrays["classes"][::-1]),
    "one class too many": lambda told, arrays: arrays.update(classes=np.arange(3)),
    "other labels": lambda told, arrays: told["labels"].update(kind="multiclass"),
    "another unit": lambda told, arrays: told.update(out_activation_="softmax"),
    "not a number": lambda told, arrays: arrays["coefs.0"].fill(np.nan),
    "infinity": lambda told, arrays: arrays["means.1"].fill(np.inf),
    "a negative variance": lambda told, arrays: arrays["variances.0"].fill(-1.0),
    "another dtype": lambda told, arrays: arrays.update(
        {"coefs.1": arrays["coefs.1"].astype(np.float64)}
    ),
    "whole numbers": lambda told, arrays: arrays.update(
        {"coefs.0": arrays["coefs.0"].astype(np.int64)}
    ),
    "an array less": lambda told, arrays: arrays.pop("shifts.0"),
    "an array more": lambda told, arrays: arrays.update(extra=np.zeros(1)),
    "another shape": lambda told, arrays: arrays.update({"coefs.0": arrays["coefs.0"].T.copy()}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_belong_together(folder, valid, change):
    """Each with a digest that is right."""
    told, arrays = loads(valid["binary"])
    CHANGES[change](told, arrays)
    refused(folder, dumps(told, arrays))


def test_words_in_a_sparse_matrix(folder, valid):
    """Labels come sparse only where a matrix can hold them."""
    told, arrays = loads(valid["multiclass"])
    told["labels"]["sparse"] = True
    refused(folder, dumps(told, arrays), "no sparse matrix holds labels of dtype <U1")


def test_json_is_strict(folder, valid):
    """Twice the same key, infinite or long numbers, half characters, depth."""
    header, body = split(valid["lbfgs"])
    text = header["__metadata__"]["chainrule"]
    for old, new in [
        ('"n_outputs_":1', '"n_outputs_":1,"n_outputs_":1'), ('"n_outputs_":1', '"n_outputs_":NaN'),
        ('"n_outputs_":1', '"n_outputs_":' + "1" * 4000), ('"n_outputs_":1', '"n_outputs_":1e999'),
        ('"target":"lbfgs"', '"target":"\\ud800"'), ('"target":"lbfgs"', '"target":-Infinity'),
        ('"target":"lbfgs"', '"target":' + "[" * 10**5 + "]" * 10**5),
        ('"target":"lbfgs"', '"target":' + '{"a":' * 10**5 + "0" + "}" * 10**5),
    ]:  # fmt: skip
        assert old in text
        header["__metadata__"]["chainrule"] = text.replace(old, new)
        refused(folder, joined(header, body), "not JSON as `save` writes it|too long or too deep")
    whole = joined({**header, "__metadata__": {**header["__metadata__"], "chainrule": text}}, body)
    end = 8 + int.from_bytes(whole[:8], "little")
    for spoiled in (whole[8:end].replace(b'"dtype"', b'"dtype":"F64","dtype"', 1),
                    whole[8:end].replace(b"lbfgs", b"\xff\xfe\xfd", 1)):  # fmt: skip
        refused(folder, len(spoiled).to_bytes(8, "little") + spoiled + whole[end:], "not JSON")


BOMBS = """
import json, resource, sys
from pathlib import Path
import numpy as np
from chainrule import load
from chainrule.errors import ModelFileError
sys.path.insert(0, sys.argv[1])
from hostile_files import joined, split, models
place = Path(sys.argv[2])
models()["binary"].save(place)
load(place)
header, body = split(place.read_bytes())
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 512 * 2**20, resource.RLIM_INFINITY))

def file(text, length=None):
    return (len(text) if length is None else length).to_bytes(8, "little") + text

def shaped(shape, offsets):
    entry = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
    return joined({**header, "coefs.0": entry}, body)

def told(text):
    return joined({**header, "__metadata__": {"chainrule": text}}, body)

n = 15 * 2**20
for data in (
    file(b"{}", 2**63), file(b"{", 2**24), file(b"{" * n), file(b"[" * n),
    file(b'{"a":' * (n // 5)),
    file(b'{"a":[' + b"[]," * (n // 3)), file(b'{"a":"' + b"x" * n + b'"}'), file(b'{"' * (n // 2)),
    file(b'{"' + b'\\\\"' * (n // 2)), file(b"{" + b" " * n), file(b'{"a":' + b"9" * n + b"}"),
    file(b'{"a":0.' + b"9" * n + b"}"), file(b"{" + b'"a":1,' * (n // 6)),
    shaped([2**40], [0, 80]), shaped([2**20, 2**20], [0, 2**32]), shaped([1] * 10**5, [0, 4]),
    shaped([0, 2**31], [0, 0]), shaped([20], [0, 2**62]),
    told("[" * 10**6), told('{"format":"chainrule-model-1","a":' + "[0," * 10**6),
    told('{"format":"chainrule-model-1","a":[' + "{}," * 10**6 + "0]}"),
    told('{"format":"' + "x" * 10**7 + '"}'),
):
    place.write_bytes(data)
    try:
        load(place)
        print("loaded", data[:60])
    except ModelFileError as error:
        assert len(str(error)) < 1000
with open(place, "wb") as sparse:
    sparse.truncate(2**33)
try:
    load(place)
except ModelFileError:
    print("refused")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")
def test_no_header_takes_much_memory(tmp_path):
    """512 MB beyond what the process has are enough for the worst of files.

    Nor does any take long: a parser that took the square of a length would not end today.
    """
    made = subprocess.run(
        [sys.executable, "-c", BOMBS, os.path.dirname(__file__), str(tmp_path / "bomb")],
        capture_output=True, text=True, timeout=1200,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "CHAINRULE_CACHE": "0"},
    )  # fmt: skip
    assert "refused\n" == made.stdout, made.stderr[-2000:]


# Anything


@settings(max_examples=300)
@given(st.integers(0, 2**62), st.sampled_from(NAMES))
def test_spoiled_files_load_or_are_refused(folder, valid, seed, name):
    """`python -m bench.fuzz_loader` runs it for as long as you like."""
    accepts(folder / "spoiled", hostile_files.spoiled(Random(seed), valid[name]))


@settings(max_examples=150)
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(folder, data):
    refused(folder, data)


def test_the_fuzzer_sees(folder, valid, monkeypatch):
    """What is not a `ModelFileError` fails the test, and not all spoiled files are refused."""
    loaded = sum(
        accepts(folder / "x", hostile_files.spoiled(Random(seed), valid["binary"]))
        for seed in range(100)
    )
    assert 2 < loaded < 60
    monkeypatch.setattr(chainrule.estimators.serialization.reading, "loads", lambda data: {}[data])
    with pytest.raises(KeyError):
        accepts(folder / "x", b"")
