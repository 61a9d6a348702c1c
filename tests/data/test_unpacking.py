"""Packed files that would fill the memory: refused before they do, by size and by ratio.

All are made here, of zeros.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy as safetensors

from chainrule.config import configured
from chainrule.data import read_cells, read_table, unpacking
from chainrule.data.audio import read_audio
from chainrule.data.images import common_image_size, read_images
from chainrule.data.npz import read_npz
from chainrule.data.texts import read_texts
from chainrule.errors import DataError, ModelFileError
from chainrule.train.checkpoint_file import CheckpointFile

images = pytest.importorskip("PIL.Image")
arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

MIB = 2**20
SMALL = "chainrule.data.unpacking.SMALL"


def csv_gz(path: Path, size: int) -> Path:
    """A table of zeros, of so many bytes; packed once, and repeated."""
    part = min(size, 15 * MIB)
    path.write_bytes(
        gzip.compress(b"a,b\n") + gzip.compress(b"0,0\n" * (part // 4)) * (size // part)
    )
    return path


def npz(path: Path, size: int) -> Path:
    np.savez_compressed(path, x=np.zeros(size, np.uint8), y=np.arange(3))
    return path


def repeated_numbers(path: Path, size: int) -> Path:
    """Run-length encoded: the file hardly grows with its rows."""
    parquet.write_table(arrow.table({"x": np.zeros(size // 8)}), path)
    return path


def repeated_text(path: Path, size: int) -> Path:
    """A long text that is there once, and meant by each row."""
    texts = arrow.array(["x" * 10_000])
    column = arrow.DictionaryArray.from_arrays(np.zeros(size // 10_000, np.int32), texts)
    parquet.write_table(arrow.table({"x": column}), path, store_schema=False)
    return path


def repeated_lists(path: Path, size: int) -> Path:
    """Nested values."""
    column = arrow.array([[0.0] * 1000]).take(arrow.array(np.zeros(size // 8000, np.int64)))
    parquet.write_table(arrow.table({"x": column}), path)
    return path


def feather(path: Path, size: int) -> Path:
    """Packed buffers, each with its size before it."""
    frame = pd.DataFrame({"x": np.zeros(size // 16), "k": np.zeros(size // 16, np.int64)})
    frame.to_feather(path, compression="zstd")
    return path


def far_cells(path: Path, size: int) -> Path:
    """A sheet whose cells are far apart; readers make rows of all between them."""
    pd.DataFrame({"x": [1]}).to_excel(path, index=False, startrow=size // 3000, startcol=25)
    return path


def repeated_rows(path: Path, size: int) -> Path:
    """An OpenDocument sheet that says of one row that it is there many times."""
    pd.DataFrame({"x": [1, 2]}).to_excel(path, engine="odf", index=False)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    rows = f'<table:table-row table:number-rows-repeated="{size // 100 + 1}">'.encode()
    files["content.xml"] = files["content.xml"].replace(b"<table:table-row>", rows)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def png(path: Path, size: int) -> Path:
    side = int(size**0.5) + 1
    images.new("L", (side, side)).save(path)
    return path


def deep_tiff(path: Path, size: int) -> Path:
    side = int((size / 8) ** 0.5) + 1
    images.new("I;16", (side, side)).save(path, compression="tiff_deflate")
    return path


KINDS = {
    "t.csv.gz": (csv_gz, read_table),
    "t.npz": (npz, lambda path: read_npz(path, {"x", "y"})),
    "numbers.parquet": (repeated_numbers, read_table),
    "text.parquet": (repeated_text, read_table),
    "lists.parquet": (repeated_lists, read_cells),
    "t.feather": (feather, read_cells),
    "t.xlsx": (far_cells, read_cells),
    "t.ods": (repeated_rows, read_cells),
    "p.png": (png, lambda path: read_images([path], (8, 8), 1)),
    "q.png": (png, lambda path: common_image_size([path])),
    "p.tif": (deep_tiff, lambda path: read_images([path], (8, 8), 1)),
}


@pytest.mark.parametrize("name", KINDS)
def test_by_size(tmp_path, name):
    """More MiB than the setting says: an error that names file and setting; as many are read."""
    make, read = KINDS[name]
    path = make(tmp_path / name, 3 * MIB)
    with configured(unpack=2), pytest.raises(DataError) as caught:
        read(path)
    assert f"{path} unpacks to more than 2 MiB" in str(caught.value)
    assert "CHAINRULE_UNPACK (in MiB)" in str(caught.value)
    with configured(unpack=4):
        read(path)


@pytest.mark.parametrize(("ending", "pack"), [("bz2", bz2.compress), ("xz", lzma.compress)])
def test_other_packings_by_size(tmp_path, ending, pack):
    """Counted while they are unpacked."""
    path = tmp_path / f"t.csv.{ending}"
    path.write_bytes(pack(b"a,b\n" + b"0,0\n" * (MIB // 4)))
    with configured(unpack=1), pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        read_cells(path)


@pytest.mark.parametrize("name", KINDS)
def test_by_ratio(tmp_path, monkeypatch, name):
    """Many times its own size: an error that names the setting; small ones and those of a higher
    setting are read."""
    make, read = KINDS[name]
    path = make(tmp_path / name, 3 * MIB)
    ratio = 3 * MIB // path.stat().st_size
    read(path)  # of no concern
    monkeypatch.setattr(SMALL, 2 * MIB)
    with configured(unpack_ratio=ratio // 2), pytest.raises(DataError) as caught:
        read(path)
    assert re.search(rf"{path} unpacks to over {ratio // 2} times its size", str(caught.value))
    assert "CHAINRULE_UNPACK_RATIO" in str(caught.value)
    with configured(unpack_ratio=2 * ratio + 2):
        read(path)


def test_settings_come_from_the_environment():
    """And are whole numbers."""
    program = "from chainrule.config import config; print(config.unpack, config.unpack_ratio)"
    for given, told in (({}, "4096 200"), ({"CHAINRULE_UNPACK": "7"}, "7 200"),
                        ({"CHAINRULE_UNPACK_RATIO": "9"}, "4096 9")):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", f"import os; os.environ |= {given}; {program}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert told == done.stdout.strip()


PEAK = """
import resource, sys
from chainrule.data import read_table
from chainrule.errors import DataError, ModelFileError
from chainrule.train.checkpoint_file import CheckpointFile
read_table(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[2:]:
    try:
        read_table(path)
    except DataError as error:
        print("refused", file=sys.stderr)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_memory_is_not_taken(tmp_path):
    """1.5 GB in 1.5 MB, as CSV and as repeated text: refused with less than 900 MiB of memory."""
    paths = [
        csv_gz(tmp_path / "b.csv.gz", 1500 * MIB),
        repeated_text(tmp_path / "b.parquet", 10**10),
    ]
    small = tmp_path / "small.parquet"
    pd.DataFrame({"x": ["a"]}).to_parquet(small)
    assert all(path.stat().st_size < 2 * MIB for path in paths)
    done = subprocess.run([sys.executable, "-c", PEAK, small, *paths], capture_output=True,
                          text=True, check=True)  # fmt: skip
    assert ["refused"] * 2 == done.stderr.split()
    assert int(done.stdout) < 900


def test_what_is_read_is_what_pandas_reads(tmp_path):
    """Numbers, text, dates, categories, an index: by batches and at once."""
    frame = pd.DataFrame(
        {"n": [1.0, None, 3.0], "t": pd.date_range("2020", periods=3), "b": [True, False, True]},
        index=pd.Index([5, 6, 7], name="k"),
    )
    more = frame.assign(s=["a", None, "b"], c=pd.Categorical(["x", "y", "x"]))
    for k, given in enumerate((frame, more, pd.concat([more] * 3000))):
        path = tmp_path / f"{k}.parquet"
        given.to_parquet(path, row_group_size=4000)
        expected = pd.read_parquet(path).reset_index()
        pd.testing.assert_frame_equal(expected, read_cells(path).frame)


def test_gzip_files_that_are_damaged(tmp_path):
    """Bits flipped, ends cut, parts doubled: an error with the name, or the same table."""
    draw = random.Random(0)
    table = b"a,b\n" + b"".join(b"%d,%d\n" % (k, draw.randrange(99)) for k in range(300))
    whole, refused = gzip.compress(table), 0
    for k in range(150):
        data = bytearray(whole)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path = tmp_path / "t.csv.gz"
        path.write_bytes(data[: draw.randrange(len(data))] if k % 3 == 0 else data)
        try:
            assert (300, 2) == read_table(path).frame.shape
        except DataError as error:
            assert "t.csv.gz" in str(error)
            refused += 1
    assert refused > 100
    path.write_bytes(whole + gzip.compress(b"1,2\n"))  # members one after another are one file
    assert (301, 2) == read_table(path).frame.shape


def test_only_what_is_wanted_of_an_archive_counts(tmp_path):
    """Arrays that are not read are not unpacked."""
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(9), z=np.zeros(10**6))
    with configured(unpack=1):
        assert 0 == read_npz(tmp_path / "x.npz", {"x"})["z"].size
        with pytest.raises(DataError, match="more than 1 MiB"):
            read_npz(tmp_path / "x.npz", {"x", "z"})


def test_an_archive_that_lies_about_its_sizes(tmp_path):
    """Few bytes told and many packed: no more than told are unpacked."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(8 * MIB, np.uint8))
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", buffer.getvalue())
    size, data = len(buffer.getvalue()), path.read_bytes()
    lying = data.replace(size.to_bytes(4, "little"), (200).to_bytes(4, "little"))
    assert lying != data
    path.write_bytes(lying)
    with pytest.raises(DataError, match=r"x\.npz"):
        read_npz(path, {"x"})


def test_a_picture_that_pillow_refuses(tmp_path):
    """More pixels than Pillow reads at all: an error of ours."""
    path = tmp_path / "p.png"
    images.new("1", (16_000, 16_000)).save(path)
    with pytest.raises(DataError, match=r"cannot read the picture .*p\.png.*exceeds limit"):
        read_images([path], (8, 8), 1)


def test_silence_packed_as_flac(tmp_path):
    """Hours of nothing in few bytes: refused by what its header tells."""
    sound = pytest.importorskip("soundfile")
    path = tmp_path / "s.flac"
    with sound.SoundFile(path, "w", 8000, 1, format="FLAC") as file:
        for _ in range(65):
            file.write(np.zeros(2**20, np.int16))
    assert path.stat().st_size < 2 * MIB
    with pytest.raises(DataError, match=r"s\.flac tells of 68157440 samples"):
        read_audio(path)


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_lines_nested_deeply(tmp_path, depth, opening):
    """An error with the line, however deep."""
    path = tmp_path / "t.jsonl"
    inner = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
    path.write_text(f'{{"text": "a"}}\n{{"text": {inner}}}\n')
    if depth == 1_000 and sys.version_info >= (3, 12):
        return  # deep, but read
    with pytest.raises(DataError, match=r"t\.jsonl, line 2: its JSON is nested too deeply"):
        read_texts(path)


def test_json_in_the_metadata_of_a_table(tmp_path):
    """What pandas notes in a Parquet file, nested deeply: an error that names the file."""
    told = "[" * 100_000 + "]" * 100_000
    schema = arrow.schema([("x", arrow.float64())], metadata={"pandas": told})
    parquet.write_table(arrow.table({"x": [1.0]}, schema=schema), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet is not a readable Parquet file"):
        read_table(tmp_path / "t.parquet")


def test_json_in_a_checkpoint(tmp_path):
    """Likewise: an error that says what to do."""
    path = tmp_path / "c"
    told = '{"format": "f", "fingerprint": "m", "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path.write_bytes(safetensors.save({"a": np.zeros(2)}, metadata={"chainrule": told}))
    with pytest.raises(ModelFileError, match="is no checkpoint, or a damaged one .*start anew"):
        CheckpointFile(path, 0.0, "f", "m").load()


def test_the_settings_are_documented():
    """Where the errors send the reader."""
    text = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert "CHAINRULE_UNPACK" in text
    assert "CHAINRULE_UNPACK_RATIO" in text
    assert f"{unpacking.SMALL // MIB} MiB" in text
