"""A figure glued in a notebook is handed over whole, and not shown on the spot."""

import subprocess
import sys

PROGRAM = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
from IPython.core.formatters import format_display_data
import plotly.graph_objects as go
from flowexec.figures.theme import use_theme
use_theme()
figure = go.Figure(go.Scatter(y=[1, 2]), layout={"meta": {"alt": "A line goes up."}})
bundle, _ = format_display_data(figure)
print(sorted(bundle), "A line goes up." in bundle["text/html"])
"""


def test_glue_gets_both_forms_of_a_figure():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "['application/vnd.plotly.v1+json', 'text/html', 'text/plain'] True"
