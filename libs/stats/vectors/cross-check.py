# Over 300 lines: it is one list, a call or a few for each function, on one stream of seeded random numbers.
# Makes cross-checked.json: the results of scipy, statsmodels, gbstats and river on seeded random data, in the format of
# vectors.json.
#   pip install scipy==1.17.1 statsmodels==0.15.0 river==0.26.1 mpmath pydantic && pip install --no-deps gbstats==0.8.0
#   python3 cross-check.py > cross-checked.json
# gbstats 0.8.0 is older than the commit that vectors.json was made from: CUPED of proportions (whose covariance it
# divides by n - 1) is left out.
import json, math, random, sys
import numpy as np, scipy.stats as st, scipy.special as sp
from scipy.spatial.distance import jensenshannon
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest, confint_proportions_2indep
from statsmodels.stats.power import TTestIndPower, NormalIndPower

rng = np.random.default_rng(20261123)
random.seed(7)
out = []


def fin(x):
    if isinstance(x, dict):
        return {k: fin(v) for k, v in x.items()}
    if isinstance(x, (list, tuple, np.ndarray)):
        return [fin(v) for v in x]
    if isinstance(x, (np.bool_, bool)):
        return bool(x)
    if isinstance(x, (np.integer,)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        x = float(x)
        return "inf" if x == math.inf else "-inf" if x == -math.inf else x
    return x


def add(like, inp, exp, tol, source, tag=""):
    n = sum(1 for o in out if o["like"] == like) + 1
    out.append(
        {
            "name": f"x-{like}{tag}-{n}",
            "like": like,
            "input": fin(inp),
            "expected": fin(exp),
            "tolerance": tol,
            "source": source,
        }
    )


# --- kernel
calls = []
vals = []
F = {
    "t.cdf": st.t.cdf,
    "t.sf": st.t.sf,
    "t.ppf": st.t.ppf,
    "norm.sf": st.norm.sf,
    "norm.cdf": st.norm.cdf,
    "norm.ppf": st.norm.ppf,
    "chi2.sf": st.chi2.sf,
    "chi2.cdf": st.chi2.cdf,
    "chi2.ppf": st.chi2.ppf,
    "beta.cdf": st.beta.cdf,
    "beta.sf": st.beta.sf,
    "beta.ppf": st.beta.ppf,
    "gamma.cdf": st.gamma.cdf,
    "gamma.sf": st.gamma.sf,
    "gamma.ppf": st.gamma.ppf,
    "f.sf": st.f.sf,
    "f.cdf": st.f.cdf,
    "kolmogorov.sf": sp.kolmogorov,
}


def c(fn, *a):
    v = float(F[fn](*a))
    if v == 0 or not math.isfinite(v) or v < 1e-300:
        return
    calls.append({"fn": fn, "args": list(a)})
    vals.append(v)


for z in [-37, -30, -12.5, -8, -5, -1, -1e-8, 0.3, 2, 6]:
    c("norm.cdf", z)
    c("norm.sf", -z)
for p in [1e-300, 1e-100, 1e-17, 1e-9, 1e-4, 0.2, 0.5, 0.73, 0.999, 1 - 1e-10]:
    c("norm.ppf", p)
for df in [1, 1.5, 2, 3, 7.3, 30, 120.7, 999, 6460, 1e5, 1e6]:
    for t in [-60, -8, -2.3, -1e-6, 0.01, 1, 3.5, 25]:
        c("t.cdf", t, df)
        c("t.sf", t, df)
    for p in [1e-12, 1e-5, 0.03, 0.5000001, 0.9, 0.975, 0.99999]:
        c("t.ppf", p, df)
for df in [1, 2, 3, 9, 50, 313, 2000, 5000, 1e5, 1e6]:
    for q in [1e-12, 1e-4, 0.1, 0.5, 0.9, 0.9999]:
        x = float(st.chi2.ppf(q, df))
        c("chi2.cdf", x, df)
        c("chi2.sf", x, df)
        c("chi2.ppf", q, df)
    c("chi2.sf", df + 12 * math.sqrt(2 * df) + 40, df)
for a, b in [(0.5, 0.5), (1, 3), (2, 8), (0.1, 20), (50, 1), (1000, 1010), (1e5, 3e5), (30, 1e6), (1e6, 1e6)]:
    for q in [1e-10, 0.01, 0.3, 0.7, 0.999]:
        x = float(st.beta.ppf(q, a, b))
        c("beta.cdf", x, a, b)
        c("beta.sf", x, a, b)
        c("beta.ppf", q, a, b)
for a in [0.1, 0.5, 1, 4, 30, 500, 1e5]:
    for q in [1e-9, 0.02, 0.5, 0.98]:
        x = float(st.gamma.ppf(q, a))
        c("gamma.cdf", x, a)
        c("gamma.sf", x, a)
        c("gamma.ppf", q, a)
for d1, d2 in [(1, 1), (2, 10), (5, 3), (40, 200), (3, 1e5), (1000, 1000)]:
    for x in [0.01, 0.5, 1, 2.2, 9, 60]:
        c("f.sf", x, d1, d2)
        c("f.cdf", x, d1, d2)
for x in [0.2, 0.3, 0.5, 0.8, 0.999, 1.0001, 1.36, 2, 4, 8]:
    c("kolmogorov.sf", x)
for i in range(0, len(calls), 60):
    add("dist-kernel", {"calls": calls[i : i + 60]}, {"values": vals[i : i + 60]}, {"rel": 2e-9}, "scipy")
# --- log tails and quantiles of F, by mpmath to 700 digits, so that 1 - p keeps its own
import mpmath as mp

mp.mp.dps = 700
calls = []
vals = []


def L(fn, args, v):
    calls.append({"fn": fn, "args": list(args)})
    vals.append(float(mp.log(v)))


I = lambda x, a, b: mp.betainc(a, b, 0, x, regularized=True)
for z in [-3, -0.5, 0.5, 6, 30, 100, 1000]:
    v = mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2
    L("norm.logsf", [z], v)
    L("norm.logcdf", [-z], v)
for t, df in [(-2, 5), (0.5, 3), (10, 30), (1e4, 7.5), (1e8, 40), (50, 1000)]:
    x = mp.mpf(df) / (df + mp.mpf(t) ** 2)
    h = I(x, mp.mpf(df) / 2, mp.mpf(1) / 2) / 2
    v = h if t >= 0 else 1 - h
    L("t.logsf", [t, df], v)
    L("t.logcdf", [-t, df], v)
for x, df in [(1, 3), (50, 3), (3000, 3), (20, 100), (9000, 100), (1e-30, 4), (1e5, 2000)]:
    a, y = mp.mpf(df) / 2, mp.mpf(x) / 2
    L("chi2.logsf", [x, df], mp.gammainc(a, y, mp.inf, regularized=True))
    L("chi2.logcdf", [x, df], mp.gammainc(a, 0, y, regularized=True))
    L("gamma.logsf", [x, df], mp.gammainc(df, x, mp.inf, regularized=True))
    L("gamma.logcdf", [x, df], mp.gammainc(df, 0, x, regularized=True))
for x, a, b in [(0.3, 2, 3), (1e-50, 12, 4), (0.999999, 3, 80), (0.5, 2000, 10)]:
    m = mp.mpf(x)
    L("beta.logcdf", [x, a, b], I(m, a, b))
    L("beta.logsf", [x, a, b], I(1 - m, b, a))
for f, a, b in [(0.5, 3, 10), (9000, 3, 200), (1e-40, 20, 5), (2.2, 1000, 1000)]:
    m = mp.mpf(a) * f / (mp.mpf(b) + mp.mpf(a) * f)
    L("f.logcdf", [f, a, b], I(m, mp.mpf(a) / 2, mp.mpf(b) / 2))
    L("f.logsf", [f, a, b], I(1 - m, mp.mpf(b) / 2, mp.mpf(a) / 2))
for d1, d2 in [(1, 1), (2, 10), (5, 3), (40, 200), (1000, 1000)]:
    for q in [1e-8, 0.05, 0.5, 0.95, 0.99999]:
        calls.append({"fn": "f.ppf", "args": [q, d1, d2]})
        vals.append(float(st.f.ppf(q, d1, d2)))
add("dist-kernel", {"calls": calls}, {"values": vals}, {"rel": 1e-9}, "mpmath; scipy for F")
# --- t tests
for i in range(12):
    a = {"mean": rng.normal() * 10, "sd": rng.uniform(0.1, 9), "n": int(rng.integers(2, 500))}
    b = {"mean": a["mean"] + rng.normal(), "sd": rng.uniform(0.1, 9), "n": int(rng.integers(2, 500))}
    P = st.ttest_ind_from_stats(a["mean"], a["sd"], a["n"], b["mean"], b["sd"], b["n"])
    W = st.ttest_ind_from_stats(a["mean"], a["sd"], a["n"], b["mean"], b["sd"], b["n"], equal_var=False)
    add(
        "scipy-ttest-from-stats",
        {"a": a, "b": b},
        {"pooled": {"t": P[0], "p": P[1]}, "welch": {"t": W[0], "p": W[1]}},
        {"rel": 1e-9},
        "scipy",
    )
for i in range(6):
    o = rng.integers(1, 80, int(rng.integers(2, 12)))
    e = rng.uniform(1, 9, len(o))
    e = e * o.sum() / e.sum()
    r = st.chisquare(o)
    add("scipy-chisquare", {"observed": o}, {"chi2": r[0], "df": len(o) - 1, "p": r[1]}, {"rel": 1e-9}, "scipy")
    r = st.chisquare(o, e)
    add("scipy-chisquare-fexp", {"observed": o, "expected": e}, {"chi2": r[0], "p": r[1]}, {"rel": 1e-9}, "scipy")
    t = rng.integers(1, 60, (int(rng.integers(2, 5)), int(rng.integers(2, 6))))
    r = st.chi2_contingency(t, correction=False)
    add("scipy-chi2-contingency", {"table": t}, {"chi2": r[0], "df": r[2], "p": r[1]}, {"rel": 1e-9}, "scipy")
    L = list("abcdef")[: int(rng.integers(2, 7))]
    x = [random.choice(L) for _ in range(40)]
    y = [random.choice(L) for _ in range(55)]
    lab = sorted(set(x + y))
    r = st.chi2_contingency([[x.count(l) for l in lab], [y.count(l) for l in lab]], correction=False)
    add("frouros-chi2", {"reference": x, "current": y}, {"chi2": r[0], "p": r[1]}, {"rel": 1e-9}, "scipy")
# --- distances
for i in range(8):
    u = rng.normal(size=int(rng.integers(1, 40))).round(1)
    v = rng.normal(0.5, 2, size=int(rng.integers(1, 40))).round(1)
    uw = rng.uniform(0.1, 3, len(u))
    vw = rng.uniform(0.1, 3, len(v))
    add(
        "scipy-wasserstein",
        {"cases": [{"u": u, "v": v}, {"u": u, "v": v, "uw": uw, "vw": vw}]},
        {"distances": [st.wasserstein_distance(u, v), st.wasserstein_distance(u, v, uw, vw)]},
        {"rel": 1e-9, "abs": 1e-12},
        "scipy",
    )
    add(
        "scipy-energy",
        {"cases": [{"u": u, "v": v}, {"u": u, "v": v, "uw": uw, "vw": vw}]},
        {"distances": [st.energy_distance(u, v), st.energy_distance(u, v, uw, vw)]},
        {"rel": 1e-9, "abs": 1e-12},
        "scipy",
    )
    k = int(rng.integers(2, 9))
    p = rng.integers(0, 9, k)
    q = rng.integers(0, 9, k)
    p[0] += 1
    q[-1] += 1
    add(
        "scipy-jensenshannon",
        {"cases": [{"p": p, "q": q, "base": 2}, {"p": p, "q": q, "base": "e"}, {"p": p, "q": q, "base": 10}]},
        {"distances": [jensenshannon(p, q, 2), jensenshannon(p, q), jensenshannon(p, q, 10)]},
        {"rel": 1e-8, "abs": 1e-9},
        "scipy",
    )
    P, Q = p / p.sum(), q / q.sum()
    add(
        "ev-hellinger-cat",
        {"refCounts": p, "curCounts": q},
        {"distance": math.sqrt(max(0, 1 - np.sqrt(P * Q).sum()))},
        {"rel": 1e-8, "abs": 1e-8},
        "numpy",
    )
    e = rng.uniform(0.1, 3, k)
    e /= e.sum()
    a = rng.uniform(0.1, 3, k)
    a /= a.sum()
    add("psi-textbook", {"expected": e, "actual": a}, {"psi": ((a - e) * np.log(a / e)).sum()}, {"rel": 1e-10}, "numpy")
    r, cc = rng.integers(2, 50, k), rng.integers(2, 50, k)
    g = st.power_divergence(cc, r * cc.sum() / r.sum(), lambda_="log-likelihood")
    add("ev-g-test", {"refCounts": r, "curCounts": cc}, {"p": g[1]}, {"rel": 1e-8}, "scipy")
    g = st.chisquare(cc, r * cc.sum() / r.sum())
    add(
        "ev-chisquare",
        {
            "refCounts": {str(j): int(x) for j, x in enumerate(r)},
            "curCounts": {str(j): int(x) for j, x in enumerate(cc)},
        },
        {"p": g[1]},
        {"rel": 1e-8},
        "scipy",
    )
    T = [[[int(x) for x in rng.integers(0, 40, 2)], [int(x) for x in rng.integers(0, 40, 2)]] for _ in range(4)]
    add("ev-fisher", {"tables": T}, {"p": [st.fisher_exact(t)[1] for t in T]}, {"rel": 1e-7}, "scipy")
# --- two samples
for i in range(10):
    ties = i % 3 == 2
    n, m = (
        (int(rng.integers(3, 9)), int(rng.integers(3, 9)))
        if i < 5
        else (int(rng.integers(9, 60)), int(rng.integers(9, 60)))
    )
    r = rng.normal(10, 3, n)
    cu = rng.normal(11, 3, m)
    if ties:
        r, cu = r.round(), cu.round()
    d = st.ks_2samp(r, cu, method="exact")
    W = st.ttest_ind(r, cu, equal_var=False)
    P = st.ttest_ind(r, cu)
    mw = st.mannwhitneyu(r, cu, method="auto")
    add(
        "ev-small-numeric",
        {"reference": r, "current": cu},
        {
            "pooledT": {"t": P[0], "p": P[1]},
            "welch": {"t": W[0], "p": W[1]},
            "ksExact": {"d": d[0], "p": d[1]},
            "mannWhitneyAuto": {"p": mw[1]},
            "energy": st.energy_distance(r, cu),
            "wasserstein": st.wasserstein_distance(r, cu),
            "wassersteinNormedByRefPopulationSd": st.wasserstein_distance(r, cu) / r.std(),
        },
        {"rel": 1e-7, "abs": 1e-12},
        "scipy",
    )
    cv = st.cramervonmises_2samp(r, cu, method="asymptotic")
    ma = st.mannwhitneyu(r, cu, method="asymptotic")
    dd = d[0]
    en = n * m / (n + m)

    def fill(x):
        p = x / x.sum()
        least = p[p > 0].min()
        f = least / 1e6 if least <= 1e-4 else 1e-4
        return np.where(p == 0, f, p)

    edges = np.histogram_bin_edges(np.concatenate([r, cu]), bins="sturges")
    rc = np.histogram(r, edges)[0]
    c2 = np.histogram(cu, edges)[0]
    fr, fc = fill(rc), fill(c2)
    de = np.quantile(r, np.arange(11) / 10)
    deo = de.copy()
    deo[0] = -np.inf
    deo[-1] = np.inf
    exp = {
        "ks": {"d": dd, "pExact": d[1], "pAsymptoticKolmogorov_sqrt(nm/(n+m))D": sp.kolmogorov(math.sqrt(en) * dd)},
        "wasserstein": st.wasserstein_distance(r, cu),
        "sturgesEdges_on_union": edges,
        "refCounts": rc,
        "curCounts": c2,
        "psi_sturges_evidentlyFill": ((fc - fr) * np.log(fc / fr)).sum(),
        "jsDistance_base_e_sturges": jensenshannon(rc, c2),
        "jsDistance_base2_sturges": jensenshannon(rc, c2, 2),
        "kl_ref_cur_evidentlyFill": st.entropy(fr, fc),
        "energy": st.energy_distance(r, cu),
        "welch": {"t": W[0], "p": W[1]},
        "mannWhitney_asymptotic_cc": ma[1],
        "cramerVonMises_asymptotic": {"stat": cv.statistic, "p": cv.pvalue},
    }
    if not ties:
        exp["decileEdges_ref_linear"] = de
        exp["decileRefCounts"] = np.histogram(r, deo)[0]
        exp["decileCurCounts"] = np.histogram(cu, deo)[0]
        exp["doaneEdges_ref"] = np.histogram_bin_edges(r, bins="doane")
    add("nile-drift", {"reference": r, "current": cu}, exp, {"rel": 1e-6, "abs": 1e-9}, "scipy, numpy")
# --- multiplicity, proportions, power
for i in range(6):
    p = rng.uniform(0, 1, int(rng.integers(2, 15))) ** 2
    M = lambda m: multipletests(p, method=m)[1]
    add(
        "sm-multipletests",
        {"p": p, "alpha": 0.05},
        {
            "bonferroni": M("bonferroni"),
            "sidak": M("sidak"),
            "holm": M("holm"),
            "holm-sidak": M("holm-sidak"),
            "simes-hochberg": M("simes-hochberg"),
            "hommel": M("hommel"),
            "fdr_bh": M("fdr_bh"),
            "fdr_by": M("fdr_by"),
        },
        {"rel": 1e-9},
        "statsmodels",
    )
    n1, n2 = int(rng.integers(5, 900)), int(rng.integers(5, 900))
    x1, x2 = int(rng.integers(1, n1)), int(rng.integers(1, n2))
    z = proportions_ztest([x1, x2], [n1, n2])
    add(
        "sm-proportions-ztest",
        {"count": [x1, x2], "nobs": [n1, n2]},
        {"z": z[0], "p": z[1]},
        {"rel": 1e-9},
        "statsmodels",
    )
    add(
        "sm-wilson",
        {"count": x1, "n": n1, "alpha": [0.05, 0.01, 0.2][i % 3]},
        {
            "wilson": proportion_confint(x1, n1, [0.05, 0.01, 0.2][i % 3], "wilson"),
            "agrestiCoull": proportion_confint(x1, n1, [0.05, 0.01, 0.2][i % 3], "agresti_coull"),
        },
        {"rel": 1e-7, "abs": 1e-10},
        "statsmodels",
    )
    add(
        "sm-newcombe",
        {"treatment": [x1, n1], "control": [x2, n2]},
        {"ci": confint_proportions_2indep(x1, n1, x2, n2, method="newcomb", compare="diff")},
        {"abs": 1e-9},
        "statsmodels",
    )
    d = [0.1, 0.2, 0.35, 0.8, 1.2, 2.0][i]
    pw = [0.8, 0.9, 0.5, 0.95, 0.8, 0.7][i]
    al = [0.05, 0.01, 0.1, 0.05, 0.001, 0.05][i]
    add(
        "power-t-d0.5",
        {"effectSize": d, "power": pw, "alpha": al, "ratio": 1},
        {"nPerArm": TTestIndPower().solve_power(d, power=pw, alpha=al)},
        {"rel": 1e-6},
        "statsmodels",
    )
    p1 = rng.uniform(0.01, 0.4)
    p2 = p1 * rng.uniform(1.05, 1.5)
    h = 2 * math.asin(math.sqrt(p2)) - 2 * math.asin(math.sqrt(p1))
    add(
        "power-z-proportions",
        {"p1": p1, "p2": p2, "power": pw, "alpha": al},
        {"cohenH": abs(h), "nPerArmArcsine": NormalIndPower().solve_power(abs(h), power=pw, alpha=al)},
        {"rel": 1e-6},
        "statsmodels",
    )
    tb = rng.integers(1, 40, (3, 3))
    from statsmodels.stats.inter_rater import cohens_kappa

    add("shadow-kappa", {"table": tb}, {"kappa": float(cohens_kappa(tb).kappa)}, {"rel": 1e-9}, "statsmodels")
    b, cx = int(rng.integers(0, 60)), int(rng.integers(1, 60))
    from statsmodels.stats.contingency_tables import mcnemar

    T = [[30, b], [cx, 20]]
    add(
        "shadow-mcnemar",
        {"bothCorrect": 30, "onlyPrimaryCorrect": b, "onlyShadowCorrect": cx, "bothWrong": 20},
        {
            "chi2": mcnemar(T, exact=False, correction=False).statistic,
            "p": mcnemar(T, exact=False, correction=False).pvalue,
            "chi2ContinuityCorrected": mcnemar(T, exact=False).statistic,
            "pExactBinomial": mcnemar(T, exact=True).pvalue,
        },
        {"rel": 1e-9},
        "statsmodels",
    )
    x = rng.normal(size=20)
    y = x + rng.normal(0.1, 0.2, 20)
    dlt = y - x
    tt = st.ttest_rel(y, x)
    ccc = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    add(
        "shadow-regression-agreement",
        {"primary": x, "shadow": y},
        {
            "meanDiff": dlt.mean(),
            "limits": [dlt.mean() - 1.96 * dlt.std(ddof=1), dlt.mean() + 1.96 * dlt.std(ddof=1)],
            "mae": abs(dlt).mean(),
            "rmse": math.sqrt((dlt**2).mean()),
            "max": abs(dlt).max(),
            "pearson": np.corrcoef(x, y)[0, 1],
            "ccc": ccc,
            "pairedT": {"t": tt[0], "p": tt[1]},
        },
        {"rel": 1e-9},
        "scipy, numpy",
    )
    us = rng.integers(100, 9000, 3)
    ws = rng.uniform(0.1, 1, 3)
    ws /= ws.sum()
    r = st.chisquare(us, us.sum() * ws)
    add("srm-tail-sf", {"users": us, "weights": ws}, {"chi2": r[0], "pValue": r[1]}, {"rel": 1e-6}, "scipy")
    s1, m1, s2, m2 = [
        int(rng.integers(0, 50)),
        int(rng.integers(50, 200)),
        int(rng.integers(0, 50)),
        int(rng.integers(50, 200)),
    ]
    A, B = st.beta(1 + s1, 1 + m1 - s1), st.beta(1 + s2, 1 + m2 - s2)
    from scipy.integrate import quad

    ptb = quad(lambda t: A.cdf(t) * B.pdf(t), 0, 1, epsabs=1e-13, epsrel=1e-12, limit=500, points=[B.mean()])[0]
    add(
        "beta-binomial-ctw",
        {
            "control": {"successes": s1, "n": m1},
            "treatment": {"successes": s2, "n": m2},
            "priorAlpha": 1,
            "priorBeta": 1,
        },
        {"pTreatmentBetter": ptb},
        {"abs": 1e-9},
        "scipy",
    )
    mu = rng.normal(0, 0.3, 4)
    sd = rng.uniform(0.05, 0.6, 4)
    pr = [
        quad(
            lambda t: st.norm.pdf(t, mu[j], sd[j])
            * np.prod([st.norm.cdf(t, mu[l], sd[l]) for l in range(4) if l != j]),
            mu[j] - 9 * sd[j],
            mu[j] + 9 * sd[j],
            epsabs=1e-12,
        )[0]
        for j in range(4)
    ]
    add(
        "bandit-best-arm-probabilities",
        {"cases": [{"means": mu, "sds": sd}]},
        {"probabilities": [pr]},
        {"abs": 1e-8},
        "scipy",
    )
    v = rng.normal(1e6, 1, int(rng.integers(3, 40)))
    add("nist-numacc1", {"values": v}, {"mean": v.mean(), "sd": v.std(ddof=1)}, {"rel": 1e-8}, "numpy")
    cal = rng.uniform(0, 1, 12)
    pred = (cal > 0.4).astype(int)
    TP = cal[pred == 1].sum()
    FP = (1 - cal)[pred == 1].sum()
    FN = cal[pred == 0].sum()
    TN = (1 - cal)[pred == 0].sum()
    add(
        "nml-cbpe",
        {"calibrated": cal, "predicted": pred, "threshold": 0.4},
        {
            "TP": TP,
            "FP": FP,
            "FN": FN,
            "TN": TN,
            "accuracy": (TP + TN) / 12,
            "precision": TP / (TP + FP),
            "recall": TP / (TP + FN),
            "f1": 2 * TP / (2 * TP + FP + FN),
        },
        {"rel": 1e-9},
        "numpy",
    )
    lnb = []
    tot = np.zeros(3)
    th = np.array([0.5, 0.3, 0.2])
    kk = float(rng.integers(5, 300))
    bt = rng.integers(0, 200, (4, 3))
    pv = []
    pm = 1.0
    for x in bt:
        tot += x
        l = (
            sp.gammaln(kk)
            - sp.gammaln(kk + tot.sum())
            + (sp.gammaln(kk * th + tot) - sp.gammaln(kk * th)).sum()
            - (tot * np.log(th)).sum()
        )
        lnb.append(l)
        pm = min(pm, math.exp(-l))
        pv.append(pm)
    add(
        "lindon-three-arms",
        {"theta0": th, "concentration": kk, "batches": bt},
        {"logBayesFactor": lnb, "pValue": pv},
        {"rel": 1e-7, "abs": 1e-8},
        "scipy",
    )
# --- gbstats
from gbstats.models.statistics import *
from gbstats.frequentist.tests import *
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior


def mean(n, mu, sd):
    x = rng.normal(mu, sd, n)
    return {"type": "SampleMeanStatistic", "n": n, "sum": float(x.sum()), "sum_squares": float((x * x).sum())}


def prop(n, p):
    return {"type": "ProportionStatistic", "n": n, "sum": float(rng.binomial(n, p))}


def ratio(n):
    d = rng.poisson(5, n) + 1
    m = rng.binomial(d, 0.3)
    return {
        "type": "RatioStatistic",
        "n": n,
        "m_statistic": {"n": n, "sum": float(m.sum()), "sum_squares": float((m * m).sum())},
        "d_statistic": {"n": n, "sum": float(d.sum()), "sum_squares": float((d * d).sum())},
        "m_d_sum_of_products": float((m * d).sum()),
    }


def cuped(n, mu, isprop=False):
    if isprop:
        pre = rng.binomial(1, 0.3, n)
        post = rng.binomial(1, np.clip(0.2 + 0.4 * pre + mu, 0, 1))
        a = {"n": n, "sum": float(post.sum())}
        b = {"n": n, "sum": float(pre.sum())}
    else:
        pre = rng.normal(5, 2, n)
        post = 0.7 * pre + rng.normal(mu, 1, n)
        a = {"n": n, "sum": float(post.sum()), "sum_squares": float((post**2).sum())}
        b = {"n": n, "sum": float(pre.sum()), "sum_squares": float((pre**2).sum())}
    return {
        "type": "RegressionAdjustedStatistic",
        "n": n,
        "post_statistic": a,
        "pre_statistic": b,
        "post_pre_sum_of_products": float((post * pre).sum()),
    }


def quant(n, nu):
    x = np.sort(rng.lognormal(0, 0.7, n))
    ns = max([100 * 2**k for k in range(20) if 100 * 2**k <= n])
    h = 1.959963984540054 * math.sqrt(nu * (1 - nu) / ns)
    return {
        "type": "QuantileStatistic",
        "n": n,
        "n_star": ns,
        "nu": nu,
        "quantile_hat": float(np.quantile(x, nu)),
        "quantile_lower": float(np.quantile(x, nu - h)),
        "quantile_upper": float(np.quantile(x, nu + h)),
    }


def stat(d):
    t = d["type"]
    if t == "SampleMeanStatistic":
        return SampleMeanStatistic(n=d["n"], sum=d["sum"], sum_squares=d["sum_squares"])
    if t == "ProportionStatistic":
        return ProportionStatistic(n=d["n"], sum=int(d["sum"]))
    if t == "RatioStatistic":
        return RatioStatistic(
            n=d["n"],
            m_statistic=SampleMeanStatistic(**d["m_statistic"]),
            d_statistic=SampleMeanStatistic(**d["d_statistic"]),
            m_d_sum_of_products=d["m_d_sum_of_products"],
        )
    if t == "QuantileStatistic":
        return QuantileStatistic(**{k: w for k, w in d.items() if k != "type"})
    mk = (
        (lambda s: SampleMeanStatistic(**s))
        if "sum_squares" in d["post_statistic"]
        else (lambda s: ProportionStatistic(n=s["n"], sum=int(s["sum"])))
    )
    return RegressionAdjustedStatistic(
        n=d["n"],
        post_statistic=mk(d["post_statistic"]),
        pre_statistic=mk(d["pre_statistic"]),
        post_pre_sum_of_products=d["post_pre_sum_of_products"],
        theta=0,
    )


S = "gbstats 0.8.0"


def res(r):
    return {"lift": r.expected, "ci": list(r.ci), "se": r.uplift.stddev, "pValue": r.p_value}


for i in range(3):
    n1, n2 = int(rng.integers(30, 4000)), int(rng.integers(30, 4000))
    for like, a, b in [
        ("gb-welch", mean(n1, 5, 3), mean(n2, 5.2, 4)),
        ("gb-proportion", prop(n1, 0.3), prop(n2, 0.33)),
        ("gb-ratio", ratio(n1), ratio(n2)),
        ("gb-cuped", cuped(n1, 0), cuped(n2, 0.1)),
        ("gb-quant", quant(n1 + 500, 0.9), quant(n2 + 500, 0.9)),
    ]:
        for diff in ["relative", "absolute"]:
            cup = like.startswith("gb-cuped")
            if cup and diff == "relative":
                continue
            x, y = stat(a), stat(b)
            if cup:
                from gbstats.models.statistics import compute_theta

                th = compute_theta(x, y)
                x.theta = th
                y.theta = th
            name = {
                "gb-welch": "gb-welch-relative",
                "gb-proportion": "gb-proportion-relative",
                "gb-ratio": "gb-ratio-valid",
                "gb-cuped": "gb-cuped-mean",
                "gb-quant": "gb-quantile-p90-freq",
            }[like]
            al = [0.05, 0.01, 0.1, 0.05, 0.2][i]
            add(
                name,
                {"control": a, "treatment": b, "difference": diff, "alpha": al},
                res(TwoSidedTTest(x, y, FrequentistConfig(difference_type=diff, alpha=al)).compute_result()),
                {"rel": 1e-7, "abs": 1e-10},
                S,
                "-" + diff,
            )
            if not cup:
                for alt, T in [("greater", OneSidedTreatmentGreaterTTest), ("lesser", OneSidedTreatmentLesserTTest)]:
                    r = res(T(x, y, FrequentistConfig(difference_type=diff, alpha=al)).compute_result())
                    add(
                        "gb-onesided-greater",
                        {"control": a, "treatment": b, "difference": diff, "alpha": al, "alternative": alt},
                        {"lift": r["lift"], "pValue": r["pValue"], "se": r["se"]},
                        {"rel": 1e-7, "abs": 1e-10},
                        S,
                        "-" + alt,
                    )
            tun = [5000, 1000, 10000, 400, 2000][i]
            add(
                "gb-seq-relative-n1000",
                {"control": a, "treatment": b, "difference": diff, "alpha": al, "tuning": tun},
                res(
                    SequentialTwoSidedTTest(
                        x, y, SequentialConfig(difference_type=diff, alpha=al, sequential_tuning_parameter=tun)
                    ).compute_result()
                ),
                {"rel": 1e-7, "abs": 1e-10},
                S,
                "-" + like,
            )
            if not cup:
                for prior in [None, (0.1, 0.09)]:
                    for inv in [False, True]:
                        if prior and diff == "absolute":
                            continue
                        cfg = EffectBayesianConfig(
                            difference_type=diff,
                            inverse=inv,
                            alpha=al,
                            prior_effect=(
                                GaussianPrior(mean=prior[0], variance=prior[1], proper=True)
                                if prior
                                else GaussianPrior()
                            ),
                        )
                        r = EffectBayesianABTest(x, y, cfg).compute_result()
                        add(
                            "gb-bayes-count-inverse" if inv else "gb-bayes-mean-proper",
                            {
                                "control": a,
                                "treatment": b,
                                "difference": diff,
                                "alpha": al,
                                "inverse": inv,
                                "prior": {
                                    "proper": bool(prior),
                                    "mean": prior[0] if prior else 0,
                                    "variance": prior[1] if prior else 1,
                                },
                            },
                            {
                                "chanceToWin": r.chance_to_win,
                                "expected": r.expected,
                                "ci": list(r.ci),
                                "postSd": r.uplift.stddev,
                                "risk": list(r.risk),
                            },
                            {"rel": 1e-7, "abs": 1e-10},
                            S,
                            "-" + like,
                        )
# --- river
import river, river.drift as rd, river.drift.binary as rb

S = "river " + river.__version__


def run(det, bits):
    o = []
    for i, b in enumerate(bits):
        det.update(int(b))
        if det.drift_detected:
            o.append(i)
    return o


for i in range(2):
    p1, p2, p3 = [(0.2, 0.6, 0.1), (0.5, 0.8, 0.3), (0.1, 0.15, 0.5), (0.7, 0.2, 0.7)][i]
    bits = "".join("1" if rng.uniform() < p else "0" for p in [p1] * 600 + [p2] * 600 + [p3] * 600)
    q = {"streamEncoding": "one digit per observation, in order", "stream": bits}
    for d in [0.002, 0.05]:
        add(
            "river-adwin-ds1",
            {"params": {"delta": d, "clock": 32, "maxBuckets": 5, "minWindowLength": 5, "gracePeriod": 10}, **q},
            {"driftIndices": run(rd.ADWIN(delta=d), bits)},
            {"abs": 0},
            S,
        )
    for mode in ["up", "down", "both"]:
        for th in [20, 50]:
            add(
                "river-page-hinkley-doc",
                {"params": {"minInstances": 30, "delta": 0.005, "threshold": th, "alpha": 0.9999, "mode": mode}, **q},
                {"driftIndices": run(rd.PageHinkley(threshold=th, mode=mode), bits)},
                {"abs": 0},
                S,
            )
    add(
        "river-ddm-ds2",
        {"params": {"warmStart": 30, "warning": 2.0, "drift": 3.0}, **q},
        {"driftIndices": run(rb.DDM(), bits)},
        {"abs": 0},
        S,
    )
    add(
        "river-eddm-ds2",
        {"params": {"warmStart": 30, "alpha": 0.95, "beta": 0.9}, **q},
        {"driftIndices": run(rb.EDDM(alpha=0.95, beta=0.9), bits)},
        {"abs": 0},
        S,
    )
    for two in [False, True]:
        add(
            "river-hddm-a-ds2",
            {"params": {"driftConfidence": 0.001, "warningConfidence": 0.005, "twoSided": two}, **q},
            {"driftIndices": run(rb.HDDMA(two_sided_test=two), bits)},
            {"abs": 0},
            S,
        )
        add(
            "river-hddm-w-ds2",
            {"params": {"driftConfidence": 0.001, "warningConfidence": 0.005, "lambda": 0.05, "twoSided": two}, **q},
            {"driftIndices": run(rb.HDDMW(two_sided_test=two), bits)},
            {"abs": 0},
            S,
        )
json.dump(out, sys.stdout, separators=(",", ":"))
