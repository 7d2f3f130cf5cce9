"""The mathematics of Gaussian smoothing once more, in mpmath: each quantity from its definition, every root by Newton.

Numbers are mpf; call inside ``mp.workdps(DIGITS)``. Differences of tails at 1e-308 lose some ten digits of these.
"""

from mpmath import mp

DIGITS = 80
STEPS = 400


def tail(t):
    """1 - Phi(t)."""
    return mp.erfc(t / mp.sqrt(2)) / 2


def density(t):
    return mp.exp(-t * t / 2) / mp.sqrt(2 * mp.pi)


def newton(value, slope, target, start):
    """The root of log(value) = log(target) for a decreasing log-concave function: Newton's method always converges."""
    at, settled = mp.mpf(start), mp.mpf(10) ** (12 - mp.dps)
    for _ in range(STEPS):
        v = value(at)
        step = mp.log(v / target) * v / slope(at)
        at -= step
        if abs(step) <= settled * max(abs(at), settled):
            return at
    raise ArithmeticError("Newton's method did not settle")


def quantile(p):
    """Phi^-1(p); the tail that is compared is at most one half."""
    p = mp.mpf(p)
    if p == mp.mpf(1) / 2:
        return mp.mpf(0)
    sign, small = (1, p) if p < 0.5 else (-1, 1 - p)
    return -sign * newton(tail, lambda t: -density(t), small, 0)


def smoothed_ramp(a, width):
    """E[h(Z)], where h rises from 0 at a to 1 at a + width."""
    loss = lambda t: density(t) - t * tail(t)  # noqa: E731
    return (loss(a) - loss(a + width)) / width


def start(p, width):
    """The a at which the smoothed ramp is p, for unit noise."""
    p, width = mp.mpf(p), mp.mpf(width)
    if p > 0.5:
        return -start(1 - p, width) - width
    return newton(
        lambda a: smoothed_ramp(a, width), lambda a: (tail(a + width) - tail(a)) / width, p, -width / 2
    )


def quantile_lipschitz(p, lipschitz, sigma):
    """The slope of the smoothed ramp where it is p, over the density at the quantile of p."""
    p, L, s = mp.mpf(p), mp.mpf(lipschitz), mp.mpf(sigma)
    width = 1 / (L * s)
    p = min(p, 1 - p)
    a = start(p, width)
    return L * (tail(a) - tail(a + width)) / density(quantile(p))


def radius_multi(p, q, sigma):
    return mp.mpf(sigma) / 2 * (quantile(p) - quantile(q))


def radius_of_ramps(p, q, sigma, first, second):
    """The radius at which a falling and a rising ramp meet, by bisection of the sign of their difference."""
    s = mp.mpf(sigma)
    widths = [1 / (mp.mpf(L) * s) for L in (first, second)]
    here, there = start(p, widths[0]), start(q, widths[1])
    falling = lambda r: smoothed_ramp(here + r, widths[0])  # noqa: E731
    rising = lambda r: smoothed_ramp(there - r, widths[1])  # noqa: E731
    low, high = mp.mpf(0), mp.mpf(1)
    while falling(high) > rising(high):
        low, high = high, 2 * high
    for _ in range(110):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > rising(middle) else (low, middle)
    return s * low
