"""A page that puts what was sent beside the intercom that shows it: Home Assistant does not see its display."""

from base64 import b64encode

_PAGE = """\
<!doctype html>
<meta charset="utf-8">
<style>
  body {{ margin: 0; font: 500 20px Roboto, "DejaVu Sans", sans-serif; color: #3d4450; }}
  main {{ display: flex; gap: 28px; align-items: center; padding: 28px 36px; background: #eef1f5; width: 1136px; }}
  figure {{ margin: 0; display: flex; flex-direction: column; align-items: center; gap: 16px; }}
  .form {{ width: 590px; border-radius: 14px; box-shadow: 0 2px 14px #0003; }}
  .arrow {{ font-size: 56px; color: #009ac7; flex: 1; text-align: center; }}
  .intercom {{
    display: flex; flex-direction: column; align-items: center; gap: 24px; padding: 26px 28px 30px;
    border-radius: 22px; background: linear-gradient(160deg, #4a4f57, #24272c); box-shadow: 0 10px 30px #0006;
  }}
  .lens {{
    width: 62px; height: 62px; border-radius: 50%; border: 7px solid #15171a;
    background: radial-gradient(circle at 38% 34%, #8fb4d8 0 7%, #26384c 24%, #07090c 70%);
  }}
  .display {{ display: block; border: 10px solid #0a0b0d; border-radius: 8px; }}
  .key {{
    width: 300px; padding: 11px 0; border-radius: 8px; text-align: center; font-size: 17px;
    background: #e9edf2; color: #22262c; box-shadow: inset 0 -2px 4px #0004;
  }}
</style>
<main>
  <figure><figcaption>An action in Home Assistant …</figcaption><img class="form" src="{form}"></figure>
  <div class="arrow">➜</div>
  <figure>
    <figcaption>… and the display at the gate</figcaption>
    <div class="intercom">
      <div class="lens"></div>
      <img class="display" src="{shown}">
      <div class="key">Alice Gruberová</div>
      <div class="key">Jiří Novák</div>
    </div>
  </figure>
</main>
"""


def side_by_side(form: bytes, shown: bytes) -> str:
    """Return the page; the display is shown pixel by pixel."""
    return _PAGE.format(form=_inline("png", form), shown=_inline("jpeg", shown))


def _inline(kind: str, picture: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(picture).decode()}"
