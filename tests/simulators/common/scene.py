"""Draws what the camera sees: a front door, and a visitor when there is one."""

from functools import lru_cache
from io import BytesIO
import json

from PIL import Image, ImageDraw, ImageFont

BASE = (640, 480)
SKY = ((148, 178, 209), (226, 221, 206))
EXTERNAL_SKY = ((96, 116, 128), (176, 182, 170))


def _shade(top: tuple[int, int, int], bottom: tuple[int, int, int], part: float) -> tuple[int, int, int]:
    red, green, blue = (int(a + (b - a) * part) for a, b in zip(top, bottom, strict=True))
    return red, green, blue


def _background(source: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", BASE)
    draw = ImageDraw.Draw(image)
    top, bottom = EXTERNAL_SKY if source == "external" else SKY
    for row in range(BASE[1]):
        draw.line((0, row, BASE[0], row), fill=_shade(top, bottom, row / BASE[1]))
    return image, draw


def _street(draw: ImageDraw.ImageDraw) -> None:
    """Draw the view from the intercom: path, hedge and the house opposite."""
    draw.polygon(((150, 170), (300, 90), (450, 170)), fill=(126, 72, 60))
    draw.rectangle((165, 170, 435, 300), fill=(214, 203, 184))
    for left in (190, 300, 370):
        draw.rectangle((left, 195, left + 40, 240), fill=(92, 118, 140), outline=(245, 245, 240), width=3)
    draw.rectangle((245, 220, 285, 300), fill=(84, 58, 42))
    draw.ellipse((278, 258, 283, 263), fill=(220, 190, 90))
    draw.rectangle((0, 270, 640, 320), fill=(70, 104, 62))
    for left in range(-10, 640, 34):
        draw.ellipse((left, 252, left + 48, 300), fill=(78, 116, 68))
    draw.polygon(((0, 320), (640, 320), (640, 480), (0, 480)), fill=(112, 128, 92))
    draw.polygon(((275, 320), (355, 320), (520, 480), (110, 480)), fill=(176, 170, 160))


def _door(draw: ImageDraw.ImageDraw) -> None:
    """Draw the view of the external camera: the door itself, from the yard."""
    draw.rectangle((60, 60, 580, 420), fill=(196, 182, 160))
    for row in range(60, 420, 24):
        draw.line((60, row, 580, row), fill=(178, 162, 140))
    draw.rectangle((250, 130, 400, 420), fill=(60, 78, 70), outline=(236, 232, 222), width=8)
    draw.rectangle((275, 155, 375, 255), fill=(132, 158, 168))
    draw.ellipse((372, 290, 388, 306), fill=(206, 190, 130))
    draw.rectangle((432, 240, 460, 300), fill=(40, 42, 46))
    draw.rectangle((0, 420, 640, 480), fill=(128, 122, 114))


def _visitor(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((250, 130, 390, 300), fill=(222, 184, 150))
    draw.pieslice((244, 118, 396, 270), 180, 360, fill=(58, 44, 36))
    draw.ellipse((286, 208, 300, 222), fill=(40, 40, 40))
    draw.ellipse((340, 208, 354, 222), fill=(40, 40, 40))
    draw.arc((292, 226, 348, 268), 20, 160, fill=(140, 70, 60), width=4)
    draw.rounded_rectangle((180, 300, 460, 520), 70, fill=(44, 74, 120))
    draw.polygon(((290, 300), (350, 300), (320, 350)), fill=(236, 236, 236))


@lru_cache(maxsize=32)
def _view(source: str, size: tuple[int, int], visitor: bool) -> Image.Image:
    image, draw = _background(source)
    if source == "external":
        _door(draw)
    else:
        _street(draw)
        if visitor:
            _visitor(draw)
    return image.resize(size)


def draw_frame(source: str, size: tuple[int, int], lines: tuple[str, ...], facts: object, *, visitor: bool) -> bytes:
    """Return a JPEG with the lines as overlay; `facts` go into its comment as JSON."""
    image = _view(source, size, visitor).copy()
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(8, size[1] // 26))
    height = int(size[1] / 20)
    draw.rectangle((0, 0, size[0], height * len(lines) + 2), fill=(20, 22, 26))
    for row, line in enumerate(lines):
        draw.text((4, row * height), line, fill=(240, 240, 240), font=font)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=82, comment=json.dumps(facts).encode())
    return buffer.getvalue()
