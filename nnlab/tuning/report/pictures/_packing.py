"""Texts packed into a page that unpacks them in the browser.

MLflow shows an HTML artifact through a `data:` address, of which Chromium takes two million characters. plotly.js alone
has 4.8 million; packed, the whole page fits.
"""

from __future__ import annotations

import base64
import zlib

# For `data:` addresses: other letters than these would be written as three characters.
UNPACK = """
const unpack = async (packed) => {
  const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return await new Response(stream).text();
};
"""
"""JavaScript: a function that gives back, as a promise, the text that `packed` was made of."""


def packed(text: str) -> str:
    """`text`, deflated, in letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
