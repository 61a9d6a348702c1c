"""Forms of NumPy's functions that make, shape, join, choose, sort and write arrays."""

# ruff: noqa: E501 (forms are one line each)
from __future__ import annotations

from forms import Form, written

MAKING = {
    "array": "np.array(x)\nnp.array([s, 2.0, c])\nnp.array([[s, 1.0], [c, s * c]])\nnp.array(x, ndmin=2)"
             "\nnp.array(x, dtype=complex)\nnp.array(x, copy=True)",
    "asarray": "np.asarray(x)\nnp.asarray([x[0], 1.0])\nnp.asarray(k, dtype=float)",
    "asanyarray": "np.asanyarray(x)\nnp.asanyarray((s, c))",
    "ascontiguousarray": "np.ascontiguousarray(A.T)",
    "asfortranarray": "np.asfortranarray(A)",
    "asarray_chkfinite": "np.asarray_chkfinite(x)",
    "require": "np.require(x, requirements='C')",
    "copy": "np.copy(x)\nx.copy()\nnp.copy([s, c])",
    "astype": "np.astype(x, np.float64)\nx.astype(float)\nx.astype(complex)",
    "full": "np.full(3, s)\nnp.full((2, 5), x)",
    "full_like": "np.full_like(x, s)\nnp.full_like(np.ones(5), x)",
    "arange": "np.arange(5) * x\nnp.arange(s, s + 3.0)\nnp.arange(0.0, 1.0, 0.25) * s",
    "linspace": "np.linspace(s, c, 4)\nnp.linspace(x, y, 3)\nnp.linspace(s, c, 4, endpoint=False)"
                "\nnp.linspace(s, c, retstep=True)[1]\nnp.linspace(v3, 2.0, 3, axis=1)",
    "logspace": "np.logspace(s, c, 4)\nnp.logspace(s, c, 3, base=2.0)",
    "geomspace": "np.geomspace(s, c, 4)",
    "fromiter": "np.fromiter((t * 2 for t in x), float)",
    "fromfunction": "np.fromfunction(lambda a, e: a * s + e, (2, 3))",
    "meshgrid": "np.meshgrid(x, v3)\nnp.meshgrid(x, v3, indexing='ij', sparse=True)",
    "r_": "np.r_[x, 0.0, s]\nnp.r_[0:1:3j, x]\nnp.r_['0,2', x, y]",
    "c_": "np.c_[x, y]\nnp.c_[x, [1, 2, 3, 4, 5]]",
    "ix_": "A[np.ix_([0, 2], [1, 3])]\nnp.ix_(x, v3)",
    "diag": "np.diag(x)\nnp.diag(A)\nnp.diag(v3, k=-1)",
    "diagflat": "np.diagflat(A)\nnp.diagflat(x, 1)",
    "vander": "np.vander(x, 3)\nnp.vander(x, increasing=True)",
    "block": "np.block([[A, A], [D, D]])\nnp.block([s, x])",
    "bmat": "np.asarray(np.bmat([[A, D]]))",
    "asmatrix": "np.asarray(np.asmatrix(A))",
    "kaiser": "np.kaiser(5, 14.0) * x\nnp.kaiser(5, s)",
}  # fmt: skip
SINGLE = {
    "array": "np.array(x, dtype=np.float32)",
    "astype": "x.astype(np.float32)",
}
SHAPING = {
    "reshape": "np.reshape(A, (2, 6))\nA.reshape(-1)\nA.reshape(4, 3, order='F')\nnp.reshape(x, (5, 1))",
    "ravel": "np.ravel(A)\nA.ravel(order='F')\nnp.ravel([x, y])",
    "transpose": "np.transpose(C)\nnp.transpose(C, (1, 0, 2))\nA.T\nC.transpose(2, 0, 1)",
    "permute_dims": "np.permute_dims(C, (1, 0, 2))",
    "matrix_transpose": "np.matrix_transpose(C)\nC.mT",
    "swapaxes": "np.swapaxes(C, 0, 2)\nC.swapaxes(0, 1)",
    "moveaxis": "np.moveaxis(C, 0, -1)\nnp.moveaxis(C, [0, 1], [1, 2])",
    "rollaxis": "np.rollaxis(C, 2)",
    "expand_dims": "np.expand_dims(x, 0)\nnp.expand_dims(x, (0, 2))\nx[:, np.newaxis]",
    "squeeze": "np.squeeze(x[None])\nnp.squeeze(x[None, :, None], axis=2)",
    "atleast_1d": "np.atleast_1d(s)\nnp.atleast_1d(s, x)",
    "atleast_2d": "np.atleast_2d(x)\nnp.atleast_2d(s, A)",
    "atleast_3d": "np.atleast_3d(A)",
    "broadcast_to": "np.broadcast_to(x, (3, 5))\nnp.broadcast_to(s, (2, 2))",
    "broadcast_arrays": "np.broadcast_arrays(A, v4)",
    "broadcast": "sum(a * e for a, e in np.broadcast(x, x[:, None]))",
    "resize": "np.resize(x, (2, 4))\nnp.resize(A, 5)",
    "repeat": "np.repeat(x, 2)\nnp.repeat(A, [1, 2, 0], axis=0)\nx.repeat(3)",
    "tile": "np.tile(x, 2)\nnp.tile(A, (2, 1, 3))",
    "flip": "np.flip(A)\nnp.flip(A, axis=1)\nx[::-1]",
    "fliplr": "np.fliplr(A)",
    "flipud": "np.flipud(A)",
    "roll": "np.roll(x, 2)\nnp.roll(A, (1, -1), axis=(0, 1))\nnp.roll(A, 3)",
    "rot90": "np.rot90(A)\nnp.rot90(C, 3, axes=(1, 2))",
    "pad": "np.pad(x, 2)\nnp.pad(A, ((1, 0), (2, 2)), constant_values=(1.0, 2.0))\n"
           "np.pad(x, 2, constant_values=s)\n" + "\n".join(
               f"np.pad(A, (1, 2), mode='{mode}')" for mode in (
                   "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect",
                   "symmetric", "wrap")) + "\nnp.pad(A, 1, mode='reflect', reflect_type='odd')"
           "\nnp.pad(x, 2, mode='linear_ramp', end_values=s)",
    "tril": "np.tril(A)\nnp.tril(C, k=-1)",
    "triu": "np.triu(A)\nnp.triu(C, k=1)",
    "trim_zeros": "np.trim_zeros(np.concatenate([[0.0], x, [0.0]]))\nnp.trim_zeros(x)",
    "sliding_window_view": "sliding_window_view(x, 3)\nsliding_window_view(I, (2, 3))",
    "as_strided": "as_strided(x, (2,), (8,))",
}  # fmt: skip
JOINING = {
    "concatenate": "np.concatenate([x, y])\nnp.concatenate([A, D], axis=1)\nnp.concatenate([A, D], axis=None)"
                   "\nnp.concatenate((x, z))\nnp.concatenate([x, k])",
    "concat": "np.concat([x, y])",
    "stack": "np.stack([x, y])\nnp.stack([A, D], axis=-1)\nnp.stack([s, 2.0, c])",
    "unstack": "np.unstack(A)\nnp.unstack(A, axis=1)",
    "vstack": "np.vstack([x, y])\nnp.vstack([A, v4])",
    "row_stack": "np.vstack([x, 2 * x])",
    "hstack": "np.hstack([x, v3])\nnp.hstack([A, D])\nnp.hstack([s, x])",
    "dstack": "np.dstack([A, D])",
    "column_stack": "np.column_stack([x, y])\nnp.column_stack([A, v3])",
    "split": "np.split(A, 2, axis=1)\nnp.split(x, [1, 3])",
    "array_split": "np.array_split(x, 3)\nnp.array_split(A, [1], axis=1)",
    "hsplit": "np.hsplit(A, 2)",
    "vsplit": "np.vsplit(A, 3)",
    "dsplit": "np.dsplit(C, 2)",
    "append": "np.append(x, y)\nnp.append(x, s)\nnp.append(A, D, axis=0)",
    "insert": "np.insert(x, 2, s)\nnp.insert(A, [0, 2], v3[:, None], axis=1)\nnp.insert(x, [1, 1], 3.0)",
    "delete": "np.delete(x, 1)\nnp.delete(A, [0, 2], axis=1)\nnp.delete(x, slice(1, 3))",
    "kron": "np.kron(A, v3)\nnp.kron(x, y)",
}  # fmt: skip
CHOOSING = {
    "where": "np.where(x > 0, x, y)\nnp.where(b, x, s)\nnp.where(A > 0, A, 0.0)\nnp.where(x > 0)",
    "select": "np.select([x > 1, x > 0], [x**2, 3 * y], -x)",
    "choose": "np.choose(i, [x, y, x * y])\nnp.choose([0, 1, 2, 3], [v4, 2 * v4], mode='wrap')"
              "\nnp.choose([0, 1, 5, -1], [v4, 2 * v4], mode='clip')",
    "piecewise": "np.piecewise(x, [x < 0, x >= 0], [lambda t: t**2, lambda t: s * t])",
    "take": "np.take(x, [0, 2, 2])\nnp.take(A, [1, 0], axis=1)\nnp.take(x, [7, -6], mode='wrap')"
            "\nnp.take(x, [9, -1], mode='clip')\nx.take(i)\nnp.take(x, i)",
    "take_along_axis": "np.take_along_axis(A, np.argsort(A, axis=1), axis=1)"
                       "\nnp.take_along_axis(x, np.array([0, 2]), axis=None)",
    "indexing": "x[1]\nA[1:, ::2]\nA[..., None]\nx[[0, 2, 2]]\nA[[0, 1], [2, 3]]\nx[i]\nx[x > 0]\nA[b[:3]]"
                "\nnp.eye(5)[i] @ x\nA[:, [0, -1]]",
    "compress": "np.compress([True, False, True], A, axis=0)\nx.compress([True, False, True])",
    "extract": "np.extract([True, False, True, True, False], x)\nnp.extract(x > 0, x)",
    "diagonal": "np.diagonal(A)\nnp.diagonal(C, axis1=1, axis2=2)\nA.diagonal(offset=1)",
    "trace": "np.trace(A)\nnp.trace(C, axis1=1, axis2=2)\nnp.trace(A, offset=1)",
    "nonzero": "np.nonzero(x)\nx.nonzero()",
    "argwhere": "np.argwhere(A > 0)",
    "flatnonzero": "np.flatnonzero(A > 0)",
    "count_nonzero": "np.count_nonzero(x > 0)\nnp.count_nonzero(A > 0, axis=1)",
    "ravel_multi_index": "np.ravel_multi_index((i, i), (3, 3))",
    "unravel_index": "np.unravel_index(i, (3, 3))\nnp.unravel_index(np.argmax(A), A.shape)",
    "ndenumerate": "[a * e[0] for e, a in np.ndenumerate(x)]",
    "nditer": "sum(t**2 for t in np.nditer(A))",
    "flat": "A.flat[3]\n[t * 2.0 for t in A.flat]",
    "nested_iters": "sum(t for a in np.nested_iters(A, [[0], [1]])[1:] for t in a)",
    "apply_along_axis": "np.apply_along_axis(lambda a: a / np.sum(a**2), 1, A)",
    "apply_over_axes": "np.apply_over_axes(np.sum, C, [0, 2])",
}  # fmt: skip
SORTING = {
    "sort": "np.sort(x)\nnp.sort(A, axis=0)\nnp.sort(A, axis=None)\nafter(lambda a: a.sort(), x)",
    "sort_complex": "np.sort_complex(x)\nnp.sort_complex(z)",
    "argsort": "np.argsort(x)\nx[np.argsort(x)]\nA.argsort(axis=0)",
    "lexsort": "np.lexsort((x, y))\nx[np.lexsort((x, i))]",
    "partition": "np.sort(np.partition(x, 2)[:2])\nnp.partition(A, 1, axis=1)[:, 1]",
    "argpartition": "np.argpartition(x, 2)[2]",
    "searchsorted": "np.searchsorted(r, x)\nnp.searchsorted([-1.0, 0.0, 1.0], x, side='right')",
    "digitize": "np.digitize(x, [-1.0, 0.0, 1.0])",
    "unique": "np.unique(x)\nnp.unique(x, return_counts=True)\nnp.unique(i, return_inverse=True)",
    "unique_all": "np.unique_all(x)[0]",
    "unique_counts": "np.unique_counts(x)[0]",
    "unique_inverse": "np.unique_inverse(x)[0]",
    "unique_values": "np.unique_values(x)",
    "union1d": "np.union1d(x, y)",
    "intersect1d": "np.intersect1d(x, x[::2])",
    "setdiff1d": "np.setdiff1d(x, x[:2])",
    "setxor1d": "np.setxor1d(x, x[:2])",
    "isin": "np.isin(k, l)\nnp.isin(x, x[:2])",
}
WRITING = {
    "assignment": "after(lambda a: a.__setitem__(1, s), x)\nafter(lambda a: a.__setitem__((slice(1, None), 0), 2 * s), A)"
                  "\nafter(lambda a: a.__setitem__([0, 2], y[:2]), x)\nafter(lambda a: a.__setitem__(a > 0, s), x)"
                  "\nafter(lambda a: a.__iadd__(y), x)\nafter(lambda a: a.__imul__(s), x)",
    "copyto": "after(np.copyto, y, x)\nafter(np.copyto, y, x, where=b)",
    "fill": "after(lambda a: a.fill(s), x)",
    "fill_diagonal": "after(np.fill_diagonal, A, s)\nafter(np.fill_diagonal, P, v4)",
    "put": "after(np.put, x, [0, 3], v3[:2])\nafter(np.put, x, [7, 1], s, mode='wrap')",
    "putmask": "after(np.putmask, x, b, y)\nafter(np.putmask, x, x > 0, s)",
    "place": "after(np.place, x, [True, False, True, False, False], v3[:2])\nafter(np.place, x, x > 0, [s])",
    "put_along_axis": "after(np.put_along_axis, A, np.array([[0], [2], [1]]), s, axis=1)",
}  # fmt: skip
AROUND = {
    "zeros": "after(lambda a: a.__setitem__(0, 2.0), x * np.zeros(5))\nnp.zeros(x.shape) + x",
    "zeros_like": "np.zeros_like(x) + x",
    "ones": "np.ones(5) * x",
    "ones_like": "np.ones_like(x) * x",
    "empty": "np.empty(5).shape[0] * x",
    "empty_like": "np.empty_like(x).shape[0] * x",
    "eye": "np.eye(4) * s",
    "identity": "np.identity(4) @ v4",
    "tri": "np.tri(4) @ v4",
    "mgrid": "np.mgrid[0:2, 0:3] * s",
    "ogrid": "np.ogrid[0:5] * x",
    "s_": "x[np.s_[1:3]]",
    "index_exp": "A[np.index_exp[1:, 2]]",
    "indices": "np.indices((3, 4))[0] * A",
    "bartlett": "np.bartlett(5) * x",
    "blackman": "np.blackman(5) * x",
    "hamming": "np.hamming(5) * x",
    "hanning": "np.hanning(5) * x",
    "broadcast_shapes": "np.ones(np.broadcast_shapes(A.shape, (1, 4))) * A",
    "diag_indices": "A[np.diag_indices(3)]",
    "diag_indices_from": "P[np.diag_indices_from(P)]",
    "tril_indices": "P[np.tril_indices(4)]",
    "triu_indices": "P[np.triu_indices(4, k=1)]",
    "tril_indices_from": "P[np.tril_indices_from(P)]",
    "triu_indices_from": "P[np.triu_indices_from(P, k=1)]",
    "mask_indices": "P[np.mask_indices(4, np.triu)]",
    "ndindex": "sum(A[e] * (e[0] + 1) for e in np.ndindex(A.shape))",
    "iterable": "np.iterable(x) * x",
}  # fmt: skip
ASKING = {
    "shape": "np.shape(A)[0] * A",
    "size": "np.size(A) * A\nnp.size(A, 1) * s",
    "ndim": "np.ndim(A) * A",
    "isscalar": "np.isscalar(s) * x",
    "array_equal": "np.array_equal(x, y)\nnp.array_equal(x, x)",
    "array_equiv": "np.array_equiv(x, y)",
    "result_type": "x.astype(np.result_type(x, k))",
    "common_type": "x.astype(np.common_type(x, z))",
    "can_cast": "np.can_cast(x.dtype, np.float32) + s",
    "promote_types": "x.astype(np.promote_types(x.dtype, np.float32))",
    "min_scalar_type": "x.astype(np.min_scalar_type(1e300))",
    "may_share_memory": "np.may_share_memory(x, x[1:]) * x",
    "shares_memory": "np.shares_memory(x, y) + x",
    "isfortran": "np.isfortran(A) + A",
    "array_repr": "len(np.array_repr(np.ones(3))) * x",
    "array_str": "len(np.array_str(np.ones(3))) * x",
    "array2string": "len(np.array2string(np.ones(3))) * x",
    "packbits": "np.packbits(b)",
    "unpackbits": "np.unpackbits(k.astype(np.uint8))",
    "einsum_path": "len(np.einsum_path('ij,jk', A, B)[0]) * A",
    "errstate": "[np.log(p) for e in [np.errstate(all='ignore')] if e.__enter__() is None][0]",
}


def forms() -> list[Form]:
    """All of them, in the module `numpy`."""
    made: list[Form] = []
    made += written("numpy", MAKING) + written("numpy", SINGLE, slope=1e-2, step=1e-2)
    for table in (SHAPING, JOINING, CHOOSING, SORTING, WRITING, AROUND, ASKING):
        made += written("numpy", table)
    return made
