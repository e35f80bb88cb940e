"""Excel files become tables with values as shown, or FAQs."""

from datetime import date, datetime, time, timedelta

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from services.knowledge.conversion import sheets
from services.knowledge.conversion.cells import shown
from services.knowledge.conversion.limits import MOST_ROWS, UnreadableFile
from tests.unit.knowledge.made_files import excel, repacked

PRICES = ("价格", [["商品", "价格"], ["耳机", 199], ["音箱", 299.5]])


def test_each_sheet_is_a_section() -> None:
    """Under its name; empty and hidden ones are left out."""

    def hide(first: Worksheet) -> None:
        first.parent["internal"].sheet_state = "hidden"

    content = excel(
        PRICES, ("empty", []), ("internal", [["a", "b"]]), ("Hours", [["Day", "Open"], ["Mon", 9]]),
        change=hide,
    )  # fmt: skip
    assert sheets.convert(content).text == (
        "# 价格\n\n| 商品 | 价格 |\n|---|---|\n| 耳机 | 199 |\n| 音箱 | 299.5 |\n\n"
        "# Hours\n\n| Day | Open |\n|---|---|\n| Mon | 9 |\n"
    )


def test_a_title_above_the_table_is_its_caption() -> None:
    """The header is the first row with several names."""
    content = excel(
        ("S", [["2026 价目表"], ["含税"], [], *PRICES[1]]), change=lambda s: s.merge_cells("A1:B1")
    )
    assert sheets.convert(content).text.startswith("# S\n\n2026 价目表 含税\n| 商品 | 价格 |\n")


def test_merged_cells_say_their_words_in_each_row() -> None:
    """A category is written once beside its rows; each row belongs to it."""
    rows = [["类别", "商品", "注"], ["音响", "耳机", "新"], [None, "音箱"]]

    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("A2:A3")
        sheet.merge_cells("C2:C3")

    text = sheets.convert(excel(("S", rows), change=merge)).text
    assert text.endswith("| 音响 | 耳机 | 新 |\n| 音响 | 音箱 | 新 |\n")


def test_a_cell_far_away_costs_nothing() -> None:
    """A format in the last row is common, and no value."""

    def stray(sheet: Worksheet) -> None:
        sheet["C1048576"].number_format = "0.00"

    assert sheets.convert(excel(PRICES, change=stray)).text.count("\n") == 6


def test_a_single_column_is_text() -> None:
    """A table of one column says nothing more."""
    assert sheets.convert(excel(("S", [["one"], ["two"]]))).text == "# S\n\none\n\ntwo\n"


def test_formulas_without_results_are_noted() -> None:
    """Programs write them so; Excel stores results when it saves."""
    content = excel(("S", [["a", "b"], [1, "=A2+1"]]))
    assert sheets.convert(content).notes == (sheets.NO_RESULTS,)
    saved = repacked(
        content,
        {
            "xl/worksheets/sheet1.xml": lambda part: (
                part.replace(b"<v></v>", b"<v>2</v>")
                .replace(b"<v />", b"<v>2</v>")
                .replace(b"<v/>", b"<v>2</v>")
            )
        },
    )
    converted = sheets.convert(saved)
    assert converted.notes == ()
    assert converted.text.endswith("| 1 | 2 |\n")


def test_an_faq_sheet_is_read_as_rows() -> None:
    """Dates are days again; the row numbers are those of the sheet."""
    content = excel(
        ("FAQ", [["Question", "answer", "valid_from"], [], ["Q", 5, date(2026, 1, 31)]]),
        PRICES,
    )
    converted = sheets.convert(content)
    assert converted.faq_rows == (
        (3, {"question": "Q", "answer": "5", "valid_from": "2026-01-31"}),
    )
    assert converted.notes == (sheets.ONLY_ONE_SHEET,)


def test_too_many_rows_are_refused() -> None:
    """A database is no document."""
    content = excel(("S", ([number] for number in range(MOST_ROWS + 1))))
    with pytest.raises(UnreadableFile, match=f"^too many rows: at most {MOST_ROWS}"):
        sheets.convert(content)


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (5, "General", "5"),
        (5.0, "General", "5"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "1e+20"),
        (0.15, "0%", "15%"),
        (0.1234, "0.0%", "12.3%"),
        (2.5, "0", "3"),
        (1299.5, "#,##0.00", "1,299.50"),
        (-1299.5, "#,##0.00", "-1,299.50"),
        (-5, "0.00;[Red](0.00)", "(5.00)"),
        (199, '"¥"#,##0.00', "¥199.00"),
        (199, "[$€-407]#,##0.##", "€199"),
        (12, '0"元"', "12元"),
        (12.5, "0.0##", "12.5"),
        (86, "00000", "00086"),
        (1200, "_ * #,##0_ ", "1,200"),
        (1.5e6, "0,", "1500000"),
        (0.5, "# ?/?", "0.5"),
        (5, "0.00E+00", "5"),
        (5, "[>100]0.0;0", "5"),
        (1e300, "0.00", "1e+300"),
        (True, "General", "TRUE"),
        ("a", "General", "a"),
        (date(2026, 1, 31), "d.m.yy", "2026-01-31"),
        (datetime(2026, 1, 31), "d.m.yy", "2026-01-31"),
        (datetime(2026, 1, 31, 18), "d.m.yy h:mm", "2026-01-31 18:00"),
        (time(9, 30), "h:mm", "09:30"),
        (timedelta(hours=30), "[h]:mm", "1 day, 6:00:00"),
    ],
)
def test_values_are_as_shown(value: object, number_format: str, text: str) -> None:
    """What a customer is told is what the owner of the file sees."""
    assert shown(value, number_format) == text
