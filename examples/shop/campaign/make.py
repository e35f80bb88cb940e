"""Makes the three files of the summer campaign anew: `python examples/shop/campaign/make.py`.

They are what content owners really have: a PDF of the marketing department, a Word file of sales, a
sheet of answers. `kefu demo` imports them, publishes, asks, and goes back.
"""

from pathlib import Path

import docx
from openpyxl import Workbook
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

FOLDER = Path(__file__).parent

RENTAL = [
    ("Equipment", "Weekend", "Week", "Deposit"),
    ("Two-person tent", "120 yuan", "300 yuan", "500 yuan"),
    ("Sleeping bag", "40 yuan", "100 yuan", "200 yuan"),
    ("Camp stove", "30 yuan", "80 yuan", "150 yuan"),
]

GROUP_ORDERS = (
    ("企业团购", 1, ""),
    (
        "起订量与折扣",
        2,
        "同一款商品满 20 件享受企业团购价，按标价的八五折结算；满 100 件享受八折。",
    ),
    (
        "定制标志",
        2,
        "满 50 件可以免费印制企业标志，打样需要 5 个工作日，确认后 15 个工作日内发货。",
    ),
    ("付款与发票", 2, "企业客户可以先付三成定金，发货前付清余款，统一开具增值税专用发票。"),
)

ANSWERS = (
    ("问题", "相似问", "答案", "标签"),
    (
        "夏季活动什么时候开始？",
        "夏季促销从哪天开始|夏季活动是几号",
        "夏季活动从 6 月 1 日开始，到 8 月 31 日结束，期间帐篷和睡袋一律九折。",
        "夏季",
    ),
    (
        "When does the summer sale start?",
        "when is the summer sale|what are the dates of the summer sale",
        "The summer sale runs from 1 June to 31 August; tents and sleeping bags are 10% off.",
        "summer",
    ),
)


def main() -> None:
    """Write the files."""
    styles = getSampleStyleSheet()
    story = [
        Paragraph("Renting equipment", styles["Heading1"]),
        Paragraph(
            "From June to August you can rent camping equipment in our store and try it before "
            "you buy. What you rent has to be dry and clean when you bring it back.",
            styles["BodyText"],
        ),
        Paragraph("Prices of the rental", styles["Heading2"]),
        Table(RENTAL, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")]),
        Paragraph("Bringing it back late", styles["Heading2"]),
        Paragraph(
            "Each day after the agreed one costs a fifth of the price of a weekend. After ten days "
            "we keep the deposit, and the equipment is yours.",
            styles["BodyText"],
        ),
    ]
    SimpleDocTemplate(str(FOLDER / "rental.pdf"), invariant=1).build(story)
    word = docx.Document()
    for title, level, text in GROUP_ORDERS:
        word.add_heading(title, level)
        if text:
            word.add_paragraph(text)
    word.save(str(FOLDER / "group-orders.docx"))
    book = Workbook()
    for row in ANSWERS:
        book.active.append(row)
    book.save(FOLDER / "campaign-faqs.xlsx")


if __name__ == "__main__":
    main()
