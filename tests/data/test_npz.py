"""NPZ files that lie or are damaged, and folders with what programs leave in them."""

import io
import random
import zipfile

import numpy as np
import pytest

from chainrule.data.audio_datasets import audio_files, read_audio_arrays
from chainrule.data.images import class_files, read_image_arrays
from chainrule.data.texts import read_texts
from chainrule.errors import DataError

PICTURES = {"x": np.arange(100, dtype=np.uint8).reshape(4, 5, 5), "y": np.arange(4)}
SOUNDS = {"audio": np.arange(50.0), "start": [0, 10], "length": [10, 10], "label": ["a", "b"],
          "sample_rate": 8000}  # fmt: skip


def packed(save, arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("arrays", "read"), [(PICTURES, read_image_arrays), (SOUNDS, read_audio_arrays)]
)
def test_damage_anywhere_is_an_error_or_arrays(tmp_path, save, arrays, read):
    """Bits flipped, and the end missing: also in the packed bytes, of which zlib complains."""
    draw, path = random.Random(0), tmp_path / "x.npz"
    whole, refused = packed(save, arrays), 0
    for k in range(200):
        data = bytearray(whole)
        for _ in range(1 + k % 4):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data[: draw.randrange(len(data))] if k % 5 == 0 else data)
        try:
            read(path)
        except DataError as error:
            assert "x.npz" in str(error)
            refused += 1
    assert refused > 100


def test_shapes_that_are_not_there(tmp_path):
    """A header that tells of more entries than follow."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 10**9)}
    )
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
        archive.writestr("y.npy", buffer.getvalue())
    with pytest.raises(DataError, match=r"cannot read .*x\.npz"):
        read_image_arrays(tmp_path / "x.npz")


def test_foreign_packings_are_refused(tmp_path):
    """LZMA and the like: NumPy does not write them."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", b"abc")
    with pytest.raises(DataError, match="packed as NumPy does not pack"):
        read_image_arrays(tmp_path / "x.npz")


def test_hidden_files_and_folders_are_no_samples(tmp_path):
    """Neither as classes nor within them, and a folder with an ending is no file."""
    for ending, found in (
        ("png", lambda: class_files(tmp_path)[0]),
        ("wav", lambda: audio_files(tmp_path)[0]),
        ("txt", lambda: read_texts(tmp_path).frame["text"].tolist()),
    ):
        for name in ("a/1", "b/deep/1", "a/._1", "a/.checkpoints/1", ".git/objects/1"):
            path = tmp_path / f"{name}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\xff" if "." in name else b"x")
        (tmp_path / "a" / f"folder.{ending}").mkdir()
        assert len(found()) == 2
