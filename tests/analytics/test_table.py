"""The small table: its text, its HTML, and what it refuses."""

from flowexec import Table


def test_text_aligns_labels_left_and_numbers_right():
    table = Table(
        ("cost", "bps", "s.e."), (("timing", "1.5", "0.12"), ("implementation shortfall", "-10.25", "3"))
    )
    assert str(table).split("\n") == [
        "cost                         bps  s.e.",
        "timing                       1.5  0.12",
        "implementation shortfall  -10.25     3",
    ]


def test_html_escapes_and_marks_headings():
    html = Table(("a<b", "x"), (("R&D", "1"),))._repr_html_()
    assert '<th scope="col">a&lt;b</th>' in html
    assert '<tr><th scope="row">R&amp;D</th><td>1</td></tr>' in html


def test_a_number_keeps_its_error_beside_it():
    assert "<td>1.5\u00a0±\u00a00.1</td>" in Table(("a", "b"), (("x", "1.5 ± 0.1"),))._repr_html_()


def test_a_table_without_rows_is_its_heading():
    assert str(Table(("a", "b"), ())) == "a  b"


def test_ragged_rows_are_refused(refused):
    with refused("`rows` must have 2 cells each, got ('x',)"):
        Table(("a", "b"), (("y", "1"), ("x",)))
