"""How well one sees what is in a picture: its contrast, as the Web Content Accessibility Guidelines define it.

Neighbours: ``browser.py`` opens the page that reads the picture; ``tests/e2e/ui`` takes pictures of icons.
"""

from __future__ import annotations

import base64

from playwright.sync_api import Page

CONTRAST = """async picture => {
    const image = new Image();
    image.src = picture;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, image.width, image.height).data;
    const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const luminances = [];
    for (let start = 0; start < bytes.length; start += 4) {
        const [red, green, blue] = [0, 1, 2].map(offset => linear(bytes[start + offset] / 255));
        luminances.push(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    }
    return (Math.max(...luminances) + 0.05) / (Math.min(...luminances) + 0.05);
}"""


def contrast_in(page: Page, picture: bytes) -> float:
    """The contrast between the lightest and the darkest point of a PNG picture: from 1 to 21."""
    address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    contrast: float = page.evaluate(CONTRAST, address)
    return contrast
