"""Makes far-tails.json: far tails and unequal arms, computed at 60 digits by mpmath from the definitions.

  pip install mpmath && python3 far-tails.py > far-tails.json

Where a library is the reference, its definition is written out here again: River's drift.evaluate (commit 08ef02c) and
GrowthBook's CUPED of a ratio (commit 0208389), whose variance is the delta method's, by numerical derivatives.
"""
import json
import random
import sys

import mpmath as mp

mp.mp.dps = 60
random.seed(20261124)
out = []


def add(like, tag, given, expected, tolerance, source):
    out.append({"name": f"far-{like}-{tag}", "like": like, "input": given, "expected": expected,
                "tolerance": tolerance, "source": source})


# Statsig's sequential p = 2 (1 - Phi(|Z| z / Z*)), far out
for k, delta in enumerate([0.02, 0.05, 0.09, 0.2, -0.3]):
    vt, nt, vc, nc, alpha = mp.mpf("0.0971"), 10000, mp.mpf("0.09"), 7000, mp.mpf("0.05")
    v = vt / nt + vc / nc
    z = mp.sqrt(2) * mp.erfinv(1 - alpha)
    tau = z * z * (vt + vc) / (nt + nc)
    star = mp.sqrt((v + tau) / tau * (-2 * mp.log(alpha / 2) - mp.log(v / (v + tau))))
    p = mp.erfc(abs(mp.mpf(delta)) / mp.sqrt(v) * z / star / mp.sqrt(2))
    add("statsig-seq", str(k + 1), {"delta": delta, "varT": 0.0971, "nT": nt, "varC": 0.09, "nC": nc, "alpha": 0.05},
        {"pValue": float(p)}, {"rel": 1e-11}, "mpmath")

# chi-square, both tails and their logarithms
calls, values = [], []
for df in [0.1, 1, 2, 3, 9, 39, 41, 100, 1000]:
    for x in [1e-300, 1e-20, 1e-6, 0.1, 1, 10, 100, 800, 1400, 5000]:
        a, h = mp.mpf(df) / 2, mp.mpf(x) / 2
        upper = mp.gammainc(a, h, mp.inf) / mp.gamma(a)
        lower = mp.gammainc(a, 0, h) / mp.gamma(a)
        for fn, value in [("chi2.sf", upper), ("chi2.cdf", lower),
                          ("chi2.logsf", mp.log(upper) if upper < 0.999 else mp.log1p(-lower)),
                          ("chi2.logcdf", mp.log(lower) if lower < 0.999 else mp.log1p(-upper))]:
            if abs(value) > mp.mpf("1e-290"):
                calls.append({"fn": fn, "args": [df, x][::-1]})
                values.append(float(value))
add("dist-kernel", "chi2", {"calls": calls}, {"values": values}, {"rel": 1e-10}, "mpmath")


# River's measures: an alarm belongs to the earliest window that it falls into
def evaluated(alarms, drifts, delta_max):
    hits, false = {}, []
    for a in alarms:
        for i, d in enumerate(drifts):
            if d <= a <= d + delta_max:
                hits.setdefault(i, []).append(a)
                break
        else:
            false.append(a)
    n_hits = sum(map(len, hits.values()))
    precision = n_hits / len(alarms) if alarms else None
    recall = n_hits / (n_hits + len(drifts) - len(hits)) if n_hits + len(drifts) - len(hits) else None
    episodes = len(hits) / len(drifts) if drifts else None
    f1 = None
    if precision is not None and episodes is not None:
        f1 = 2 * precision * episodes / (precision + episodes) if precision + episodes else 0.0
    delays = [min(h) - drifts[i] for i, h in hits.items()]
    delay = sum(delays) / len(delays) if delays else None
    gaps = [b - a for a, b in zip(false, false[1:])]
    between = sum(gaps) / len(gaps) if gaps else None
    ratio = between / delay * episodes if between is not None and delay and episodes is not None else None
    return {"precision": precision, "recall": recall, "episodeRecall": episodes, "f1": f1, "detectionDelay": delay,
            "normalizedDelay": delay / delta_max if delay is not None else None, "falseAlarms": len(false),
            "falseAlarmsPer1000_n1000": float(len(false)), "meanTimeRatio": ratio}


cases = [([130], [100, 120], 50), ([130, 131, 160], [100, 120], 50), ([140, 110], [100], 50), ([], [100], 50),
         ([5, 900], [], 50), ([], [], 50), ([100, 300, 500], [100], 50), ([170, 150, 400, 700], [100, 160], 20)]
for _ in range(20):
    cases.append((sorted(random.sample(range(1000), random.randint(0, 12))),
                  sorted(random.sample(range(1000), random.randint(0, 5))), random.choice([20, 100, 250])))
add("river-evaluate", "1", {"cases": [{"alarms": a, "drifts": d, "deltaMax": m} for a, d, m in cases]},
    {"results": [evaluated(*c) for c in cases]}, {"abs": 1e-12}, "River's definition")


# CUPED of a ratio with arms of unequal size: theta = sum of covariances over sum of variances, equal weight per arm
def arm(n, shift):
    rows = []
    for _ in range(n):
        u = random.gauss(0, 1)
        dp, d = 3 + abs(random.gauss(0, 1)), 3 + abs(random.gauss(0, 1))
        rows.append((d * (1 + shift + 0.2 * u + random.gauss(0, 0.1)), d, dp * (1 + 0.2 * u), dp))
    total = lambda i: sum(r[i] for r in rows)
    prod = lambda i, j: sum(r[i] * r[j] for r in rows)
    one = lambda i: {"n": n, "sum": total(i), "sum_squares": prod(i, i)}
    return {"type": "RegressionAdjustedRatioStatistic", "n": n, "m_statistic_post": one(0), "d_statistic_post": one(1),
            "m_statistic_pre": one(2), "d_statistic_pre": one(3), "m_post_m_pre_sum_of_products": prod(0, 2),
            "d_post_d_pre_sum_of_products": prod(1, 3), "m_pre_d_pre_sum_of_products": prod(2, 3),
            "m_post_d_post_sum_of_products": prod(0, 1), "m_post_d_pre_sum_of_products": prod(0, 3),
            "m_pre_d_post_sum_of_products": prod(2, 1), "theta": None}


def moments(s):
    n = s["n"]
    sums = [mp.mpf(s[k]["sum"]) for k in ("m_statistic_post", "d_statistic_post", "m_statistic_pre", "d_statistic_pre")]
    names = ("m_statistic_post", "d_statistic_post", "m_statistic_pre", "d_statistic_pre")
    squares = [s[k]["sum_squares"] for k in names]
    cross = {(0, 1): s["m_post_d_post_sum_of_products"], (0, 2): s["m_post_m_pre_sum_of_products"],
             (0, 3): s["m_post_d_pre_sum_of_products"], (1, 2): s["m_pre_d_post_sum_of_products"],
             (1, 3): s["d_post_d_pre_sum_of_products"], (2, 3): s["m_pre_d_pre_sum_of_products"]}
    product = lambda i, j: mp.mpf(squares[i]) if i == j else mp.mpf(cross[(min(i, j), max(i, j))])
    cov = mp.matrix(4, 4)
    for i in range(4):
        for j in range(4):
            cov[i, j] = (product(i, j) - sums[i] * sums[j] / n) / (n - 1)
    return n, [x / n for x in sums], cov


def gradient(f, at):
    g = []
    for i in range(4):
        g.append(mp.diff(lambda x: f([*at[:i], x, *at[i + 1:]]), at[i]))
    return mp.matrix(g)


for k, (nc, nt, shift) in enumerate([(100, 400, 0.05), (1000, 60, 0.0), (300, 300, -0.1)]):
    control, treatment = arm(nc, 0), arm(nt, shift)
    n0, m0, c0 = moments(control)
    n1, m1, c1 = moments(treatment)
    post, pre = (lambda m: m[0] / m[1]), (lambda m: m[2] / m[3])
    form = lambda cov, f, g, at: (gradient(f, at).T * cov * gradient(g, at))[0]
    theta = (form(c0, post, pre, m0) + form(c1, post, pre, m1)) / (form(c0, pre, pre, m0) + form(c1, pre, pre, m1))
    adjusted = lambda m: post(m) - theta * pre(m)
    lift = (adjusted(m1) - adjusted(m0)) / abs(post(m0))
    by_control = lambda m: (adjusted(m1) - adjusted(m)) / abs(post(m))
    by_treatment = lambda m: (adjusted(m) - adjusted(m0)) / abs(post(m0))
    se = mp.sqrt(form(c0, by_control, by_control, m0) / n0 + form(c1, by_treatment, by_treatment, m1) / n1)
    add("gb-cuped-ratio", str(k + 1), {"control": control, "treatment": treatment, "difference": "relative",
                                       "alpha": 0.05}, {"lift": float(lift), "se": float(se)}, {"rel": 1e-8},
        "mpmath; GrowthBook's definition")

json.dump(out, sys.stdout, separators=(",", ":"))
