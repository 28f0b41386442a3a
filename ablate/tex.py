"""Any text as LaTeX source in ASCII that compiles with pdfTeX without a package."""

import re
import unicodedata

from pipeline.core.errors import escape as escape_control

_UNBROKEN = 20  # letters after which a line may be broken, as at _ and (: longer words are ids
_LETTERS = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{letter: f"\\{letter}" for letter in "{}$&#%"},
    "_": r"\_\allowbreak{}",
    # in OT1, the default encoding of LaTeX, the codes of these are other letters
    **{letter: f"\\ensuremath{{{letter}}}" for letter in "<>|"},
    # TeX reads these as other letters or as parts of ligatures
    '"': "''",
    "`": r"\`{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": "`{}",
    "’": "'",
    "“": "``{}",
    "”": "''",
    "…": r"\dots{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
}
_SYMBOLS = {
    "−": "-",
    "×": r"\times",
    "±": r"\pm",
    "·": r"\cdot",
    "÷": r"\div",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "∞": r"\infty",
    "→": r"\rightarrow",
    "←": r"\leftarrow",
    "∈": r"\in",
    "∑": r"\sum",
    "∂": r"\partial",
    "°": r"^\circ",
    "²": "^2",
    "³": "^3",
    "µ": r"\mu",
    "ϕ": r"\phi",
    "ϵ": r"\epsilon",
}
_GREEK = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi mathit{o} pi rho varsigma sigma tau "
    "upsilon varphi chi psi omega"
)
_SYMBOLS |= {chr(ord("α") + place): f"\\{name}" for place, name in enumerate(_GREEK.split())}
_CAPITALS = {"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma"}
_CAPITALS |= {"Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"}
_SYMBOLS |= {letter: f"\\{name}" for letter, name in _CAPITALS.items()}
# combining marks: grave, acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, double acute, caron, cedilla
_ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327", "`'^~=u.\"rHvc", strict=True)
)


def escape(text: str) -> str:
    r"""Return text as LaTeX source of one line; a letter that no font of every installation has becomes its code.

    >>> print(escape("50 % of α_1 → [é], 字"))
    50~\% of \ensuremath{\alpha}\_\allowbreak{}1 \ensuremath{\rightarrow} [\'{e}], U+5B57
    """
    broken = re.sub(rf"[^\W_]{{{_UNBROKEN}}}(?=[^\W_])|[^\W_](?=\()", "\\g<0>\0", escape_control(text))
    source = "".join(r"\allowbreak{}" if letter == "\0" else _letter(letter) for letter in broken)
    # a number stays on one line with its sign or unit, and two hyphens would be a dash
    source = re.sub(r"(?<=\d) (?=\\%)|(?<=\\pm\}) (?=\d)|(?<=\\times\}) (?=\d)", "~", source)
    return re.sub("-(?=-)", "-{}", source)


def _letter(letter: str) -> str:
    if letter in _LETTERS:
        return _LETTERS[letter]
    if letter in _SYMBOLS:
        return f"\\ensuremath{{{_SYMBOLS[letter]}}}"
    if letter.isascii():
        return letter
    base, mark = unicodedata.normalize("NFD", letter)[:1], unicodedata.normalize("NFD", letter)[1:]
    if base.isascii() and mark in _ACCENTS:
        return f"\\{_ACCENTS[mark]}{{{base}}}"
    return f"U+{ord(letter):04X}"
