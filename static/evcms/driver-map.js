/* The drivers' map page: the list follows the map once a hand has moved it, and begins with the nearest once the browser says
   where it is. The usual charge stays in this browser (localStorage) and is asked for again when the address names none. */
(function () {
  "use strict";
  const element = document.querySelector("[data-map]"), list = document.getElementById("places"), form = document.getElementById("map-filter");
  if (!element || !list || !form) return;
  const KEPT = "evcms.usual", FIELDS = ["kwh", "minutes", "most"];
  let touched = false, timer = 0, turn = 0;

  function ask(changes) {
    const url = new URL(list.dataset.liveRefresh, location.href);
    for (const [name, value] of Object.entries(changes)) if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    list.dataset.liveRefresh = url.pathname + url.search;
    clearTimeout(timer);
    timer = setTimeout(fetched, 250);
  }

  async function fetched() {
    const mine = ++turn, answer = await fetch(list.dataset.liveRefresh, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok || mine !== turn) return;
    list.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  }

  for (const name of ["pointerdown", "wheel", "keydown"]) element.addEventListener(name, () => { touched = true; }, { passive: true });
  element.addEventListener("evcms:view", (event) => {
    if (touched) ask({ bbox: event.detail.map((side) => Math.max(-180, Math.min(180, side)).toFixed(5)).join(","), page: "" });
  });
  element.addEventListener("evcms:here", (event) => ask({ near: event.detail.latitude.toFixed(4) + "," + event.detail.longitude.toFixed(4), page: "" }));

  function kept() {
    try { return JSON.parse(localStorage.getItem(KEPT)) || {}; } catch (error) { return {}; }
  }

  form.addEventListener("submit", () => {
    const said = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
    try { localStorage.setItem(KEPT, JSON.stringify(said)); } catch (error) { /* a private window keeps nothing */ }
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true; // a short address
    setTimeout(() => { for (const field of form.elements) field.disabled = false; });
  });

  const usual = kept(), asked = new URLSearchParams(location.search);
  if (usual.kwh && usual.minutes && !asked.has("kwh") && (usual.kwh !== form.elements.kwh.value || usual.minutes !== form.elements.minutes.value)) {
    for (const name of ["kwh", "minutes"]) form.elements[name].value = usual[name];
    const said = form.querySelector("summary .ev-small");
    if (said) said.textContent = said.dataset.words.replace("%kwh", usual.kwh);
    ask({ kwh: usual.kwh, minutes: usual.minutes });
  }
})();
