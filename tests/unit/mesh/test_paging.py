"""Page sizes and page tokens behave as AIP-158 asks."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kefu.errors import PageTokenInvalid

from services.mesh.paging import Key, decode, encode, page_size


@pytest.mark.parametrize(("asked", "given_size"), [(0, 20), (1, 1), (100, 100), (101, 100)])
def test_sizes_are_coerced(asked: int, given_size: int) -> None:
    """No wish is an error: none means 20, too much means 100."""
    assert page_size(asked) == given_size


@given(st.lists(st.one_of(st.text("abc 客服-_/"), st.integers()), min_size=1))
def test_a_token_leads_back_to_its_key(key: Key) -> None:
    """What was sent last is where the next page begins."""
    kinds = tuple(type(part) for part in key)
    assert decode(encode(key, "tenants/shop", "OPEN"), kinds, "tenants/shop", "OPEN") == key


def test_the_first_page_has_no_token() -> None:
    """An empty token is the beginning, not an error."""
    assert decode("", (int,), "tenants/shop") is None


@pytest.mark.parametrize("question", [("tenants/bank",), (), ("tenants/shop", "OPEN")])
def test_a_token_goes_on_with_its_own_question_only(question: tuple[str, ...]) -> None:
    """Another tenant, fewer or more filters: another list."""
    with pytest.raises(PageTokenInvalid):
        decode(encode([7], "tenants/shop"), (int,), *question)


@pytest.mark.parametrize(
    "body", [b"", b"7", b"null", b"[]", b"{}", b'"abc"', b"[1", b"\xff\xfe", b"[" * 100_000]
)
def test_a_damaged_token_is_refused(body: bytes) -> None:
    """Whatever a caller makes up gets the one error that says so."""
    with pytest.raises(PageTokenInvalid):
        decode(base64.urlsafe_b64encode(body).decode() or "=", (int,), "tenants/shop")
    with pytest.raises(PageTokenInvalid):
        decode("客服", (int,), "tenants/shop")


@pytest.mark.parametrize("key", [[], ["7"], [True], [7, 7]])
def test_a_forged_key_of_another_shape_is_refused(key: Key) -> None:
    """The digest is no secret, so a well-made token with a wrong key must not reach a query."""
    with pytest.raises(PageTokenInvalid):
        decode(encode(key, "tenants/shop"), (int,), "tenants/shop")


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_forged_key_that_no_database_takes_is_refused(text: str) -> None:
    """It would end as an internal error."""
    with pytest.raises(PageTokenInvalid):
        decode(encode([text], "tenants/shop"), (str,), "tenants/shop")
