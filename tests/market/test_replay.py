"""Replaying a book: the reference protocol of sampling and cutting, and no look into the future."""

import os
from dataclasses import replace

import numpy as np
import pytest

from flowexec.market.lobster import read_lobster
from flowexec.market.order_book import DAY_SECONDS, OrderBook
from flowexec.market.paths import ASK, BID, PRICE, SIZE
from flowexec.market.replay import OrderBookReplay
from flowexec.market.sampling import sample_events, trailing_variance
from flowexec.market.synthetic_book import ZeroIntelligence

LOBSTER = os.environ.get("FLOWEXEC_LOBSTER")
needs_lobster = pytest.mark.skipif(
    not LOBSTER, reason="set FLOWEXEC_LOBSTER to the folder of the LOBSTER zips"
)

MINUTE = 60.0 / DAY_SECONDS


@pytest.fixture(scope="module")
def day():
    return ZeroIntelligence().simulate_day(seed=21)


@pytest.fixture(scope="module")
def replay(day):
    return OrderBookReplay(day)


def walk_once(times, boundaries):
    """The protocol in its own words, message by message."""
    taken, k = [], 0
    for i, time in enumerate(times):
        if k < len(boundaries) and time >= boundaries[k]:
            taken.append(i)
            k += 1
    if len(taken) == len(boundaries):
        taken[-1] = len(times) - 1
    elif taken[-1] != len(times) - 1:
        taken.append(len(times) - 1)
    return taken


@pytest.mark.parametrize("seed", range(40))
def test_sampling_is_the_walk_of_the_protocol(seed):
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(rng.choice([0.5, 3.0, 8.0]), 400) * rng.choice([1.0, 1.0, 1.0, 0.0, 10.0], 400)
    times = np.cumsum(gaps)  # simultaneous messages and long silences
    boundaries = np.arange(0.0, rng.choice([0.5, 0.9, 1.0, 1.5]) * times[-1], 5.0)
    sampled = sample_events(times, boundaries)
    assert sampled.tolist() == walk_once(times, boundaries)
    assert (np.diff(sampled) > 0).all()


def test_boundaries_in_a_silence_take_the_next_messages_one_by_one():
    times = np.array([0.0, 1.0, 27.0, 27.1, 27.2, 27.3, 27.4, 31.0, 36.0, 41.0])
    np.testing.assert_array_equal(
        sample_events(times, np.arange(0.0, 45.0, 5.0)), [0, 2, 3, 4, 5, 6, 7, 8, 9]
    )


def test_a_session_is_4680_samples_390_horizons_293_and_97(replay, day):
    assert len(replay.samples) == 4680
    assert replay.n_horizons(12) == 390
    assert replay.samples[-1] == day.n_events - 1
    whole, train, test = (replay.horizons(12, part) for part in ("all", "train", "test"))
    assert (whole.n_paths, train.n_paths, test.n_paths) == (390, 293, 97)
    np.testing.assert_array_equal(np.hstack([train.mid, test.mid]), whole.mid)
    np.testing.assert_array_equal(train.depth, whole.select(slice(293)).depth)
    assert whole.horizon == pytest.approx(MINUTE, rel=1e-12)


def test_paths_show_the_book_of_their_sample(replay, day):
    paths = replay.horizons(12)
    rows = replay.samples.reshape(390, 12).T
    boundaries = 34_205.0 + 5.0 * np.arange(4680).reshape(390, 12).T
    assert (day.times[rows] >= boundaries)[:-1].all()
    assert (day.times[rows[:-1] - 1] < boundaries[:-1]).all()  # this flow leaves no boundary behind
    np.testing.assert_array_equal(paths.depth[..., PRICE], day.prices[rows])
    np.testing.assert_array_equal(paths.depth[..., SIZE], day.sizes[rows])
    np.testing.assert_allclose(paths.mid[:-1], paths.depth[:, :, :, 0, PRICE].mean(2), rtol=1e-15)
    np.testing.assert_allclose(
        paths.spread, paths.depth[:, :, ASK, 0, PRICE] - paths.depth[:, :, BID, 0, PRICE], rtol=1e-12
    )
    # the close of a horizon is where the next one begins; the last closes with the last message
    np.testing.assert_array_equal(paths.mid[-1, :-1], paths.mid[0, 1:])
    np.testing.assert_array_equal(paths.variance[-1, :-1], paths.variance[0, 1:])
    assert paths.mid[-1, -1] == day.mid[-1]


def test_volume_is_what_was_traded_between_the_samples(replay, day):
    paths = replay.horizons(12)
    first, second = replay.samples[30 * 12 : 30 * 12 + 2]
    assert paths.volume[0, 30] == day.traded[first + 1 : second + 1].sum()
    assert paths.volume.sum() == day.traded[replay.samples[0] + 1 :].sum()
    assert paths.volume.sum() > 0


def scrambled_after(book: OrderBook, row: int) -> OrderBook:
    """The same book up to a message, another future: everything 7 % higher, ten times as large."""
    later = (np.arange(book.n_events) > row)[:, None, None]
    return replace(
        book,
        prices=np.where(later, 1.07 * book.prices, book.prices),
        sizes=np.where(later, 10 * book.sizes, book.sizes),
        size=np.where(later[:, 0, 0], 10 * book.size, book.size),
    )


def test_no_look_ahead(replay, day):
    now = 1234  # a sample in the middle of horizon 102 (step 10)
    other = OrderBookReplay(scrambled_after(day, int(replay.samples[now])))
    true, changed = replay.horizons(12), other.horizons(12)
    for name, extra in (("mid", 1), ("variance", 1), ("spread", 0), ("depth", 0), ("volume", 0)):
        a, b = getattr(true, name), getattr(changed, name)
        known = (
            11 if name != "volume" else 10
        )  # steps 0 … 10 of horizon 102; volume of step 10 is still to come
        np.testing.assert_array_equal(a[:, :102], b[:, :102], err_msg=name)
        np.testing.assert_array_equal(a[:known, 102], b[:known, 102], err_msg=name)
        assert (a[known : 12 + extra, 102] != b[known : 12 + extra, 102]).any(), name


def test_trailing_variance_is_the_weighted_mean_it_says():
    rng = np.random.default_rng(0)
    mid = 100 * np.exp(np.cumsum(0.001 * rng.standard_normal(200)))
    interval, half_life = 5 / DAY_SECONDS, 60 / DAY_SECONDS
    estimate = trailing_variance(mid, interval, half_life)
    squares = (mid[1:] / mid[:-1] - 1) ** 2 / interval
    for k in (0, 1, 50, 198):
        weights = 0.5 ** (5 / 60 * np.arange(k, -1, -1))
        assert estimate[k] == pytest.approx(np.average(squares[: k + 1], weights=weights), rel=1e-12)
    mid[100] = np.nan
    kept = np.delete(np.arange(150), [99, 100])  # the two returns that touch it
    weights = 0.5 ** (5 / 60 * np.arange(149, -1, -1))
    expected = np.average(squares[kept], weights=weights[kept])
    assert trailing_variance(mid, interval, half_life)[149] == pytest.approx(expected, rel=1e-12)


def test_trailing_variance_recovers_a_constant_variance():
    sigma, interval = 0.02, 5 / DAY_SECONDS
    returns = sigma * np.sqrt(interval) * np.random.default_rng(1).standard_normal(100_000)
    half_life = 1000 * interval
    estimate = trailing_variance(np.cumprod(1 + np.append(0.0, returns)), interval, half_life)
    keep = 0.5 ** (1 / 1000)
    effective = (1 + keep) / (1 - keep)
    z = (estimate[10_000::10_000] / sigma**2 - 1) / np.sqrt(2 / effective)
    assert abs(z).max() < 4
    assert abs(z.mean()) * np.sqrt(len(z)) < 4


def horizon_numbers(replay, paths):
    """Which horizons of the day the paths are, by their whole mid."""
    chronological = {column.tobytes(): i for i, column in enumerate(np.hstack([
        replay.horizons(12).mid.T, replay.horizons(12).volume.T]))}  # fmt: skip
    return [chronological[c.tobytes()] for c in np.hstack([paths.mid.T, paths.volume.T])]


def test_simulate_deals_all_horizons_before_any_comes_again(replay):
    numbers = horizon_numbers(replay, replay.simulate(800, 12, MINUTE, seed=3))
    assert sorted(numbers[:390]) == list(range(390))
    assert sorted(numbers[390:780]) == list(range(390))
    assert numbers[:390] != numbers[390:780]
    assert numbers[:390] != list(range(390))


def test_a_path_is_the_same_in_every_batch(replay):
    whole = replay.simulate(500, 12, MINUTE, seed=3, threads=1)
    parts = [
        replay.simulate(n, 12, MINUTE, seed=3, first_path=f, threads=2)
        for f, n in ((0, 123), (123, 300), (423, 77))
    ]
    for name in ("mid", "variance", "volume", "spread", "depth"):
        np.testing.assert_array_equal(
            getattr(whole, name), np.concatenate([getattr(p, name) for p in parts], axis=1)
        )
    assert (replay.simulate(500, 12, MINUTE, seed=4).mid != whole.mid).any()


def test_simulate_draws_from_its_part(day, replay):
    for part, allowed in (("train", set(range(293))), ("test", set(range(293, 390)))):
        paths = replace(replay, part=part).simulate(len(allowed), 12, MINUTE, seed=0)
        assert set(horizon_numbers(replay, paths)) == allowed


def with_gap(book: OrderBook, begin: float, end: float, kind: str) -> OrderBook:
    """The book with trading halted, or the bids gone, between two times."""
    first, last = np.searchsorted(book.times, [begin, end])
    if kind == "halt":
        event, price = book.event.copy(), book.price.copy()
        event[[first, last]], price[[first, last]] = 7, (-1.0, 1.0)
        return replace(book, event=event, price=price)
    prices, sizes = book.prices.copy(), book.sizes.copy()
    prices[first:last, BID], sizes[first:last, BID] = np.nan, 0.0
    return replace(book, prices=prices, sizes=sizes)


@pytest.mark.parametrize("kind", ["halt", "one-sided"])
def test_horizons_with_a_gap_are_refused_or_left_out_and_counted(day, replay, kind):
    # 12:00:00 to 12:02:30, the last sample of horizon 149 to the middle of horizon 152
    book = with_gap(day, 43_200.0, 43_350.0, kind)
    with pytest.raises(ValueError, match=r'cannot be traded at 12:00:00.*in 4 of 390 horizons.*gaps="skip"'):
        OrderBookReplay(book).horizons(12)
    skipping = OrderBookReplay(book, gaps="skip")
    paths = skipping.horizons(12)
    assert paths.n_paths == 386
    assert skipping.left_out(12) == skipping.left_out(12, "train") == 4
    assert skipping.left_out(12, "test") == 0
    with pytest.raises(ValueError, match="`which` must be one of 'all', 'train', 'test', got 'spare'"):
        skipping.left_out(12, "spare")
    assert skipping.horizons(12, "test").n_paths == 97
    for array in (paths.mid, paths.variance, paths.spread, paths.depth):
        assert np.isfinite(array).all()
    np.testing.assert_array_equal(paths.mid[:, :149], replay.horizons(12).mid[:, :149])
    np.testing.assert_array_equal(paths.mid[:, 149:], replay.horizons(12).mid[:, 153:])
    assert skipping.simulate(386, 12, MINUTE, seed=0).n_paths == 386


def test_a_gap_at_the_close_of_a_horizon_counts_for_it_too(day):
    book = with_gap(day, 43_203.0, 43_209.0, "halt")  # only the sample of 12:00:05, which begins horizon 150
    assert OrderBookReplay(book, gaps="skip").left_out(12) == 2


def test_other_intervals_and_left_over_samples(day):
    replay = OrderBookReplay(day, interval=60.0)
    assert len(replay.samples) == 390
    paths = replay.horizons(100)
    assert (paths.n_steps, paths.n_paths) == (100, 3)
    assert paths.horizon == pytest.approx(100 / 390, rel=1e-12)
    assert paths.mid[-1, -1] == day.mid[replay.samples[300]]
    assert replay.simulate(2, 13, 13 / 390, seed=0).n_steps == 13


def test_refuses(day, replay):
    for changes, sentence in (
        ({"interval": 0.0}, "`interval` must be greater than 0"),
        ({"interval": 30_000.0}, "`interval` must fit into the recording"),
        ({"part": "validation"}, "`part` must be one of 'all', 'train', 'test'"),
        ({"train_share": 1.0}, r"`train_share` must lie in \(0, 1\), got 1.0"),
        ({"half_life": -1.0}, "`half_life` must be greater than 0"),
        ({"gaps": "ignore"}, "`gaps` must be one of"),
    ):
        with pytest.raises(ValueError, match=sentence):
            OrderBookReplay(day, **changes)
    with pytest.raises(ValueError, match=r"`horizon` must be `n_steps` intervals, 12 · 5/23400 = 0.0025641"):
        replay.simulate(10, 12, 1.0, seed=0)
    with pytest.raises(ValueError, match=r"`n_steps` must be at most 4680"):
        replay.horizons(5000)
    with pytest.raises(ValueError, match=r"leave none for 'test'"):
        replay.horizons(4000, "test")
    with pytest.raises(ValueError, match="`which` must be one of"):
        replay.horizons(12, "validation")
    with pytest.raises(ValueError, match="`seed`"):
        replay.simulate(10, 12, MINUTE, seed=-1)


@needs_lobster
@pytest.mark.parametrize("ticker", ["AMZN", "GOOG"])
def test_real_day(ticker):
    book = read_lobster(LOBSTER, ticker=ticker)
    replay = OrderBookReplay(book)
    boundaries = 34_200.0 + 5.0 * np.arange(4681)
    assert replay.samples.tolist() == walk_once(book.times, boundaries)[1:]
    assert len(replay.samples) == 4680
    paths = replay.horizons(12)
    assert paths.depth.shape == (12, 390, 2, 5, 2)
    assert (paths.spread > 0).all()
    assert 0.005 < np.sqrt(np.median(paths.variance)) < 0.03
