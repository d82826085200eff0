"""A person without a mouse: Tab until the thing has the focus, and one sees it; then Enter, or typing."""

import re

MOST_TABS = 60
FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const look = getComputedStyle(element);
    const words = [element.getAttribute("aria-label"), element.labels?.[0]?.innerText, element.innerText, element.id];
    const label = words.find(Boolean) || "";
    const box = element.getBoundingClientRect();
    return {
        name: label.trim(),
        seen: look.outlineStyle !== "none" || look.boxShadow !== "none",
        visible: box.bottom > 0 && box.top < innerHeight,
    };
}"""


class Keyboard:
    def __init__(self, page):
        self.page = page

    def reach(self, name):
        """Raises AssertionError when Tab never comes there, or when nobody sees that it did."""
        passed = []
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(FOCUSED)
            if focused and re.search(name, focused["name"], re.IGNORECASE):
                assert focused["seen"], f"{focused['name']!r} has the focus and does not show it"
                assert focused["visible"], f"{focused['name']!r} has the focus outside of the window"
                return
            passed.append(focused and focused["name"])
        raise AssertionError(f"Tab never came to {name!r}, only to {passed}")

    def press(self, name):
        self.reach(name)
        self.page.keyboard.press("Enter")

    def type(self, name, text):
        self.reach(name)
        self.page.keyboard.type(text)
