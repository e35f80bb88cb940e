"""Files of training data: YAML and tables become messages, every slip has its line."""

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kefu.intent.v1.training_pb2 import EntityType, TrainingDataPart, Utterance
from kefu.type.v1 import understanding_pb2 as types

from services.local import training_file
from services.local.problem import Problem
from services.local.training_file import MESSAGE_BYTES, parts
from tests.support.mesh import ROOT

GOOD = """\
tenant: acme
intents:
  - name: refund
    type: operation
    description: Money back.
    utterances:
      zh: [我要退款, 退钱]
      en: [refund please]
  - name: hours
    type: query
    utterances: {en: [when do you open, opening hours]}
unknown: {en: [sing a song]}
entities:
  - {name: ticket, pattern: 'T\\d{4}', description: A ticket.}
  - {name: size, values: {small: [小号, small], large: [大号]}}
  - {name: product, products: [Camp Shoe, 帐篷]}
"""

Write = Callable[[str | bytes, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Puts a file into a folder of the test."""

    def writing(content: str | bytes, ending: str = ".yaml") -> Path:
        path = tmp_path / f"data{ending}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writing


def whole(path: Path) -> TrainingDataPart:
    """What a file holds, in one message."""
    merged = TrainingDataPart()
    for part in parts(path):
        merged.MergeFrom(part)
    return merged


def said(data: TrainingDataPart) -> list[tuple[str, str, str]]:
    """Utterances as tuples."""
    return [(each.intent, each.language_code, each.text) for each in data.utterances]


def problems_of(path: Path) -> str:
    """The report about a bad file, with places relative to its folder."""
    with pytest.raises(Problem) as caught:
        parts(path)
    assert caught.value.remedy
    return caught.value.what.replace(f"{path.parent}/", "")


def test_yaml_is_read(write: Write) -> None:
    """Intents, utterances by language, examples of unknown and entity types."""
    data = whole(write(GOOD, ".yaml"))
    assert [(each.intent, each.type, each.description) for each in data.intents] == [
        ("refund", types.INTENT_TYPE_OPERATION, "Money back."),
        ("hours", types.INTENT_TYPE_QUERY, ""),
    ]
    assert said(data) == [
        ("refund", "zh", "我要退款"),
        ("refund", "zh", "退钱"),
        ("refund", "en", "refund please"),
        ("hours", "en", "when do you open"),
        ("hours", "en", "opening hours"),
        ("unknown", "en", "sing a song"),
    ]


def test_entity_types_are_patterns_values_or_products(write: Write) -> None:
    """Names of products are found with slips unless the file says otherwise."""
    ticket, size, product = whole(write(GOOD, ".yaml")).entity_types
    assert ticket == EntityType(entity_type="ticket", pattern=r"T\d{4}", description="A ticket.")
    assert [(each.value, list(each.words)) for each in size.values] == [
        ("small", ["小号", "small"]),
        ("large", ["大号"]),
    ]
    assert [(each.value, list(each.words)) for each in product.values] == [
        ("Camp Shoe", ["Camp Shoe"]),
        ("帐篷", ["帐篷"]),
    ]
    assert (size.fuzzy, product.fuzzy) == (False, True)
    turned = GOOD.replace("products: [", "fuzzy: false, products: [")
    turned = turned.replace("values: {", "fuzzy: true, values: {")
    _, size, product = whole(write(turned, ".yaml")).entity_types
    assert (size.fuzzy, product.fuzzy) == (True, False)


def test_the_sample_company_s_file_is_good() -> None:
    """A newcomer begins with it."""
    data = whole(ROOT / "examples" / "shop" / "intents.yaml")
    assert len(data.intents) >= 10
    assert {each.language_code for each in data.utterances} == {"zh", "en", "mixed"}
    assert "order_number" in {each.entity_type for each in data.entity_types}


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_a_table_is_read(write: Write, ending: str) -> None:
    """Columns in any order; what a row leaves open another one says."""
    table = (
        "intent,text,type,description,language\n"
        "refund,我要退款,operation,,zh-CN\n"
        "refund,refund please,,Money back.,\n"
        "\n"
        "unknown,sing a song,,,en\n"
        "hours,几点开门,,,\n"
    )
    if ending == ".tsv":
        table = table.replace(",", "\t")
    data = whole(write("\ufeff" + table, ending))
    assert [(each.intent, each.type, each.description) for each in data.intents] == [
        ("refund", types.INTENT_TYPE_OPERATION, "Money back."),
        ("hours", types.INTENT_TYPE_UNSPECIFIED, ""),
    ]
    assert said(data) == [
        ("refund", "zh-CN", "我要退款"),
        ("refund", "", "refund please"),
        ("unknown", "en", "sing a song"),
        ("hours", "", "几点开门"),
    ]


def test_a_comma_file_quotes_and_a_tab_file_does_not(write: Write) -> None:
    """As the programs that write them do."""
    quoted = whole(write('text,intent\n"hi, ""you""",greeting\n', ".csv"))
    plain = whole(write('text\tintent\nhi, "you\tgreeting\n', ".tsv"))
    assert quoted.utterances[0] == Utterance(text='hi, "you"', intent="greeting")
    assert plain.utterances[0] == Utterance(text='hi, "you', intent="greeting")


@pytest.mark.parametrize(
    ("old", "new", "report"),
    [
        ("type: query", "type: question", "data.yaml:10: intents.hours: type: 'question' is none"),
        ("type: query", "type: unknown", "'unknown' is none of query, operation"),
        ("name: hours", "name: refund", "data.yaml:1: intents: 'refund' is defined 2 times"),
        ("name: hours", "name: unknown", "data.yaml:9: intents.unknown: is not an intent"),
        ("name: hours", "name: Opening Hours", "data.yaml:9: intents[2]: name: 'Opening Hours'"),
        ("opening hours]", "yes]", "data.yaml:11: intents.hours.utterances: en: 'yes' is a truth"),
        ("opening hours]", "' ']", "an entry is empty"),
        ("opening hours]", "'" + "a" * 4001 + "']", "longer than 4000"),
        ("{en: [when", "{de: [wann], en: [when", "'de' is not known here; known are zh, en, mixed"),
        ("description: Money", "descriptoin: Money", "'descriptoin' is not known here"),
        ("pattern: 'T\\d{4}', ", "", "data.yaml:14: entities.ticket: needs one of pattern"),
        ("products: [", "pattern: x, products: [", "entities.product: needs one of pattern"),
        ("large: [大号]", "large: 大号", "large: must be a list, is a string"),
        ("large: [大号]", "large: []", "values: 'large' needs a word"),
        ("tenant: acme", "tenant: [", "data.yaml:3: cannot be read as YAML"),
        ("Money back", "Money \x07", "data.yaml:5: holds characters that are not text"),
    ],
)
def test_each_slip_in_yaml_has_its_line(write: Write, old: str, new: str, report: str) -> None:
    """In words for the file's author."""
    assert old in GOOD
    assert report in problems_of(write(GOOD.replace(old, new), ".yaml"))


@pytest.mark.parametrize(
    ("table", "report"),
    [
        ("", "data.csv:1: the line with the columns' names is missing"),
        ("text,label\na,b\n", "data.csv:1: the line with the columns' names has 'text', 'label'"),
        ("text,intent,text\n", "has 'text', 'intent', 'text'"),
        ("text,intent\na\n", "data.csv:2: has 1 cells, the first line has 2"),
        ("text,intent\na,b\n ,b\n", "data.csv:3: text: is empty"),
        ("text,intent\na,\n", "data.csv:2: intent: is empty"),
        ("text,intent\n" + "a" * 4001 + ",b\n", "data.csv:2: text: is longer than 4000"),
        ("text,intent\na," + "b" * 65 + "\n", "data.csv:2: intent: is longer than 64"),
        ("text,intent,type\na,b,question\n", "data.csv:2: type: 'question' is none of query"),
        ("text,intent,type\na,b,query\nc,b,end\n", "data.csv:3: type: intent 'b' has another"),
        ('text,intent\n"a,b\n', "cannot be read as a table"),
        ("text,intent\nPK\x03\x04,b\n", "data.csv:2: text: holds characters that are not text"),
    ],
)
def test_each_slip_in_a_table_has_its_line(write: Write, table: str, report: str) -> None:
    """Rows count as the author's editor counts them."""
    assert report in problems_of(write(table, ".csv"))


def test_all_problems_are_reported_at_once_up_to_what_anybody_reads(write: Write) -> None:
    """Whoever repairs the file does it in one go."""
    report = problems_of(write("text,intent\n" + ",b\n" * 60, ".csv"))
    assert report.count("text: is empty") == 50
    assert report.endswith("and 10 more")


def test_a_file_in_another_encoding_is_told_so(write: Write) -> None:
    """With the line where it shows; a spreadsheet under a wrong name, too."""
    report = problems_of(write(b"text,intent\nok,b\n" + "退货,b".encode("gbk"), ".csv"))
    assert report == "data.csv:3: is not text in UTF-8"
    assert "not text in UTF-8" in problems_of(write(b"PK\x03\x04\xff\xfe\x00", ".yaml"))


def test_a_file_of_no_known_kind_and_one_that_is_not_there(write: Write, tmp_path: Path) -> None:
    """What to do is said in both cases."""
    with pytest.raises(Problem, match=r"\.yaml, \.csv or \.tsv"):
        parts(write("x", ".xlsx"))
    with pytest.raises(Problem, match="No such file"):
        parts(tmp_path / "absent.yaml")


def test_parts_keep_the_contract_s_limits(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 utterances a message, fewer where they are long; definitions go ahead of them."""
    rows = "".join(f"text {number},intent_{number % 5}\n" for number in range(4500))
    found = parts(write("text,intent\n" + rows, ".csv"))
    assert [(len(each.intents), len(each.utterances)) for each in found] == [
        (5, 0), (0, 2000), (0, 2000), (0, 500),
    ]  # fmt: skip
    monkeypatch.setattr(training_file, "MESSAGE_BYTES", 300)
    found = parts(write("text,intent\n" + f"{'长' * 40},a\n" * 5, ".csv"))
    assert [len(each.utterances) for each in found] == [0, 2, 2, 1]
    assert all(each.ByteSize() <= 300 for each in found)


def test_long_lists_of_products_are_cut_by_their_size(write: Write) -> None:
    """Few entity types can fill a message that a service would refuse."""
    products = ", ".join(f"{'很长的产品名' * 6}{number}" for number in range(5000))
    types_of = "".join(f"  - {{name: list_{n}, products: [{products}]}}\n" for n in range(6))
    found = parts(write("entities:\n" + types_of))
    assert [len(each.entity_types) for each in found] == [2, 2, 2]
    assert all(each.ByteSize() <= MESSAGE_BYTES for each in found)


def test_an_entity_type_that_no_message_holds_is_told_so(write: Write) -> None:
    """With its place: more values, words or bytes than are taken."""
    many = ", ".join(f"p{number}" for number in range(5001))
    report = problems_of(write(f"entities:\n  - {{name: all, products: [{many}]}}\n"))
    assert report == "data.yaml:2: entities.all: has 5001 values; up to 5000 are taken"
    words = ", ".join(f"w{number}" for number in range(101))
    report = problems_of(write(f"entities:\n  - {{name: size, values: {{big: [{words}]}}}}\n"))
    assert report.startswith("data.yaml:2: entities.size: values: 'big' needs a word, 100 at most")
    long = ", ".join(f"{'a' * 190}{number}" for number in range(100))
    values = ", ".join(f"v{number}: [{long}]" for number in range(170))
    report = problems_of(write(f"entities:\n  - {{name: size, values: {{{values}}}}}\n"))
    assert report.startswith("data.yaml:2: entities.size: is 3.3 MB large, up to 3 are taken")


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 100_000, "- " * 100_000])
def test_a_document_of_endless_levels_is_refused(write: Write, text: str) -> None:
    """The reader of YAML would end the process with a signal."""
    report = problems_of(write(f"intents: []\nunknown:\n  {text}"))
    assert report == "data.yaml:3: is nested more than 50 levels deep"


@pytest.mark.parametrize(
    ("ending", "text"),
    [(".CSV", "text,intent\nhi,greet\n"), (".Tsv", "text\tintent\nhi\tgreet\n"),
     (".YAML", "intents: [{name: greet, type: query, utterances: {en: [hi]}}]")],
)  # fmt: skip
def test_the_case_of_an_ending_does_not_matter(write: Write, ending: str, text: str) -> None:
    """As other systems write it."""
    assert [each.text for each in whole(write(text, ending)).utterances] == ["hi"]


def test_a_hundred_thousand_rows_are_read_in_seconds(write: Write) -> None:
    """The most that a draft holds."""
    rows = "".join(f"text {number},intent_{number % 50}\n" for number in range(100_000))
    found = parts(write("text,intent\n" + rows, ".csv"))
    assert sum(len(each.utterances) for each in found) == 100_000


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)
        .map(str.strip)
        .filter(lambda text: text and not set(text) & set("\ufffd\ufffe\uffff")),
        min_size=1,
    )
)
def test_what_a_program_writes_as_a_table_is_read_back(texts: list[str]) -> None:
    """Quotes, commas, emoji, any script: every utterance arrives as it was."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "intent"])
            writer.writerows([text, "hours"] for text in texts)
        assert [each.text for each in whole(path).utterances] == texts
