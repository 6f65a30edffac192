import pytest

from datalib.optout import reservation, site_files
from datalib.optout.model import State

OWN = [
    "© 2026 Press. All rights are reserved, including those for text and data mining, AI training and the like.",
    "Nutzungsvorbehalt für Text und Data Mining gemäß § 44b UrhG",
    "Все права защищены, в том числе на машинное обучение",
    "Барлық құқықтар қорғалған, оның ішінде машиналық оқыту",
]
TERMS = [
    "You may not use our content for AI training",
    "Использование для обучения нейросетей запрещено",
    "Мазмұнды машиналық оқыту үшін пайдалануға тыйым салынады",
    "La minería de textos está prohibida",
]
NEITHER = [
    "All rights reserved.",
    "A court forbade nothing. Machine learning is popular.",
    "Our team works on machine learning.",
    "<script>rights reserved, text and data mining</script>",
    "<!-- rights reserved for text and data mining -->",
    "",
]


@pytest.mark.parametrize("text", OWN)
def test_a_page_reserves_its_rights(text: str) -> None:
    page = f"<html><body><p>News</p><footer>{text.replace(' ', ' <b></b>&nbsp;', 1)}</footer>".encode()
    assert reservation.on_page(page)
    assert reservation.in_terms(page)
    for encoding in ("utf-16-le", "utf-16-be"):
        wide = ("\ufeff" + page.decode()).encode(encoding)
        assert reservation.on_page(wide) == reservation.on_page(page)
        assert reservation.in_terms(wide) == reservation.in_terms(page)


@pytest.mark.parametrize("text", TERMS)
def test_terms_refuse_what_an_article_may_tell(text: str) -> None:
    assert reservation.in_terms(text.encode())
    assert not reservation.on_page(text.encode())


@pytest.mark.parametrize("text", NEITHER)
def test_other_words_say_nothing(text: str) -> None:
    assert not reservation.in_terms(text.encode())
    assert not reservation.on_page(text.encode())


def test_a_footer_of_a_huge_page_is_read() -> None:
    assert reservation.on_page(b"x " * (1 << 20) + OWN[0].encode())


@pytest.mark.parametrize(("text", "state"), [(TERMS[0], State.HOLD), (NEITHER[0], State.UNKNOWN)])
def test_terms_of_a_site_hold(text: str, state: State) -> None:
    file = site_files.parse("/terms", text.encode())
    assert file is not None
    assert file.uniform
    assert file.say("/a").strict is state
    assert (file.say("/a").spec, file.name) == (State.UNKNOWN, "terms-text")


RIGHTS = [
    "All rights are expressly reserved", "reserves all rights", "Reservation of rights", "Rechte vorbehalten",
    "NUTZUNGSVORBEHALT", "Droits Réservés", "derechos RESERVADOS", "diritti riservati", "ПРАВА ЗАЩИЩЕНЫ",
    "Права сохранены", "Оставляем за собой право", "Құқықтары ҚОРҒАЛҒАН", "rights re\u017ferved",
]  # fmt: skip
SUBJECTS = [
    "text and data mining", "Data Mining", "MACHINE learning", "AI training", "train our models", "training of AI",
    "Generative AI", "maschinelles Lernen", "Text- und Data-Mining", "fouille de textes", "ENTRAÎNEMENT",
    "minería de datos", "МАШИННОЕ ОБУЧЕНИЕ", "обучение нейросетей", "интеллектуальный анализ данных",
    "Машиналық оқыту", "жасанды интеллект модельдерін оқытуға",
]  # fmt: skip
LAWS = ["§ 44b Abs. 3 UrhG", "Art. 4 (3) of Directive (EU) 2019/790"]


def test_what_is_looked_for_first_stands_in_every_form_of_a_reservation() -> None:
    before = b"<p>" + "word \u0434\u0430\u043b\u0430 ".encode() * 200
    for number, rights in enumerate(RIGHTS * len(SUBJECTS)):
        subject = SUBJECTS[number // len(RIGHTS)]
        text = f"{rights}, {subject}" if number % 2 else f"{subject}: {rights}"
        assert reservation.on_page(before + text.encode() + b"</p>"), text
    assert all(reservation.on_page(before + text.encode() + before) for text in LAWS)
    assert not any(reservation.on_page(before + text.encode() + before) for text in RIGHTS + SUBJECTS)
