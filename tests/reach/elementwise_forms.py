"""Forms of NumPy's ufuncs and their methods."""

from __future__ import annotations

from forms import Form, with_names, written

# By the letters of `drawn`: everywhere, between -1 and 1, positive, greater than 1
UNARY = {
    "x": """abs absolute fabs negative positive sin cos sinh cosh tanh exp exp2 expm1 square arctan
            atan arcsinh asinh degrees deg2rad radians rad2deg cbrt conj conjugate sinc i0""",
    "u": "arcsin asin arccos acos arctanh atanh tan log1p",
    "p": "log log2 log10 sqrt reciprocal",
    "g": "arccosh acosh",
}
COMPLEX = [
    "abs",
    "absolute",
    "negative",
    "positive",
    "sin",
    "cos",
    "sinh",
    "cosh",
    "tanh",
    "exp",
    "exp2",
    "expm1",
    "square",
    "arctan",
    "atan",
    "arcsinh",
    "asinh",
    "conj",
    "conjugate",
    "arcsin",
    "asin",
    "arccos",
    "acos",
    "arctanh",
    "atanh",
    "tan",
    "log1p",
    "log",
    "log2",
    "log10",
    "sqrt",
    "reciprocal",
    "arccosh",
    "acosh",
    "sinc",
]
STEPS = [
    "floor",
    "ceil",
    "rint",
    "trunc",
    "fix",
    "sign",
    "signbit",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "logical_not",
    "isreal",
    "iscomplex",
]
BINARY = {  # with the letters of both arguments
    "x, y": """add subtract multiply maximum minimum fmax fmin logaddexp logaddexp2 arctan2 atan2
               hypot copysign""",
    "x, p": "divide true_divide",
    "p, x": "power pow float_power",
}
COMPLEX_PAIRS = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "power",
    "pow",
    "float_power",
]
COMPARING = [
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
]
BITS = ["bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm"]
SHIFTS = ["left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift"]
REDUCED = [
    "add",
    "multiply",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "logaddexp",
    "logaddexp2",
    "hypot",
]

OTHERS = {
    "fmod": "np.fmod(x, p)\nnp.fmod(s, c)\nnp.fmod(A, 0.7)",
    "remainder": "np.remainder(x, p)\nnp.remainder(s, -c)",
    "mod": "np.mod(x, p)\nx % 0.7\nk % l",
    "floor_divide": "np.floor_divide(x, p)\nx // 0.3",
    "divmod": "np.divmod(x, p)\nnp.divmod(x, 0.7)[1]\ndivmod(s, 0.4)",
    "modf": "np.modf(x)\nnp.modf(s)",
    "frexp": "np.frexp(x)\nnp.frexp(x)[0]",
    "ldexp": "np.ldexp(x, k)\nnp.ldexp(x, 3)",
    "nextafter": "np.nextafter(x, 9.0)",
    "spacing": "np.spacing(x)",
    "heaviside": "np.heaviside(x, 0.5)\nnp.heaviside(x, s)",
    "angle": "np.angle(z)\nnp.angle(z, deg=True)\nnp.angle(x)",
    "real": "np.real(z)\nnp.real(x)\nz.real",
    "imag": "np.imag(z)\nnp.imag(x)\nz.imag",
    "real_if_close": "np.real_if_close(x)\nnp.real_if_close(z)",
    "iscomplexobj": "np.iscomplexobj(x) + x[0]",
    "isrealobj": "np.isrealobj(x) + x[0]",
    "isnat": "np.isnat(np.datetime64('2026-01-01')) + x[0]",
    "invert": "np.invert(k)\n~b",
    "bitwise_invert": "np.bitwise_invert(k)",
    "bitwise_not": "np.bitwise_not(k)",
    "bitwise_count": "np.bitwise_count(k)",
    "clip": """np.clip(x, -1.0, 1.0)
               np.clip(x, None, s)
               np.clip(x, -p, p)
               np.clip(x, min=0.1)
               x.clip(-0.5, s)
               np.clip(A, a_min=-1, a_max=1, out=np.zeros((3, 4)))""",
    "round": "np.round(x)\nnp.round(x, 1)\nx.round()\nround(s, 1)",
    "around": "np.around(x, 2)",
    "nan_to_num": "np.nan_to_num(x)\nnp.nan_to_num(np.where(x > 1, np.nan, x), nan=0.5)",
    "isclose": "np.isclose(x, y)\nnp.isclose(x, x + 1e-9, atol=1e-6)",
    "allclose": "np.allclose(x, y)",
    "matmul": """np.matmul(S, T)
                 S @ v4
                 v4 @ S
                 np.matmul(M, A.T)
                 np.matmul(Z, H)
                 np.matmul(A, B, out=np.zeros((3, 3)))""",
    "matvec": "np.matvec(S, v4)\nnp.matvec(M, v4)",
    "vecmat": "np.vecmat(v4, S)\nnp.vecmat(v4, M)",
    "vecdot": "np.vecdot(x, y)\nnp.vecdot(A, v4)\nnp.vecdot(A, D, axis=0)\nnp.vecdot(z, 1j * z)",
    "frompyfunc": "np.frompyfunc(lambda t: t * 2, 1, 1)(x)",
    "vectorize": """np.vectorize(lambda t: t * 2 + 1)(x)
                    np.vectorize(lambda t, e: t * e)(x, s)
                    np.vectorize(np.dot, signature='(n),(n)->()')(A, v4)""",
}
METHODS = {
    "add.reduce": "np.add.reduce(A)\nnp.add.reduce(A, axis=None)\nnp.add.reduce(x, initial=s)",
    "multiply.reduce": "np.multiply.reduce(p)\nnp.multiply.reduce(A, axis=1, keepdims=True)",
    "maximum.reduce": "np.maximum.reduce(A, axis=1)\nnp.maximum.reduce([x, y, x + y])",
    "minimum.reduce": "np.minimum.reduce(A)",
    "logaddexp.reduce": "np.logaddexp.reduce(A, axis=1)",
    "logaddexp2.reduce": "np.logaddexp2.reduce(x)",
    "hypot.reduce": "np.hypot.reduce(x)",
    "subtract.reduce": "np.subtract.reduce(A)",
    "divide.reduce": "np.divide.reduce(p)",
    "power.reduce": "np.power.reduce(p[:2])",
    "logical_and.reduce": "np.logical_and.reduce(b)",
    "logical_or.reduce": "np.logical_or.reduce(b)",
    "bitwise_or.reduce": "np.bitwise_or.reduce(k)",
    "add.accumulate": "np.add.accumulate(A)\nnp.add.accumulate(x)",
    "multiply.accumulate": "np.multiply.accumulate(A, axis=1)",
    "maximum.accumulate": "np.maximum.accumulate(A, axis=1)\nnp.maximum.accumulate(x)",
    "minimum.accumulate": "np.minimum.accumulate(x)",
    "logaddexp.accumulate": "np.logaddexp.accumulate(x)",
    "subtract.accumulate": "np.subtract.accumulate(x)",
    "divide.accumulate": "np.divide.accumulate(p)",
    "add.reduceat": "np.add.reduceat(x, [0, 2, 3])\nnp.add.reduceat(A, [0, 2], axis=1)",
    "multiply.reduceat": "np.multiply.reduceat(x, [0, 3, 1])",
    "maximum.reduceat": "np.maximum.reduceat(x, [0, 2])",
    "add.at": "after(np.add.at, x, [0, 1, 1], v3)\nafter(np.add.at, x, i, y)",
    "subtract.at": "after(np.subtract.at, x, [0, 2, 2], v3)",
    "multiply.at": "after(np.multiply.at, x, [0, 2, 2], v3)",
    "divide.at": "after(np.divide.at, x, [0, 2, 2], w3)",
    "maximum.at": "after(np.maximum.at, x, [0, 2, 3], v3)",
    "minimum.at": "after(np.minimum.at, x, [0, 2, 3], v3)",
    "negative.at": "after(np.negative.at, x, [0, 2])",
    "add.outer": "np.add.outer(x, y)\nnp.add.outer(A, v3)",
    "subtract.outer": "np.subtract.outer(x, y)",
    "multiply.outer": "np.multiply.outer(x, y)\nnp.multiply.outer(z, x)",
    "divide.outer": "np.divide.outer(x, p)",
    "maximum.outer": "np.maximum.outer(x, y)",
    "power.outer": "np.power.outer(p, x)",
    "hypot.outer": "np.hypot.outer(x, p)",
    "less.outer": "np.less.outer(x, y)",
}


def forms() -> list[Form]:
    """All of them, in the module `numpy`."""
    made: list[Form] = []
    for letter, names in UNARY.items():
        number = {"x": "s", "u": "s", "p": "s", "g": "c"}[letter]
        made += with_names("numpy", f"np.*({letter})\nnp.*({number})", names.split())
        ufuncs = [name for name in names.split() if name not in ("sinc", "i0")]
        made += with_names("numpy", f"np.*({letter}, where=b, out=np.ones(5))", ufuncs)
    made += with_names("numpy", "np.*(z)", COMPLEX)
    made += with_names("numpy", "np.*(x)\nnp.*(s)", STEPS)
    for letters, names in BINARY.items():
        first, second = letters.split(", ")
        lines = f"np.*({letters})\nnp.*({first}, s)\nnp.*(c, {second})\nnp.*(W, {'p4'})"
        made += with_names("numpy", f"{lines}\nnp.*({letters}, where=b, out=np.ones(5))",
                           names.split())  # fmt: skip
    made += with_names("numpy", "np.*(z, 1j - 0.5 * z)", COMPLEX_PAIRS)
    made += with_names("numpy", "np.*(x, y)\nnp.*(A, 0.3)", COMPARING)
    made += with_names("numpy", "np.*(k, l)", BITS)
    made += with_names("numpy", "np.*(k, 2)", SHIFTS)
    return made + written("numpy", OTHERS) + written("numpy", METHODS)
