/* The drivers' map page: the list follows the map once a hand has moved it, and begins with the nearest once the browser says
   where it is; then the map shows that place with what is nearest. The usual charge stays in this browser (localStorage) and is asked for again when the address names none. */
(function () {
  "use strict";
  const evcms = window.evcms || {};
  const element = document.querySelector("[data-map]"), list = document.getElementById("places"), form = document.getElementById("map-filter");
  if (!element || !list || !form) return;
  const KEPT = "evcms.usual", FIELDS = ["kwh", "minutes", "most"];
  let touched = false, here = null, timer = 0, turn = 0;

  function ask(changes) {
    const url = new URL(list.dataset.liveRefresh, location.href);
    for (const [name, value] of Object.entries(changes)) if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    list.dataset.liveRefresh = url.pathname + url.search;
    clearTimeout(timer);
    timer = setTimeout(fetched, 250);
  }

  async function fetched() {
    const mine = ++turn, answer = await fetch(list.dataset.liveRefresh, { credentials: "same-origin" }).catch(() => null);
    if (mine !== turn) return;
    if (!answer || !answer.ok) { if (here) look(); return; }
    list.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    if (here) look();
  }

  function look() { // from where he is to the nearest of the list, which goes on beyond the picture
    const around = list.querySelector("[data-around]"), sides = around ? around.dataset.around.split(",").map(Number) : here;
    here = null;
    evcms.map.of(element).fit(sides);
  }

  for (const name of ["pointerdown", "wheel", "keydown"]) element.addEventListener(name, () => { touched = true; }, { passive: true });
  element.addEventListener("evcms:view", (event) => {
    if (touched) ask({ bbox: event.detail.map((side) => Math.max(-180, Math.min(180, side)).toFixed(5)).join(","), page: "" });
  });
  element.addEventListener("evcms:here", (event) => {
    const { latitude, longitude } = event.detail;
    event.preventDefault();
    touched = false;
    here = [longitude, latitude, longitude, latitude];
    ask({ near: latitude.toFixed(4) + "," + longitude.toFixed(4), bbox: "", page: "" });
  });

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
