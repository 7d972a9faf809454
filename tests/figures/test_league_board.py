"""The league's figures say what the league says."""

import numpy as np
import pytest

from flowexec import figures
from flowexec.analytics import Estimate
from flowexec.analytics.statistics import NORMAL_95
from flowexec.figures.theme import PAPER, STRATEGY_COLOURS
from tests.figures.gallery import OWNERS, owners, season
from tests.figures.reader import content, numbers, views

SCENARIOS = ["HH", "LL"]


def markers(scenario, axis):
    """Name of a strategy → its marker in a panel of the board."""
    traces, layout = views("league_board", "wide")[SCENARIOS.index(scenario)]
    rows = layout["yaxis" + axis[1:]]
    names = dict(zip(rows["tickvals"], rows["ticktext"], strict=True))
    return {names[numbers(t["y"])[0]]: t for t in traces if t["yaxis"] == axis}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_rows_are_the_ranking_and_hollow_where_holm_leaves_no_significance(scenario):
    result = season().scenarios[scenario]
    drawn = markers(scenario, "y")
    assert sorted(drawn, key=lambda n: -numbers(drawn[n]["y"])[0]) == list(result.ranking)
    for name, marker in drawn.items():
        compared = result.entries[name].comparison
        low, high = (0.0, 0.0) if compared is None else compared.interval[:2]
        value = 0.0 if compared is None else compared.controlled.value
        solid = compared is not None and compared.significant
        assert numbers(marker["x"])[0] == value
        assert marker["marker"]["color"] == [STRATEGY_COLOURS[name] if solid else PAPER]
        assert value - numbers(marker["error_x"]["arrayminus"])[0] == pytest.approx(low)
        assert value + numbers(marker["error_x"]["array"])[0] == pytest.approx(high)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_regrets_are_the_leagues(scenario):
    entries = season().scenarios[scenario].entries
    drawn = markers(scenario, "y2")
    assert {n: numbers(t["x"])[0] for n, t in drawn.items()} == {
        n: e.regret.value for n, e in entries.items()
    }
    assert drawn["Optimum"]["marker"]["color"] == [PAPER]
    regret = entries["TWAP"].regret_interval
    twap = drawn["TWAP"]
    assert numbers(twap["x"])[0] + numbers(twap["error_x"]["array"])[0] == pytest.approx(regret.high)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_points_are_mean_cost_and_the_root_of_the_mean_risk_with_its_error(scenario):
    result = season().scenarios[scenario]
    traces, _ = views("league_board", "wide")[SCENARIOS.index(scenario)]
    points = {t["name"]: t for t in traces if t["yaxis"] == "y3" and t["name"] in result.entries}
    assert points.keys() == result.entries.keys()
    for name, point in points.items():
        summary = result.entries[name].summary
        risk = 1e4 / result.arrival_value * np.sqrt(summary.risk.value)
        assert numbers(point["y"])[0] == summary.controlled_mean.value
        assert numbers(point["x"])[0] == pytest.approx(risk)
        if summary.risk.value:  # the relative error of a root is half
            half = NORMAL_95 * risk * 0.5 * summary.risk.standard_error / summary.risk.value
            assert numbers(point["error_x"]["array"])[0] == pytest.approx(half)


def test_plans_are_scaled_to_the_leagues_unit_so_that_the_static_strategy_lies_on_their_frontier():
    traces, _ = views("league_board", "wide")[0]
    line = next(t for t in traces if t["name"] == "efficient frontier" and t["mode"] == "lines")
    risk, cost = numbers(line["x"]), numbers(line["y"])
    static = next(t for t in traces if t["name"] == "Static" and t["yaxis"] == "y3")
    at = int(np.argmin(np.abs(risk - numbers(static["x"])[0])))  # the plan of the scenario's own λ
    assert risk[at] == pytest.approx(numbers(static["x"])[0], rel=0.02)  # 400 paths
    assert cost[at] == pytest.approx(numbers(static["y"])[0], rel=1e-3)


def test_sentence_names_the_winner_and_every_regret():
    said = figures.league_board(season()).layout.meta["alt"]
    assert said.startswith("HH: of 6 strategies Optimum has the least objective")
    assert all(name in said for name in season().strategies)


def test_a_row_far_beyond_the_others_is_an_arrow_at_the_edge():
    near = {"VWAP": Estimate(1.0, 0.1), "POV": Estimate(-2.0, 0.1), "PPO": Estimate(0.5, 0.1)}
    figure = figures.forest({**near, "Immediate": Estimate(90.0, 0.2)}, x_title="Difference (bps)")
    assert figure.layout.xaxis.range[1] < 4
    arrow = next(note for note in figure.layout.annotations if "▶" in note.text)
    assert (arrow.text, arrow.xref, arrow.x, arrow.y) == ("+90.00 ▶", "paper", 1, 0)
    assert len([t for t in figure.data if t.mode == "markers"]) == 3
    kept = figures.forest({**near, "Immediate": Estimate(20.0, 0.2)}, x_title="Difference (bps)")
    assert kept.layout.xaxis.range[1] > 20


def test_a_league_and_known_scenarios_are_asked_for():
    with pytest.raises(ValueError, match=r"\A`league` must be a League"):
        figures.league_board({"HH": 1})
    with pytest.raises(ValueError, match=r"\A`frontiers` must be one of 'HH', 'LL', got 'hh'"):
        figures.league_board(season(), frontiers={"hh": ([1.0, 2.0], [2.0, 1.0])})


def test_each_owner_sees_the_points_of_that_risk_aversion():
    seen = views("frontier_board", "wide")
    assert len(seen) == 6
    for (impact, k), (traces, layout) in zip(
        [(b, k) for b in (0.6, 1.0) for k in range(3)], seen, strict=True
    ):
        for name, row in owners(impact)[1].items():
            point = next(
                t for t in traces if t["name"] == name and t["yaxis"] == "y" and t["mode"] == "markers"
            )
            cost, sd = row[k]
            assert (numbers(point["x"])[0], numbers(point["y"])[0]) == (sd.value, cost.value)
        mark = next(s for s in layout["shapes"] if s["xref"] == "x2")
        assert (mark["x0"], mark["x1"]) == (OWNERS[k], OWNERS[k])


def test_distances_are_per_cent_above_the_optimum_with_their_own_errors():
    objectives, _, _ = owners(0.6)
    traces, _ = views("frontier_board", "wide")[0]
    for name in ("TWAP", "Static"):
        line = next(t for t in traces if t["name"] == name and t["yaxis"] == "y2")
        best = np.array([e.value for e in objectives["Optimum"]])
        own = np.array([e.value for e in objectives[name]])
        above = own > best  # the rest has no place on a logarithmic axis
        np.testing.assert_allclose(numbers(line["y"]), (100 * (own / best - 1))[above], rtol=1e-9)
        np.testing.assert_allclose(
            numbers(line["error_y"]["array"]), (100 * NORMAL_95 * 5.0 / best)[above], rtol=1e-9
        )
    assert not [t for t in traces if t["name"] == "Optimum" and t["yaxis"] == "y2"]


def test_axes_stay_while_the_slider_moves():
    seen = [layout for _, layout in views("frontier_board", "wide")][:3]
    for axis in ("xaxis", "yaxis", "xaxis2", "yaxis2"):
        assert seen[0][axis]["range"] == seen[1][axis]["range"] == seen[2][axis]["range"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk_aversions": [1e-6, 1e-7, 1e-8]}, r"\A`risk_aversions` must increase"),
        ({"risk_aversions": [0.0, 1e-7, 1e-6]}, r"\A`risk_aversions` must be greater than 0"),
        ({"risk_aversions": np.arange(1.0, 14)}, r"\A`risk_aversions` must be at most 12, got 13"),
        ({"optimum": "Best"}, r"\A`optimum` must be one of 'TWAP', 'Static', 'Optimum', got 'Best'"),
        ({"points": {"β = 1": owners(1.0)[1]}}, r"\A`points` must be one of 'β = 1', got 'β = 0.6'"),
        ({"points": {"β = 0.6": {"TWAP": []}}}, r"`points\['β = 0.6'\]\['TWAP'\]` must hold 3 pairs, got 0"),
        (
            {"points": {"β = 0.6": {"TWAP": owners(0.6)[1]["TWAP"]}}},
            r"`points\['β = 0.6'\]` must have the strategies TWAP, Static and Optimum, got TWAP",
        ),
    ],
)
def test_owners_that_do_not_fit_are_refused(change, message):
    objectives, places, _ = owners(0.6)
    given = {"risk_aversions": OWNERS, "points": {"β = 0.6": places}, **change}
    with pytest.raises(ValueError, match=message):
        figures.frontier_board(given.pop("risk_aversions"), {"β = 0.6": objectives}, **given)


def test_one_impact_has_a_slider_and_no_drop_down():
    objectives, places, _ = owners(0.6)
    figure = figures.frontier_board(OWNERS, {"β = 0.6": objectives}, points={"β = 0.6": places})
    assert figure.layout.updatemenus == ()
    assert [step.label for step in figure.layout.sliders[0].steps] == ["10⁻⁸", "10⁻⁷", "10⁻⁶"]
    assert content("frontier_board")["layout"]["updatemenus"][0]["name"] == "Impact"
