"""Forms of Python's `math`, of `numpy.polynomial`, and of what Python itself does with arrays."""

# ruff: noqa: E501 (forms are one line each)
from __future__ import annotations

from forms import Form, with_names, written

OF_ONE = {
    "s": """sin cos tan asin acos atan sinh cosh tanh asinh atanh exp expm1 log log1p log2 log10 sqrt
            fabs degrees radians erf erfc gamma lgamma cbrt exp2""",
    "c": "acosh",
}
MATH = {
    "atan2": "math.atan2(s, c)", "pow": "math.pow(s, c)", "hypot": "math.hypot(s, c, 2.0)",
    "fmod": "math.fmod(c, s)", "remainder": "math.remainder(c, s)",
    "copysign": "math.copysign(s, -c)", "log": "math.log(s, 1 + c)\nmath.log(s)",
    "ldexp": "math.ldexp(s, 3)", "dist": "math.dist([s, 1.0], (c, 2.0))",
    "fsum": "math.fsum([s, c, 3.0])", "prod": "math.prod([s, c, 2.0], start=3)",
    "modf": "math.modf(5 * s)[0] * c", "frexp": "math.frexp(7 * s)[0] * c",
    "floor": "math.floor(3 * s) * c\nmath.floor(s)", "ceil": "math.ceil(3 * s) * c",
    "trunc": "math.trunc(3 * s) * c", "nextafter": "math.nextafter(s, 2.0)", "ulp": "math.ulp(s)",
    "isfinite": "math.isfinite(s) * c", "isinf": "math.isinf(s) * c + s",
    "isnan": "math.isnan(s) * c + s", "isclose": "math.isclose(s, c) * c + s",
    "comb": "math.comb(5, 2) * s", "perm": "math.perm(5, 2) * s", "gcd": "math.gcd(6, 4) * s",
    "lcm": "math.lcm(6, 4) * s", "isqrt": "math.isqrt(9) * s", "factorial": "math.factorial(4) * s",
}  # fmt: skip
CMATH = {
    **{name: f"cmath.{name}(z[0])\ncmath.{name}(s)" for name in (
        "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
        "atanh", "exp", "log10", "sqrt", "phase", "polar")},
    "log": "cmath.log(z[0])\ncmath.log(z[0], c)",
    "rect": "cmath.rect(s, c)",
    **{name: f"cmath.{name}(z[0]) * s" for name in ("isfinite", "isinf", "isnan")},
    "isclose": "cmath.isclose(z[0], z[1]) * s",
}  # fmt: skip
SCIMATH = {
    **{name: f"np.emath.{name}(p)\nnp.emath.{name}(x)" for name in ("sqrt", "log", "log2", "log10")},
    "logn": "np.emath.logn(2, p)\nnp.emath.logn(3, x)",
    "power": "np.emath.power(x, 0.5)\nnp.emath.power(p, q)",
    **{name: f"np.emath.{name}(u)\nnp.emath.{name}(g)" for name in ("arccos", "arcsin", "arctanh")},
}  # fmt: skip
PYTHON = {
    "max, min": "max(x[0], x[1])\nmin([x[0], x[1], 0.5])\nmax(x)",
    "sum": "sum(t * t for t in x)\nsum([s, c], 1.0)",
    "sorted": "sorted([x[0], x[1], 0.3])[0]",
    "zip, map, enumerate": "[a * e + n for n, (a, e) in enumerate(zip(x, y))]\nlist(map(np.sin, x))",
    "reversed": "list(reversed([s, c]))",
    "abs": "abs(x)\nabs(s)\nabs(z)",
    "round": "round(s, 1) + s",
    "pow": "pow(p, 2)\npow(s, c)",
    "divmod": "divmod(c, s)",
    "functools.reduce": "functools.reduce(lambda a, e: a * e, x)",
    "complex": "(s + 1j * c) ** 2\nnp.abs(np.exp(1j * x)) + x",
    "conditional": "x[0] if s < c else x[1]",
    "f-string": "x * len(f'{1.5}')",
    "statistics": "statistics.mean(x)",
    "fractions": "Fraction(s)",
}
BASES = {"polynomial": "poly", "chebyshev": "cheb", "legendre": "leg", "hermite": "herm",
         "hermite_e": "herme", "laguerre": "lag"}  # fmt: skip
CLASSES = {"polynomial": "Polynomial", "chebyshev": "Chebyshev", "legendre": "Legendre",
           "hermite": "Hermite", "hermite_e": "HermiteE", "laguerre": "Laguerre"}  # fmt: skip
OF_A_BASIS = {  # & is the module, + its prefix
    "val": "&.+val(x, v3)\n&.+val(s, v3)\n&.+val(x, B)\n&.+val(x[:3], B, tensor=False)"
           "\n&.+val(x, [1.0, s, 2.0])",
    "val2d": "&.+val2d(x, y, A)",
    "val3d": "&.+val3d(x, y, x * y, C)",
    "grid2d": "&.+grid2d(x, v3, A)",
    "grid3d": "&.+grid3d(x[:2], v3, v4, C)",
    "vander": "&.+vander(x, 3)",
    "vander2d": "&.+vander2d(x, y, [1, 2])",
    "vander3d": "&.+vander3d(x, y, x * y, [1, 2, 1])",
    "der": "&.+der(v4)\n&.+der(A, 2, axis=1)",
    "int": "&.+int(v4)\n&.+int(v4, 2, k=[1, 2], lbnd=0.3)",
    "fit": "&.+fit(r, x, 2)\n&.+fit(r, x, 1, w=p)",
    "add": "&.+add(v3, v4)",
    "sub": "&.+sub(v3, v4)",
    "mul": "&.+mul(v3, w3)",
    "mulx": "&.+mulx(v3)",
    "div": "&.+div(x, w3)",
    "pow": "&.+pow(v3, 2)",
    "fromroots": "&.+fromroots(v3)",
    "roots": "&.+roots([0.3 * s, 1.0, -1.0 - s, 0.5])",
    "companion": "&.+companion(p4)",
    "line": "&.+line(s, c)",
    "trim": "&.+trim(v4)",
    "2poly": "&.+2poly(v3)",
    "gauss": "&.+gauss(3)[0] * s",
    "weight": "&.+weight(u)",
}  # fmt: skip
OF_A_CLASS = {
    "__call__": "&.=([1.0, 2, 3], domain=[0, 2])(x)\n&.=(v3)(x)",
    "deriv, integ": "&.=(v3).deriv()(x)\n&.=(v3).integ(k=1)(x)",
    "fit": "&.=.fit(r, x, 2)(0.3)",
    "arithmetic": "(&.=(v3) * &.=([1.0, 2]) - 2 * &.=(v3))(x)",
}


def forms() -> list[Form]:
    """All of them."""
    made: list[Form] = []
    for letter, names in OF_ONE.items():
        made += with_names("math", f"math.*({letter})", names.split())
    made += written("math", MATH)
    made += written("cmath", CMATH) + written("numpy.emath", SCIMATH)
    made += written("Python", PYTHON)
    for module, prefix in BASES.items():
        full = f"polynomial.{module}"
        table = {
            f"{prefix}{name}": lines.replace("&", full).replace("+", prefix)
            for name, lines in OF_A_BASIS.items()
            if not (module == "polynomial" and name in ("companion", "2poly", "gauss", "weight"))
        }
        table |= {
            f"{CLASSES[module]}: {name}":
            lines.replace("&", "polynomial").replace("=(", f"{CLASSES[module]}(")
                 .replace("=.", f"{CLASSES[module]}.")
            for name, lines in OF_A_CLASS.items()
        }  # fmt: skip
        if module == "polynomial":
            table["polyvalfromroots"] = "polynomial.polynomial.polyvalfromroots(x, v3)"
            table["polycompanion"] = "polynomial.polynomial.polycompanion(p4)"
        else:
            table[f"poly2{prefix}"] = f"{full}.poly2{prefix}(v3)"
        if module == "chebyshev":
            table |= {
                "chebinterpolate": f"{full}.chebinterpolate(lambda t: s * t**2, 3)",
                "chebpts1": f"{full}.chebpts1(4) @ v4", "chebpts2": f"{full}.chebpts2(4) @ v4",
            }  # fmt: skip
        made += written(f"numpy.polynomial.{module}", table, slope=1e-5)
    return made
