/* Small manners of every page; no API to call but evcms.toast(text, hue).

   <form data-confirm-title="Reset 3 stations?" data-confirm-body="Running sessions end." data-confirm-verb="Reset" data-confirm-danger>
       asks in a <dialog> first (works with htmx too; on a <button> it concerns that button alone); {name} in the title is
       what the form's field of that name holds
   every form     is sent once: while it is under way its buttons are disabled
   <form data-unsent="Not sent. …">         says this when there is no connection (else the words of #ev-unsent), and the page
       stays: in [data-unsent-place] of the page, or behind the form
   <form data-autosubmit>                   a changed <select> or checkbox sends it (filters); with the keyboard the new page begins there
   <input data-filter-list="#commands">     hides the items of that list which do not hold the typed words
   <input data-suggest="/sites/names/">      offers what that address knows for the typed words ({"names": […]})
   <button data-copy="#code">               copies an element's words     data-copied="Copied" is said afterwards
   <button data-unfold>                     shows the rest of its form (filters on a phone)
   <button data-close>                      removes its notice            <button data-print> prints
   [data-href] rows                         are clickable as a whole (keep a real link inside for the keyboard)
   HX-Trigger: {"evcms:toast": {"text": "Sent", "hue": "available"}}      shows a notice after a htmx request
   <time datetime data-ago> (of {% when %})  keeps telling the truth while the page stays open
   a row of tabs (.ev-tabs) that is wider than the page shows the open one
   "/" goes to the search field, Escape closes the menu. */
(function () {
  "use strict";
  const evcms = (window.evcms = window.evcms || {});
  const toasts = () => document.getElementById("ev-toasts");

  evcms.toast = function (text, hue) {
    const place = toasts();
    if (!place) return;
    const note = document.createElement("div");
    note.className = "ev-notice ev-st-" + (hue || "charging");
    const words = document.createElement("p");
    words.textContent = text;
    note.append(words);
    place.append(note);
    setTimeout(() => note.remove(), hue === "faulted" ? 12000 : 6000);
  };

  function unfold(button) {
    const form = button.form, first = [...form.querySelectorAll("input, select")].find((field) => !field.getClientRects().length && field.type !== "hidden");
    form.classList.add("ev-unfolded");
    if (first) first.focus();
  }

  function filled(source, text) {
    const fields = (source.form || source).elements || {};
    return text.replace(/\{(\w+)\}/g, (all, name) => (fields[name] ? fields[name].value.trim() : all));
  }

  function ask(source, form, go) {
    const template = document.getElementById("ev-dialog");
    if (!template) return go();
    const dialog = template.content.firstElementChild.cloneNode(true);
    const yes = dialog.querySelector("[data-dialog-yes]");
    dialog.querySelector("h2").textContent = filled(source, source.dataset.confirmTitle);
    dialog.querySelector("p").textContent = source.dataset.confirmBody || "";
    yes.textContent = source.dataset.confirmVerb || source.dataset.confirmTitle;
    if ("confirmDanger" in source.dataset) yes.classList.replace("btn-primary", "btn-danger");
    yes.addEventListener("click", () => { dialog.close(); go(); });
    dialog.querySelector("[data-dialog-no]").addEventListener("click", () => dialog.close());
    const opened = performance.now();  // the second half of a double click falls beside the dialog: it means no refusal
    dialog.addEventListener("click", (event) => { if (event.target === dialog && event.timeStamp - opened > 400) dialog.close(); });
    dialog.addEventListener("close", () => { asked.delete(dialog); dialog.remove(); });
    document.body.append(dialog);
    dialog.showModal();
    asked.set(dialog, form);
    return undefined;
  }

  // A live fragment may be written anew under an open question. Its form is then out of the page: the same one (by what it
  // asks and where it goes) keeps the question open, none takes it away; what was filled in is sent from the asked form.
  const same = (form, other) => ["action", "hx-post", "data-confirm-title"].every((name) => form.getAttribute(name) === other.getAttribute(name));
  const gone = (form) => !form.isConnected && ![...document.forms].some((other) => same(form, other));
  function send(form, button) {
    if (!form.isConnected) { form.hidden = true; document.body.append(form); }
    confirmed.add(form);
    form.requestSubmit(button);
  }
  document.addEventListener("evcms:swapped", () => asked.forEach((form, dialog) => { if (gone(form)) dialog.close(); }));

  const confirmed = new WeakSet(), asked = new Map();
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    const source = button && button.dataset.confirmTitle ? button : form.dataset.confirmTitle ? form : null;
    if (source && !confirmed.has(form)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      ask(source, form, () => send(form, button));
      return;
    }
    confirmed.delete(form);
    if (form.dataset.busy) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if ((form.method || "get").toLowerCase() !== "post" && !form.hasAttribute("hx-post")) return;
    if (cut() && unsent(form, "offline")) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    under = form;
    busy(form, true);
  }, true);

  // A browser that says it is offline is believed, unless the page hears its server. What breaks on the way comes from the worker.
  const cut = () => navigator.onLine === false && (evcms.live || {}).state !== "live";
  let under = null, note = null, noted = null;
  function unsent(form, why) {
    const words = document.getElementById("ev-unsent"), place = document.querySelector("[data-unsent-place]");
    if (!words) return false;
    if (note) note.remove();
    note = document.createElement("div");
    note.className = "ev-notice ev-under ev-st-faulted";
    note.setAttribute("role", "alert");
    note.append(words.content.cloneNode(true), document.createElement("p"));
    note.lastChild.textContent = (why === "offline" && form.dataset.unsent) || words.dataset[why];
    if (place) place.append(note); else form.after(note);
    if (form.hidden) form.remove();
    noted = form;
    note.scrollIntoView({ block: "nearest" });
    return true;
  }
  document.addEventListener("evcms:swapped", () => { if (note && gone(noted)) note.remove(); });
  if (navigator.serviceWorker) navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data !== "evcms:unsent" || !under) return;
    free();
    unsent(under, "broken");
    under = null;
  });

  function busy(form, on) {
    if (on) form.dataset.busy = "1"; else delete form.dataset.busy;
    form.setAttribute("aria-busy", on ? "true" : "false");
    setTimeout(() => {
      for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = on;
    }, 0);
  }
  function free() { document.querySelectorAll("form[data-busy]").forEach((form) => busy(form, false)); }
  window.addEventListener("pageshow", free);
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest && event.target.closest("form");
    if (form) busy(form, false);
  });
  document.addEventListener("htmx:responseError", () => failed());
  document.addEventListener("htmx:sendError", () => failed());
  function failed() { const place = toasts(); if (place) evcms.toast(place.dataset.errorText || "", "faulted"); }
  document.addEventListener("evcms:toast", (event) => evcms.toast(event.detail.text, event.detail.hue));

  // Arrows go through a select's choices one by one: it is sent when it is left, or with Enter.
  let keyed = null, changed = null;
  document.addEventListener("pointerdown", () => { keyed = null; });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches("form[data-autosubmit] select")) return;
    keyed = event.target;
    if (event.key === "Enter" && changed === keyed) sift(keyed.form, keyed);
  });
  document.addEventListener("focusout", (event) => { if (changed && event.target === changed) sift(changed.form, changed); });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (!form || !event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date]")) return;
    if (event.target === keyed) changed = keyed;
    else sift(form, event.target);
  });

  // A filter that sends itself brings its page anew: who works with the keyboard goes on where he was.
  const STAYED = "evcms-stayed";
  let byKey = false;
  document.addEventListener("pointerdown", () => { byKey = false; }, true);
  document.addEventListener("keydown", () => { byKey = true; }, true);
  function sift(form, at) {
    const here = { path: location.pathname, name: at.name, value: at.type === "checkbox" || at.type === "radio" ? at.value : null };
    try { if (byKey) sessionStorage.setItem(STAYED, JSON.stringify(here)); } catch (refused) { /* then the page begins at its top */ }
    form.requestSubmit();
  }
  (function stay() {
    let was = null;
    try { was = JSON.parse(sessionStorage.getItem(STAYED)); sessionStorage.removeItem(STAYED); } catch (refused) { return; }
    if (!was || was.path !== location.pathname) return;
    const found = [...document.querySelectorAll("form[data-autosubmit] [name]")].find((each) => each.name === was.name && (was.value === null || each.value === was.value));
    if (found) found.focus();
  })();

  document.addEventListener("input", (event) => {
    const list = event.target.dataset && event.target.dataset.filterList && document.querySelector(event.target.dataset.filterList);
    if (!list) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of list.children) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
  });

  let typing = 0;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset || !field.dataset.suggest) return;
    clearTimeout(typing);
    typing = setTimeout(() => suggest(field, field.value.trim()), 200);
  });
  async function suggest(field, words) {
    if (!words) return;
    const answer = await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(words)}`).catch(() => null);
    if (!answer || !answer.ok || field.value.trim() !== words) return;  // it is typed without help, too
    if (!field.list) {
      const list = document.createElement("datalist");
      list.id = field.id + "_names";
      field.after(list);
      field.setAttribute("list", list.id);
    }
    field.list.replaceChildren(...(await answer.json()).names.map((name) => new Option(name, name)));
  }

  function menu(open) {
    const toggle = document.querySelector("[data-menu-toggle]");
    document.body.classList.toggle("ev-side-open", open);
    if (toggle) toggle.setAttribute("aria-expanded", String(open));
    const veil = document.querySelector(".ev-veil");
    if (veil && !open) { veil.remove(); if (toggle) toggle.focus(); }
    if (open && !veil) {
      const cover = document.createElement("div");
      cover.className = "ev-veil";
      cover.addEventListener("click", () => menu(false));
      document.body.append(cover);
      const first = document.querySelector(".ev-menu a");
      if (first) first.focus();
    }
  }

  async function copy(button) {
    const source = document.querySelector(button.dataset.copy);
    if (!source) return;
    await navigator.clipboard.writeText((source.value || source.textContent).trim());
    if (button.dataset.copied) evcms.toast(button.dataset.copied, "available");
  }

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    if (hit("[data-menu-toggle]")) menu(!document.body.classList.contains("ev-side-open"));
    else if (hit("[data-unfold]")) unfold(hit("[data-unfold]"));
    else if (hit("[data-close]")) hit(".ev-notice").remove();
    else if (hit("[data-copy]")) copy(hit("[data-copy]"));
    else if (hit("[data-print]")) window.print();
    else if (hit("[data-href]") && !hit("a, button, input, label, select")) location.assign(hit("[data-href]").dataset.href);
  });

  function age(moment, words) {
    const seconds = (Date.now() - moment) / 1000, size = Math.abs(seconds);
    if (size < 45) return words.now;
    const [n, unit] = size < 3600 ? [Math.max(1, Math.round(size / 60)), "min"] : size < 86400 ? [Math.round(size / 3600), "hour"] : [Math.round(size / 86400), "days"];
    const span = words[unit === "days" && n === 1 ? "day" : unit].replace("%n", n);
    return words[seconds > 0 ? "past" : "future"].replace("%span", span);
  }

  function grow() {
    const words = (document.getElementById("ev-ago") || {}).dataset;
    if (!words || document.hidden) return;
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const said = age(Date.parse(time.dateTime), words);
      if (time.textContent !== said) time.textContent = said;
    }
  }
  setInterval(grow, 20000);

  for (const open of document.querySelectorAll(".ev-tabs > [aria-current], .ev-tabs > li > [aria-current]")) {
    const tabs = open.closest(".ev-tabs");
    tabs.scrollLeft = open.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - open.offsetWidth) / 2;
  }

  document.addEventListener("visibilitychange", grow);

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches && event.target.matches("input, textarea, select, [contenteditable]");
    const search = document.getElementById("ev-search");
    if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && document.body.classList.contains("ev-side-open")) menu(false);
  });
})();
