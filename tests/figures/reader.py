"""What a reader sees of a figure: each view its controls can choose, on a page and on a phone."""

import base64
import copy
import json
from functools import cache, reduce

import numpy as np

from tests.figures.gallery import figure

NARROW = {"wide": lambda layout: layout, "phone": lambda layout: layout["meta"]["narrow"]}


@cache
def _text(name):
    return figure(name).to_json()


def content(name):
    """The figure as the page has it."""
    return json.loads(_text(name))


def numbers(value):
    """Arrays as Plotly writes them: lists, or base64 with a dtype."""
    if isinstance(value, dict):
        return np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
    return np.asarray(value)


def merged(layout, other):
    """As the page's script takes over what differs on a phone."""
    both = {**layout, **other}
    for key in layout.keys() & other.keys():
        if isinstance(layout[key], dict) and isinstance(other[key], dict):
            both[key] = merged(layout[key], other[key])
    return both


def views(name, variant):
    """(traces shown, layout) of every view that the figure's controls can choose, as a browser makes them."""
    return views_of(content(name), variant)


def views_of(drawn, variant):
    """The same of a figure's content."""
    layout = merged(drawn["layout"], NARROW[variant](drawn["layout"]))

    def chosen(args, before):
        changes = {**before, **args[1]}
        after = copy.deepcopy(layout)
        for path, value in changes.items():
            *keys, last = path.split(".")
            reduce(lambda at, key: at.setdefault(key, {}), keys, after)[last] = value
        yield [t for t, shown in zip(drawn["data"], args[0]["visible"], strict=True) if shown], after

    found = []
    sliders = layout.get("sliders", [])
    for button in [b for menu in layout.get("updatemenus", []) for b in menu["buttons"]] or [None]:
        own = (button["args"][1].get("sliders") if button else None) or sliders
        steps = [step for slider in own for step in slider["steps"]]
        before = button["args"][1] if button else {}
        for choice in steps or ([button] if button else []):
            found += chosen(choice["args"], before)
    return found or [(drawn["data"], layout)]
