import pytest

from ablate.tex import escape


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a_b & 5 % of #1 {x} $y$", r"a\_\allowbreak{}b \& 5~\% of \#1 \{x\} \$y\$"),
        (r"\ ^ ~", r"\textbackslash{} \textasciicircum{} \textasciitilde{}"),
        # ligatures: dash, inverted question mark
        ("--- ?`", r"-{}-{}- ?\`{}"),
        ("× −1 ± 2", r"\ensuremath{\times} \ensuremath{-}1 \ensuremath{\pm}~2"),
        ("αλωο ΔΩ", " ".join(["".join(rf"\ensuremath{{\{name}}}" for name in ("alpha", "lambda", "omega", "mathit{o}")),
                              r"\ensuremath{\Delta}\ensuremath{\Omega}"])),
        ("é ñ Š ç ø", r"\'{e} \~{n} \v{S} \c{c} \o{}"),
        ("字 Ω̈", "U+5B57 \\ensuremath{\\Omega}U+0308"),
        # neither ends a comment nor turns the direction of writing
        ("a\nb\u202e", r"a\textbackslash{}nb\textbackslash{}u202e"),
        ("x" * 50, r"\allowbreak{}".join(["x" * 20, "x" * 20, "x" * 10])),
        ("regularization (L2)", "regularization (L2)"),
        ("normal(std=0.1)", r"normal\allowbreak{}(std=0.1)"),
    ],
)  # fmt: skip
def test_text_is_escaped(text, source):
    assert escape(text) == source
    assert escape(text).isascii()
