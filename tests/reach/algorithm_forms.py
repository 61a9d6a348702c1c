"""Forms of SciPy's algorithms: integrals, roots and minima, curves, sparse matrices, places."""

# ruff: noqa: E501 (forms are one line each)
from __future__ import annotations

from forms import Form, with_names, written

INTEGRATE = {
    "trapezoid": "integrate.trapezoid(x, r)\nintegrate.trapezoid(A, dx=s, axis=0)",
    "simpson": "integrate.simpson(x, x=r)\nintegrate.simpson(A, dx=0.3, axis=1)",
    "cumulative_trapezoid": "integrate.cumulative_trapezoid(x, r, initial=0)"
                            "\nintegrate.cumulative_trapezoid(A, axis=0)",
    "cumulative_simpson": "integrate.cumulative_simpson(x, x=r)"
                          "\nintegrate.cumulative_simpson(A, dx=s, axis=1)",
    "romb": "integrate.romb(x, dx=0.3)",
    "quad": """integrate.quad(lambda t: np.exp(-s * t**2), 0.0, c)[0]
               integrate.quad(lambda t: np.exp(-s * t**2), -np.inf, np.inf)[0]
               integrate.quad(lambda t, a, e: np.sin(a * t) * e, 0.0, 1.0, args=(s, c))[0]
               integrate.quad(lambda t: np.exp(-c * t), 0, np.inf, weight='cos', wvar=2.0)[0]""",
    "quad_vec": "integrate.quad_vec(lambda t: np.exp(-s * t * np.arange(3.0)), 0.0, c)[0]",
    "fixed_quad": "integrate.fixed_quad(lambda t: np.exp(-s * t), 0.0, c, n=4)[0]",
    "dblquad": "integrate.dblquad(lambda t, e: np.exp(-s * e * t), 0, c, 0, lambda e: e)[0]",
    "tplquad": "integrate.tplquad(lambda a, t, e: s * e * t * a, 0, 1, 0, c, 0, 1)[0]",
    "nquad": "integrate.nquad(lambda a, e: s * a * e**2, [(0.0, c), (0.0, 1.0)])[0]",
    "tanhsinh": "integrate.tanhsinh(lambda t: s * t, 0.0, 1.0).integral",
    "cubature": "integrate.cubature(lambda t: s * t[:, 0], [0.0], [1.0]).estimate",
    "nsum": "integrate.nsum(lambda t: s / t**2, 1, np.inf).sum",
    "qmc_quad": "integrate.qmc_quad(lambda t: s * t[0], 0.0, 1.0, n_points=8).integral",
    "newton_cotes": "integrate.newton_cotes(3)[0] @ v4",
}  # fmt: skip
EQUATIONS = {
    "odeint": """integrate.odeint(lambda e, t: -s * e, c, [0.0, 0.5, 1.0], rtol=1e-10, atol=1e-10)
        integrate.odeint(lambda e, t, a: [e[1], -a * e[0]], v3[:2], [0.0, 1.0], args=(s,), rtol=1e-10, atol=1e-10)""",
    "solve_ivp": "\n".join(
        f"integrate.solve_ivp(lambda t, e: [e[1], -s * e[0]], (0.0, 1.0), [c, 0.5], '{method}',"
        " [0.3, 1.0], rtol=1e-9, atol=1e-10).y" for method in ("RK45", "DOP853", "Radau", "LSODA")),
    "solve_bvp": "integrate.solve_bvp(lambda t, e: np.vstack([e[1], -s * e[0]]), lambda a, e:"
                 " np.array([a[0], e[0] - 1]), [0, 0.5, 1.0], np.ones((2, 3))).y[0]",
    "ode": "integrate.ode(lambda t, e: -s * e).set_initial_value(c).integrate(1.0)",
}  # fmt: skip
ROOTS = {
    "brentq": "optimize.brentq(lambda t: t**3 + t - s, 0.0, 3.0)"
              "\noptimize.brentq(lambda t, a: t**3 + t - a, 0.0, 3.0, args=(s,))",
    "brenth": "optimize.brenth(lambda t: t**3 + t - s, 0.0, 3.0)",
    "bisect": "optimize.bisect(lambda t: t**3 + t - s, 0.0, 3.0)",
    "ridder": "optimize.ridder(lambda t: t**3 + t - s, 0.0, 3.0)",
    "toms748": "optimize.toms748(lambda t: t**3 + t - s, 0.0, 3.0)",
    "newton": "optimize.newton(lambda t: t**3 + t - s, 1.0)"
              "\noptimize.newton(lambda t: t**3 + t - s, 1.0, fprime=lambda t: 3 * t**2 + 1)"
              "\noptimize.newton(lambda t: t**2 - p, np.ones(5))",
    "root_scalar": "optimize.root_scalar(lambda t: t**3 + t - s, bracket=[0.0, 3.0]).root",
    "fixed_point": "optimize.fixed_point(lambda t: np.cos(s * t), 0.5)",
    "root": "\n".join(
        f"optimize.root(lambda t: [t[0] + 0.3 * np.sin(t[1]) - s, t[1] + t[0]**2 - c], [0.0, 0.0], method='{m}', tol=1e-12).x"
        for m in ("hybr", "lm", "krylov")),
    "fsolve": "optimize.fsolve(lambda t: t**3 + t - p, np.ones(5), xtol=1e-12)",
    "linear_sum_assignment": "optimize.linear_sum_assignment(A)[1]",
    "broyden1": "optimize.broyden1(lambda t: t**3 + t - p, np.ones(5))",
    "anderson": "optimize.anderson(lambda t: t**3 + t - p, np.ones(5))",
    "newton_krylov": "optimize.newton_krylov(lambda t: t**3 + t - p, np.ones(5))",
}  # fmt: skip
QUADRATIC = "lambda t: (t[0] - s)**2 + 2 * c * (t[1] - t[0])**2"
MINIMA = {
    "minimize": "\n".join(
        f"optimize.minimize({QUADRATIC}, [0.0, 0.0], method={m!r}, tol=1e-10).x"
        for m in ("BFGS", "L-BFGS-B", "Nelder-Mead", "SLSQP", "trust-constr"))
        + f"\noptimize.minimize({QUADRATIC}, [0.0, 0.0], bounds=[(-1, 5), (-1, 5)], tol=1e-10).fun"
        f"\noptimize.minimize({QUADRATIC}, [0.0, 0.0],"
        " constraints={'type': 'eq', 'fun': lambda t: t[0] - t[1]}).x",
    "minimize_scalar": "optimize.minimize_scalar(lambda t: (t - s)**2 + c).x"
                       "\noptimize.minimize_scalar(lambda t: (t - s)**2, bounds=(0, 2)).x",
    "fmin": f"optimize.fmin({QUADRATIC}, [0.0, 0.0], disp=False, xtol=1e-9, ftol=1e-12)",
    "fmin_bfgs": f"optimize.fmin_bfgs({QUADRATIC}, [0.0, 0.0], disp=False, gtol=1e-9)",
    "fmin_cg": f"optimize.fmin_cg({QUADRATIC}, [0.0, 0.0], disp=False, gtol=1e-9)",
    "fmin_l_bfgs_b": f"optimize.fmin_l_bfgs_b({QUADRATIC}, [0.0, 0.0], approx_grad=True, pgtol=1e-10, factr=1.0)[0]",
    "fmin_ncg": "optimize.fmin_ncg(lambda t: (t[0] - s)**2 * c, [0.0], lambda t: 2 * c * (t - s), disp=False)",
    "fmin_powell": f"optimize.fmin_powell({QUADRATIC}, [0.0, 0.0], disp=False, xtol=1e-9, ftol=1e-12)",
    "fminbound": "optimize.fminbound(lambda t: (t - s)**2, 0.0, 2.0, xtol=1e-9)",
    "brent": "optimize.brent(lambda t: (t - s)**2 + c, tol=1e-10)",
    "golden": "optimize.golden(lambda t: (t - s)**2 + c, tol=1e-10)",
    "least_squares": "optimize.least_squares(lambda t: t * r - x, [0.5], xtol=1e-12).x"
                     "\noptimize.least_squares(lambda t: t * r - x, [0.5], loss='huber', xtol=1e-12).x"
                     "\noptimize.least_squares(lambda t: t * r - x, [0.5], method='lm').x",
    "leastsq": "optimize.leastsq(lambda t: t * r - x, [0.5])[0]",
    "curve_fit": "optimize.curve_fit(lambda e, a: a * np.sin(e), r, x, [0.5])[0]"
                 "\noptimize.curve_fit(lambda e, a: a * np.sin(e), r, x, [0.5], sigma=p)[1]",
    "nnls": "optimize.nnls(W.T @ W + np.eye(4), p4 + 2)[1]",
    "lsq_linear": "optimize.lsq_linear(B, v4).x",
    "linprog": "optimize.linprog([s, 1.0], bounds=(0, 1)).fun",
    "milp": "optimize.milp([s, 1.0]).fun",
    "differential_evolution": "optimize.differential_evolution(lambda t: (t[0] - s)**2, [(0, 5)], rng=0).fun",
    "dual_annealing": "optimize.dual_annealing(lambda t: (t[0] - s)**2, [(0, 5)], rng=0, maxiter=5).fun",
    "shgo": "optimize.shgo(lambda t: (t[0] - s)**2, [(0, 5)]).fun",
    "basinhopping": "optimize.basinhopping(lambda t: (t[0] - s)**2, [0.0], 2, rng=0).fun",
    "brute": "optimize.brute(lambda t: (t[0] - s)**2, [(0, 5)])[0]",
    "direct": "optimize.direct(lambda t: (t[0] - s)**2, [(0, 5)]).fun",
    "approx_fprime": "optimize.approx_fprime(np.ones(2), lambda t: s * t[0] * t[1])",
    "rosen": "optimize.rosen(x)",
    "rosen_der": "optimize.rosen_der(x)",
    "rosen_hess": "optimize.rosen_hess(x)",
}  # fmt: skip
AT = "[0.05, 0.3, 0.41, 0.77]"
GRID = "np.arange(3.0), np.arange(4.0)"
POINTS = "[[0.3, 1.2], [1.6, 2.1]]"
CURVES = {
    **{kind: f"""interpolate.{kind}(r, x)({AT})
                 interpolate.{kind}(r, x)(0.2 * p, 1)
                 interpolate.{kind}(r, x).derivative()({AT})
                 interpolate.{kind}(r, x).antiderivative()({AT})
                 interpolate.{kind}(r, x).integrate(0.1 * s, 0.4 * c)"""
       for kind in ("CubicSpline", "PchipInterpolator", "Akima1DInterpolator")},
    "CubicHermiteSpline": f"interpolate.CubicHermiteSpline(r, x, y)({AT})",
    "BSpline": """interpolate.BSpline([0, 0, 0, 0, 1, 2, 2, 2, 2.0], x, 3)(s)
                  interpolate.BSpline([0, 0, 0, 0, 1, 2, 2, 2, 2.0], x, 3)(s, 1)
                  interpolate.BSpline([0, 0, 0, 0, 1, 2, 2, 2, 2.0], x, 3).derivative()(c)
                  interpolate.BSpline([0, 0, 0, 0, 1, 2, 2, 2, 2.0], x, 3).antiderivative()(c)
                  interpolate.BSpline([0, 0, 0, 0, 1, 2, 2, 2, 2.0], x, 3).integrate(s, c)""",
    "PPoly": """interpolate.PPoly(A, [0.0, 0.4, 0.8, 1.2, 2.0])(s)
                interpolate.PPoly(A, [0.0, 0.4, 0.8, 1.2, 2.0]).derivative()(c)
                interpolate.PPoly(A, [0.0, 0.4, 0.8, 1.2, 2.0]).antiderivative()(c)
                interpolate.PPoly(A, [0.0, 0.4, 0.8, 1.2, 2.0]).integrate(s, c)""",
    "BPoly": "interpolate.BPoly(A, [0.0, 0.4, 0.8, 1.2, 2.0])(s)",
    "interp1d": "\n".join(
        f"interpolate.interp1d(r, x, '{kind}', fill_value='extrapolate')({AT})"
        for kind in ("linear", "nearest", "previous", "zero", "slinear", "quadratic", "cubic"))
        + "\ninterpolate.interp1d([0.0, 1.0, 2.0], v3)(s)",
    "make_interp_spline": f"interpolate.make_interp_spline(r, x)({AT})"
                          f"\ninterpolate.make_interp_spline(r, x, k=2)({AT})",
    "make_lsq_spline": f"interpolate.make_lsq_spline(r8, x8, np.array([-0.1]*4 + [8.0]*4))({AT})",
    "make_smoothing_spline": f"interpolate.make_smoothing_spline(r8, x8, lam=0.1)({AT})",
    "make_splrep": f"interpolate.make_splrep(r8, x8, s=0)({AT})",
    "make_splprep": "interpolate.make_splprep([x8, y8], u=np.arange(8.0))[0](0.3)",
    "splrep": "interpolate.splev(0.4, interpolate.splrep(r8, x8))"
              "\ninterpolate.splev(0.4, interpolate.splrep(r8, x8, s=0.5))",
    "splev": "interpolate.splev(s, interpolate.splrep(np.arange(5.0), x))"
             "\ninterpolate.splev(s, interpolate.splrep(np.arange(5.0), x), der=1)",
    "splint": "interpolate.splint(s, c, interpolate.splrep(np.arange(5.0), x))",
    "splder": "interpolate.splev(s, interpolate.splder(interpolate.splrep(np.arange(5.0), x)))",
    "splantider": "interpolate.splev(s, interpolate.splantider(interpolate.splrep(np.arange(5.0), x)))",
    "spalde": "interpolate.spalde(s, interpolate.splrep(np.arange(5.0), x))",
    "sproot": "interpolate.sproot(interpolate.splrep(np.arange(8.0), x8))",
    "splprep": "interpolate.splprep([x8, y8], u=np.arange(8.0), s=0)[0][1][0]",
    "insert": "interpolate.insert(0.5, interpolate.splrep(np.arange(8.0), x8))[1]",
    "UnivariateSpline": "interpolate.UnivariateSpline(r8, x8, s=0)(0.4)"
                        "\ninterpolate.UnivariateSpline(np.arange(5.0), [1, 3, 2, 5, 4.0], s=0)(c)"
                        "\ninterpolate.UnivariateSpline(np.arange(5.0), [1, 3, 2, 5, 4.0], s=0).integral(s, c)"
                        "\ninterpolate.UnivariateSpline(r8, x8, s=0.5)(0.4)",
    "InterpolatedUnivariateSpline": "interpolate.InterpolatedUnivariateSpline(r8, x8)(s)",
    "LSQUnivariateSpline": "interpolate.LSQUnivariateSpline(np.arange(8.0), x8, [3.5])(c)",
    "RectBivariateSpline": f"interpolate.RectBivariateSpline({GRID}, A, kx=2)(s, c)"
                           f"\ninterpolate.RectBivariateSpline({GRID}, A, kx=2).ev(s, c)",
    "SmoothBivariateSpline": "interpolate.SmoothBivariateSpline(r8, x8, y8, kx=1, ky=1).ev(s, c)",
    "BivariateSpline": f"interpolate.RectBivariateSpline({GRID}, A, kx=2).integral(0.0, s, 0.0, c)",
    "LSQBivariateSpline": "interpolate.LSQBivariateSpline(r8, x8, y8, [], [], kx=1, ky=1).ev(s, c)",
    "NdBSpline": "interpolate.NdBSpline(([0, 0, 1, 2, 2.0],), v3, 1)([[s]])",
    "NdPPoly": "interpolate.NdPPoly(A[:, :, None, None][:3, :, 0], (np.arange(5.0),))([[s]])",
    "bisplev": "interpolate.bisplev(s, c, [[0, 0, 2, 2.0], [0, 0, 2, 2.0], v4, 1, 1])",
    "bisplrep": "interpolate.bisplrep(r8, x8, y8, kx=1, ky=1)[2]",
    "RegularGridInterpolator": "\n".join(
        f"interpolate.RegularGridInterpolator((np.arange(4.0), np.arange(4.0)), P, '{m}')({POINTS})"
        for m in ("linear", "nearest", "slinear", "cubic", "pchip"))
        + f"\ninterpolate.RegularGridInterpolator(({GRID}), np.eye(3, 4))([[s, c]])",
    "interpn": f"interpolate.interpn(({GRID}), A, {POINTS})\ninterpolate.interpn(({GRID}), A, [[s, c]])",
    "griddata": "interpolate.griddata([[0, 0], [1, 0], [0, 1], [1, 1.0]], v4, [[s * 0.5, 0.2]])",
    "LinearNDInterpolator": "interpolate.LinearNDInterpolator([[0, 0], [1, 0], [0, 1.0]], v3)([[0.3, 0.2]])",
    "NearestNDInterpolator": "interpolate.NearestNDInterpolator([[0, 0], [1, 0], [0, 1.0]], v3)([[0.3, 0.2]])",
    "CloughTocher2DInterpolator": "interpolate.CloughTocher2DInterpolator([[0, 0], [1, 0], [0, 1.0]], v3)([[0.3, 0.2]])",
    "RBFInterpolator": "interpolate.RBFInterpolator(B, v4, degree=0)(np.eye(3))"
                       "\ninterpolate.RBFInterpolator(B, v4, kernel='gaussian', epsilon=1.0)(np.eye(3))",
    "Rbf": "interpolate.Rbf(r, x)(s)",
    "BarycentricInterpolator": f"interpolate.BarycentricInterpolator(r, x)({AT})",
    "KroghInterpolator": f"interpolate.KroghInterpolator(r, x)({AT})",
    "FloaterHormannInterpolator": f"interpolate.FloaterHormannInterpolator(r, x)({AT})",
    "barycentric_interpolate": f"interpolate.barycentric_interpolate(r, x, {AT})",
    "krogh_interpolate": f"interpolate.krogh_interpolate(r, x, {AT})",
    "pchip_interpolate": f"interpolate.pchip_interpolate(r, x, {AT})",
    "lagrange": "interpolate.lagrange([0.0, 1.0, 2.0], v3)(s)",
    "approximate_taylor_polynomial": "interpolate.approximate_taylor_polynomial(lambda t: s * t**2, 0.0, 2, 1.0)(0.3)",
    "AAA": "interpolate.AAA(r, x)(0.4)",
}  # fmt: skip
SPARSE = {
    **{f"{kind}_array": f"sparse.{kind}_array(np.diag([1.0, 2, 3, 4], 0)) @ B"
                        f"\nv4 @ sparse.{kind}_array(np.eye(4))"
                        f"\nsparse.{kind}_array(np.eye(4)).dot(v4)"
       for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")},
    **{f"{kind}_matrix": f"sparse.{kind}_matrix(np.eye(4)) @ v4\nsparse.{kind}_matrix(np.eye(4)) * B"
       for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")},
    "sum with arrays": "sparse.csr_array(np.eye(3, 4)) + A\nA - sparse.csr_array(np.eye(3, 4))",
    "multiply": "sparse.csr_array(np.eye(4)).multiply(v4) @ v4",
    "traced entries": "sparse.csr_array((v4, ([0, 1, 2, 3], [0, 1, 2, 3]))) @ v4",
    "traced factor": "(sparse.csr_array(np.eye(4)) * s) @ v4",
    "diags": "sparse.diags(v4) @ v4",
}  # fmt: skip
PLAIN = "np.eye(4) * 3 + np.eye(4, k=1)"
SYMMETRIC = "np.eye(4) * 3 + np.eye(4, k=1) + np.eye(4, k=-1)"
SOLVERS = {
    "spsolve": f"sparse_linalg.spsolve(sparse.csc_array({PLAIN}), v4)\nsparse_linalg.spsolve(sparse.csc_array({PLAIN}), B)",
    "spsolve_triangular": f"sparse_linalg.spsolve_triangular(sparse.csr_array(({PLAIN}).T), v4)",
    "splu": f"sparse_linalg.splu(sparse.csc_array({PLAIN})).solve(v4)",
    "spilu": f"sparse_linalg.spilu(sparse.csc_array({PLAIN})).solve(v4)",
    "factorized": f"sparse_linalg.factorized(sparse.csc_array({PLAIN}))(v4)",
    **{name: f"sparse_linalg.{name}(sparse.csr_array({SYMMETRIC}), v4, rtol=1e-13)[0]"
       for name in ("cg", "minres", "gmres", "bicgstab", "bicg", "cgs", "lgmres", "gcrotmk", "qmr",
                    "tfqmr")},
    "expm_multiply": f"sparse_linalg.expm_multiply(sparse.csr_array({PLAIN}) * 0.1, v4)",
    "lsqr": f"sparse_linalg.lsqr(sparse.csr_array({PLAIN}), v4)[0]",
    "lsmr": f"sparse_linalg.lsmr(sparse.csr_array({PLAIN}), v4)[0]",
    "eigsh": "sparse_linalg.eigsh(P, 2, v0=np.ones(4))[0]",
    "svds": "sparse_linalg.svds(S, 2, v0=np.ones(4))[1]",
    "aslinearoperator": "sparse_linalg.aslinearoperator(S) @ v4",
}  # fmt: skip
METRICS = [
    "braycurtis",
    "canberra",
    "chebyshev",
    "cityblock",
    "correlation",
    "cosine",
    "euclidean",
    "sqeuclidean",
    "minkowski",
    "jensenshannon",
]
TRUTHS = ["hamming", "jaccard", "dice", "yule", "rogerstanimoto", "russellrao", "sokalsneath"]
DISTANCE = {
    "mahalanobis": "distance.mahalanobis(v4, p4, P)",
    "seuclidean": "distance.seuclidean(x, y, p)",
    "directed_hausdorff": "distance.directed_hausdorff(A, D)[0]",
    "cdist": "\n".join(f"distance.cdist(W, W[::-1] ** 2 + 1, '{m}')" for m in METRICS)
    + "\ndistance.cdist(A, D, 'mahalanobis', VI=P)\ndistance.cdist(A, D, 'yule')",
    "pdist": "distance.pdist(A)\ndistance.pdist(W, 'cosine')\ndistance.pdist(A, 'minkowski', p=3)",
    "squareform": "distance.squareform(v3)",
}
SPATIAL = {
    "distance_matrix": "spatial.distance_matrix(A, D)\nspatial.distance_matrix(A, D, p=3)",
    "minkowski_distance": "spatial.minkowski_distance(A, D)",
    "minkowski_distance_p": "spatial.minkowski_distance_p(A, D)",
    "KDTree": "spatial.KDTree(np.eye(4)).query(A)[0]\nspatial.KDTree(B).query(np.eye(3))[0]",
    "cKDTree": "spatial.cKDTree(np.eye(4)).query(A)[0]",
    "procrustes": "spatial.procrustes(A, D)[2]",
    "geometric_slerp": "spatial.geometric_slerp([1.0, 0], [0, 1.0], s)",
    "ConvexHull": "spatial.ConvexHull(B).volume",
    "Delaunay": "spatial.Delaunay(B).simplices",
}
ROTATION = {
    **{
        f"Rotation.{name}": f"Rotation.from_quat(v4).{name}()\nRotation.from_quat(M[0]).{name}()"
        for name in ("as_quat", "as_matrix", "as_rotvec", "as_mrp", "magnitude")
    },
    "Rotation.as_euler": "Rotation.from_quat(v4).as_euler('xyz')\nRotation.from_quat(M[0]).as_euler('ZYX', degrees=True)",
    "Rotation.from_quat": "Rotation.from_quat(v4, scalar_first=True).as_matrix()",
    "Rotation.from_euler": "Rotation.from_euler('z', s).as_quat()\nRotation.from_euler('ZYX', v3).as_matrix()"
    "\nRotation.from_euler('xy', [s, c], degrees=True).as_matrix()",
    "Rotation.from_rotvec": "Rotation.from_rotvec(v3).as_matrix()\nRotation.from_rotvec(B).as_quat()",
    "Rotation.from_mrp": "Rotation.from_mrp(w3).as_matrix()",
    "Rotation.from_matrix": "Rotation.from_matrix(np.eye(3) + 0.1 * A[:, :3]).as_quat()",
    "Rotation.apply": "Rotation.from_quat(v4).apply(v3)\nRotation.from_quat(v4).apply(B, inverse=True)",
    "Rotation.inv": "Rotation.from_quat(v4).inv().as_matrix()",
    "Rotation.__mul__": "(Rotation.from_quat(v4) * Rotation.from_rotvec(v3)).as_matrix()",
    "Rotation.__pow__": "(Rotation.from_quat(v4) ** s).as_matrix()",
    "Rotation.__getitem__": "Rotation.from_rotvec(B)[1:3].as_matrix()",
    "Rotation.__init__": "Rotation(v4).as_matrix()",
    "Rotation.concatenate": "Rotation.concatenate([Rotation.from_rotvec(v3), Rotation.from_quat(v4)]).as_matrix()",
    "Rotation.approx_equal": "Rotation.from_rotvec(v3).approx_equal(Rotation.from_rotvec(w3))",
    "Rotation.mean": "Rotation.from_rotvec(B).mean().as_quat()",
    "Rotation.align_vectors": "Rotation.align_vectors(B, B[::-1])[0].as_quat()",
    "Rotation.from_davenport": "Rotation.from_davenport(np.eye(3), 'e', v3).as_quat()",
    "Rotation.reduce": "Rotation.from_rotvec(v3).reduce().as_quat()",
    "Rotation.__setitem__": "after_item(Rotation.from_rotvec(B), 0, Rotation.from_rotvec(v3)).as_matrix()",
    "Rotation.as_davenport": "Rotation.from_rotvec(v3).as_davenport(np.eye(3), 'e')",
    "RotationSpline": "RotationSpline([0.0, 1.0, 2.0, 3.0], Rotation.from_rotvec(B))(c).as_matrix()",
    "Slerp": "Slerp([0.0, 1.0, 2.0, 3.0], Rotation.from_rotvec(B))(c).as_matrix()",
}


def forms() -> list[Form]:
    """All of them."""
    made = written("scipy.integrate", INTEGRATE, step=1e-3)
    made += written("scipy.integrate", EQUATIONS, rtol=1e-6, slope=1e-4, step=1e-2)
    made += written("scipy.optimize", ROOTS, rtol=1e-6, slope=1e-4, step=1e-3)
    made += written("scipy.optimize", MINIMA, rtol=1e-5, slope=2e-3, step=1e-2)
    made += written("scipy.interpolate", CURVES, rtol=1e-9, slope=1e-5, step=1e-4)
    made += written("scipy.sparse", SPARSE)
    made += written("scipy.sparse.linalg", SOLVERS, rtol=1e-8, slope=1e-5)
    made += with_names(
        "scipy.spatial.distance",
        "distance.*(p, q)\ndistance.*(p, q, w=W[0, 0] + r)",
        [name for name in METRICS if name not in ("sqeuclidean", "jensenshannon")],
    )
    made += with_names(
        "scipy.spatial.distance", "distance.*(p, q)", ["sqeuclidean", "jensenshannon"]
    )
    made += with_names("scipy.spatial.distance", "distance.*(p > 1, q > 1)", TRUTHS)
    made += written("scipy.spatial.distance", DISTANCE)
    made += written("scipy.spatial", SPATIAL)
    return made + written("scipy.spatial.transform", ROTATION)
