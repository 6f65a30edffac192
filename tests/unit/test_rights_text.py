import pytest

from datalib.optout.rights_text import judge_constraint, judge_notice


@pytest.mark.parametrize(
    ("text", "notice", "constraint"),
    [
        ("All rights reserved", "unknown", "unknown"),
        ("© 2026 Ai Weiwei", "unknown", "hold"),
        ("Made with AI. All rights reserved.", "unknown", "hold"),
        ("No AI training", "deny", "deny"),
        ("May not be used for machine learning purposes", "deny", "deny"),
        ("Do not train AI on this", "deny", "deny"),
        ("Text and data mining is reserved (art. 4 Directive 2019/790)", "deny", "deny"),
        ("Vorbehalten nach § 44b Abs. 3 UrhG", "deny", "deny"),
        ("Text und Data Mining untersagt", "deny", "deny"),
        ("Fouille de textes et de données interdite", "deny", "deny"),
        ("Prohibida la minería de textos", "deny", "deny"),
        ("Запрещено использовать для обучения нейросетей", "deny", "deny"),
        ("Жасанды интеллектті оқытуға пайдалануға тыйым салынады", "deny", "deny"),
        ("No AI", "hold", "deny"),
        ("AI use is prohibited", "hold", "deny"),
        ("Не для ИИ", "hold", "deny"),
        ("AI training is welcome", "unknown", "hold"),
        ("noai: noindex", "deny", "deny"),
        ("NoImageAI", "deny", "deny"),
        ("DMI: ProhibitedAiMlTraining", "deny", "deny"),
        ("DMI-PROHIBITED: Allowed", "deny", "deny"),
        ("DMI-ALLOWED", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_texts_are_judged_by_their_words(text: str, notice: str, constraint: str) -> None:
    assert judge_notice(text).tested.label == notice
    assert judge_constraint(text).tested.label == constraint


def test_a_text_without_end_is_read_to_its_bound() -> None:
    assert judge_notice("x" * (1 << 20) + " no ai training").tested.label == "unknown"
    assert judge_notice("no " * 100_000).tested.label == "unknown"
