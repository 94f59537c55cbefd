"""Messages as images for displays: Latin, Greek, and Cyrillic, in the largest size that fits; and a placeholder."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
import unicodedata

from PIL import Image, ImageDraw, ImageFont

# All displays accept baseline JPEG (2N HTTP API 5.9.2), but not progressive JPEG.

_FONTS = Path(__file__).parent / "fonts"
_REGULAR, _BOLD = _FONTS / "NotoSans-Regular.ttf", _FONTS / "NotoSans-Bold.ttf"

_BACKGROUND = (18, 22, 30)
_TITLE_COLOR = (120, 190, 255)
_TEXT_COLOR = (245, 245, 245)
_OUTLINE_COLOR = (84, 92, 106)
_PLACEHOLDER_SIZE = (640, 480)

# Font sizes as shares of the display's height: the first attempt, and the smallest readable one.
_LARGEST = 0.22
_SMALLEST = 0.055
_SHRINK = 0.92
_MARGIN = 0.06
_LINE = 1.28
_TITLE_SCALE = 0.8
# Longest text: more does not fit on a display, and the time to draw is limited.
_LONGEST = 1000
_ELLIPSIS = "…"
_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))

type Font = ImageFont.FreeTypeFont


def draw_message(width: int, height: int, message: str, title: str | None = None) -> bytes:
    """Return a message as a JPEG of ``width`` by ``height`` pixels, shortened with an ellipsis if necessary.

    Takes some milliseconds, so it runs in the executor.
    """
    margin = max(2, round(min(width, height) * _MARGIN))
    room = (width - 2 * margin, height - 2 * margin)
    head, body = _clean(title or ""), _clean(message)
    sizes = _sizes(height)
    fitting = bisect_left(sizes, True, key=lambda size: _height(_layout(head, body, room[0], size)) <= room[1])
    lines = _layout(head, body, room[0], sizes[min(fitting, len(sizes) - 1)])
    if _height(lines) > room[1]:
        lines = _shortened(lines, room)
    image = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    top = margin + (room[1] - _height(lines)) / 2
    for text, font, color in lines:
        draw.text((width / 2, top), text, font=font, fill=color, anchor="ma")
        top += _advance(font)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=92, progressive=False)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def draw_placeholder() -> bytes:
    """Return the JPEG that is shown before the first visitor: the outline of a person."""
    width, height = _PLACEHOLDER_SIZE
    image = Image.new("RGB", _PLACEHOLDER_SIZE, _BACKGROUND)
    draw = ImageDraw.Draw(image)
    head, middle = height // 6, width // 2
    draw.circle((middle, height // 3), head, fill=_OUTLINE_COLOR)
    draw.ellipse((middle - 2 * head, height * 11 // 20, middle + 2 * head, height * 5 // 4), fill=_OUTLINE_COLOR)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _sizes(height: int) -> Sequence[int]:
    """Return the font sizes to try on a display, largest first."""
    sizes, size, smallest = list[int](), height * _LARGEST, height * _SMALLEST
    while size > smallest:
        sizes.append(round(size))
        size *= _SHRINK
    return [*sizes, round(smallest)]


type _Line = tuple[str, Font, tuple[int, int, int]]


def _clean(text: str) -> str:
    """Return text with composed letters, and without characters that the fonts lack, such as emoji."""
    composed = unicodedata.normalize("NFC", text)[:_LONGEST]
    return "".join(letter for letter in composed if letter == "\n" or _has_glyph(letter)).strip()


def _has_glyph(letter: str) -> bool:
    category = unicodedata.category(letter)
    # The Unicode category of variation selectors is that of marks.
    return letter in "№™" or (category not in {"Cc", "Cf", "Cn", "Co", "Cs", "So", "Sk"} and letter not in _SELECTORS)


@lru_cache(maxsize=64)
def _font(path: Path, size: int) -> Font:
    return ImageFont.truetype(path, max(size, 6), layout_engine=ImageFont.Layout.BASIC)


def _layout(title: str, message: str, width: int, size: int) -> list[_Line]:
    bold, regular = _font(_BOLD, round(size * _TITLE_SCALE)), _font(_REGULAR, size)
    lines = [(line, bold, _TITLE_COLOR) for line in _wrapped(title, bold, width)] if title else []
    return lines + [(line, regular, _TEXT_COLOR) for line in _wrapped(message, regular, width)]


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """Return text in lines that fit, broken between words, or within a word that is too long for a line."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if font.getlength(longer) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            line = word
            while (fitting := _fitting(line, font, width)) < len(line):
                lines.append(line[:fitting])
                line = line[fitting:]
        lines.append(line)
    return lines


def _fitting(word: str, font: Font, width: int) -> int:
    """Return the number of letters of a word that fit, at least one."""
    most = min(len(word), width)  # no letter is narrower than a pixel
    return max(1, bisect_left(range(1, most + 1), True, key=lambda count: font.getlength(word[:count]) > width))


def _shortened(lines: list[_Line], room: tuple[int, int]) -> list[_Line]:
    """Return as many lines as fit, the last one with an ellipsis."""
    kept: list[_Line] = []
    for line in lines:
        if _height([*kept, line]) > room[1] and kept:
            break
        kept.append(line)
    text, font, color = kept[-1]
    while text and font.getlength(text + _ELLIPSIS) > room[0]:
        text = text[:-1]
    return [*kept[:-1], (text.rstrip() + _ELLIPSIS, font, color)]


def _advance(font: Font) -> float:
    return font.size * _LINE


def _height(lines: list[_Line]) -> float:
    return sum(_advance(font) for _, font, _ in lines)
