"""The fixed sentences of Kefu, in both languages."""

from services.session.actions import Localized

GREETING = Localized(
    "您好！我是智能客服，可以为您解答问题、查询和办理订单业务，请问有什么可以帮您？",
    "Hello! I can answer questions and handle your orders. How can I help you?",
)
THANKS = Localized(
    "不客气，很高兴能帮到您！还有其他问题随时告诉我。",
    "You're welcome! Let me know if there is anything else.",
)
SMALL_TALK = Localized(
    "我在呢。关于订单、配送、退换货等问题都可以问我。",
    "I'm here. You can ask me about orders, delivery, returns and more.",
)
GOODBYE = Localized("感谢您的咨询，再见！", "Thank you for contacting us. Goodbye!")
NO_ANSWER = Localized(
    "抱歉，我在现有资料中没有找到相关内容。您可以换个说法，或回复“人工”由人工客服为您解答。",
    'Sorry, I found nothing about this in our knowledge. Please rephrase, or say "human" to reach a'
    " person.",
)
CLARIFY = Localized(
    "抱歉，我没有完全明白您的意思。您可以换个说法吗？",
    "Sorry, I did not quite understand. Could you put it another way?",
)
CLARIFY_BETWEEN = Localized("请问您是想：{choices}？", "Do you want to: {choices}?")
ABOUT = Localized("关于“{part}”：", 'About "{part}":')
ALSO = Localized(
    "您还提到了：{others}。请在这之后告诉我，我接着为您处理。",
    "You also mentioned: {others}. Tell me afterwards, and I will go on with it.",
)
ASK_AGAIN = Localized("抱歉，我没有看懂。", "Sorry, I did not get that.")
ABANDONED = Localized(
    "好的，已为您取消本次操作，没有做任何更改。还有什么可以帮您？",
    "All right, I have dropped it and changed nothing. Anything else?",
)
HANDED_OVER = Localized(
    "好的，已为您转接人工客服，工单号 {ticket}，请稍候，客服会尽快与您联系。",
    "I am passing you to a colleague, ticket {ticket}. Someone will be with you shortly.",
)
HANDED_OVER_NO_TICKET = Localized(
    "已记录您的转人工请求，客服会尽快与您联系。",
    "Your request for a person is noted. Someone will be with you shortly.",
)
HOLD = Localized(
    "您的问题已转交人工客服处理，请稍候，客服会尽快回复您。",
    "A colleague has taken over and will answer you shortly.",
)
SORRY_ANGER = Localized(
    "非常抱歉给您带来了不好的体验，已为您登记工单 {ticket}，会有专人优先跟进。",
    "I am very sorry about this. I have opened ticket {ticket}, and a colleague will follow up with"
    " priority.",
)
SORRY_ANGER_NO_TICKET = Localized(
    "非常抱歉给您带来了不好的体验，我们会优先跟进您的问题。",
    "I am very sorry about this. We will follow up with priority.",
)
APOLOGY = Localized(
    "抱歉，系统暂时无法处理您的请求，已为您登记工单 {ticket}，我们会尽快跟进。",
    "Sorry, I cannot handle this right now. I have opened ticket {ticket} and we will follow up.",
)
APOLOGY_NO_TICKET = Localized(
    "抱歉，系统暂时无法处理您的请求，请稍后再试。",
    "Sorry, I cannot handle this right now. Please try again later.",
)
ACTION_FAILED = Localized(
    "抱歉，这次操作没有成功，已为您登记工单 {ticket}，会有专人跟进处理。",
    "Sorry, that did not work. I have opened ticket {ticket}; a colleague will take care of it.",
)

SMALL_TALK_BY_INTENT = {"greeting": GREETING, "thanks": THANKS}
"""Small talk that has its own sentence, by intent."""


def with_ticket(with_number: Localized, without: Localized, ticket: str, language: str) -> str:
    """The sentence with the ticket's number, or the other one where no ticket could be opened."""
    if not ticket:
        return without.in_language(language)
    return with_number.in_language(language).replace("{ticket}", ticket.rpartition("/")[2])
