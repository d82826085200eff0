/* Sets data-bs-theme from the system's preference before the first paint; our own colours follow by CSS alone. */
(function () {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("evcms:theme"));
  }
  dark.addEventListener("change", apply);
  apply();
})();
