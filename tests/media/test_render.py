"""Messages as pictures: of the display's size, with all their letters, and never more than fits."""

from io import BytesIO

from PIL import Image, ImageFont
import pytest

from custom_components.ip_intercom.media import render
from custom_components.ip_intercom.media.render import draw_message

SIZES = ((320, 240), (320, 214), (214, 240), (1280, 800))
MESSAGES = {
    "latin": "Příliš žluťoučký kůň úpěl ďábelské ódy. Łódź, Ğüneş, ÿ",
    "cyrillic": "Съешь ещё этих мягких французских булок, да выпей чаю. Ґанок її",
    "greek": "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Τι λες;",
}


def picture(image: bytes) -> Image.Image:
    return Image.open(BytesIO(image))


def inked(image: Image.Image) -> tuple[int, int, int, int]:
    """Return the box of what is drawn."""
    box = image.convert("L").point(lambda level: 255 if level > 100 else 0).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("script", MESSAGES)
def test_a_message_fills_the_display_and_stays_inside(size: tuple[int, int], script: str) -> None:
    image = picture(draw_message(*size, MESSAGES[script], "Pozor"))
    assert (image.format, image.size) == ("JPEG", size)
    assert not image.info.get("progressive")
    left, top, right, bottom = inked(image)
    assert left > 0 and top > 0 and right < size[0] and bottom < size[1]
    assert right - left > size[0] / 2


@pytest.mark.parametrize("font", [render._REGULAR, render._BOLD], ids=["regular", "bold"])
@pytest.mark.parametrize("script", MESSAGES)
def test_the_fonts_have_a_shape_for_every_letter(font: object, script: str) -> None:
    face = ImageFont.truetype(str(font), 40)
    missing = face.getmask("\U0010fffd")
    for letter in set(MESSAGES[script]) - {" "}:
        assert bytes(face.getmask(letter)) != bytes(missing), letter


def test_different_messages_are_different_pictures() -> None:
    images = {draw_message(320, 240, text) for text in (*MESSAGES.values(), "a", "б", "β")}
    assert len(images) == 6


def test_a_short_message_is_large_and_a_long_one_small() -> None:
    heights = []
    for text in ("OK", "Zvonek " * 8):
        _, top, _, bottom = inked(picture(draw_message(320, 240, text)))
        heights.append(bottom - top)
    assert heights[0] > 20  # of 240: one line
    lines = render._layout("", "Zvonek " * 8, 280, 20)
    assert len(lines) > 1 and heights[1] > heights[0]


@pytest.mark.parametrize("text", ["x" * 5000, "lorem ipsum " * 1000, "\n" * 3000 + "a", "", " ", "\x00\x01"])
def test_a_message_that_does_not_fit_is_shortened(text: str) -> None:
    image = picture(draw_message(320, 240, text, "t" * 300))
    assert image.size == (320, 240)
    box = inked(image)
    assert box[3] < 240


def test_a_shortened_message_ends_with_an_ellipsis() -> None:
    font = render._font(render._REGULAR, 14)
    lines = [(f"line {number}", font, (0, 0, 0)) for number in range(100)]
    kept = render._shortened(lines, (280, 200))
    assert kept[-1][0].endswith("…")
    assert render._height(kept) <= 200


def test_text_is_cleaned_of_combining_marks_and_emoji() -> None:
    assert render._clean("Pr\u030ci\u0301lis\u030c") == "Příliš"
    assert render._clean("Hello 😀\u200d!\ufe0f \U0010fffd№1") == "Hello ! №1"


@pytest.mark.parametrize("size", [(1, 1), (16, 8), (4, 300)])
def test_a_message_is_drawn_for_a_tiny_display(size: tuple[int, int]) -> None:
    assert picture(draw_message(*size, "Hello", "World")).size == size
