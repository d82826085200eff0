/* Push messages, and the choice of how to hear.

   A form whose chosen `how` is "push" is sent with the browser's push address in its hidden field `push`: the browser asks
   for permission, the worker (/sw.js) is registered, the push service gives the address. In the demo the inbox plays the
   phone: nothing is asked for.
   [data-how="sms"]            belongs to that choice; [data-how=…] of others are hidden and not sent
   [data-push-choice]          is offered where scripts run
   [data-push-state="denied"]  is shown when that is how it stands: ready, iphone, denied, unsupported, failed
   [data-push-way="<sha256>"]  is the way with this address; of this browser's own the word data-push-here is shown */
(function () {
  "use strict";
  const KEPT = "/u/push/mine";  // where the worker finds what it needs when the address changes
  const apple = /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  const installed = navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;

  function standing() {
    if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) return Notification.permission === "denied" ? "denied" : "ready";
    return apple && !installed ? "iphone" : "unsupported";
  }

  function show(form, state) {
    for (const part of form.querySelectorAll("[data-push-state]")) part.hidden = part.dataset.pushState !== state;
  }

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const hex = (buffer) => [...new Uint8Array(buffer)].map((each) => each.toString(16).padStart(2, "0")).join("");

  async function keep(subscription, key) {
    const said = subscription.toJSON();
    const kept = JSON.stringify({ endpoint: said.endpoint, auth: said.keys.auth, key: key });
    const cache = await caches.open("evcms-push");
    await cache.put(KEPT, new Response(kept, { headers: { "Content-Type": "application/json" } }));
  }

  async function subscribe() {
    if ((await Notification.requestPermission()) !== "granted") return null;
    await navigator.serviceWorker.register("/sw.js", { scope: "/" });
    const worker = await navigator.serviceWorker.ready;
    const key = (await (await fetch("/app/push-key")).text()).trim();
    const wanted = { userVisibleOnly: true, applicationServerKey: bytes(key) };
    const old = await worker.pushManager.getSubscription();
    const same = old && old.options.applicationServerKey && hex(old.options.applicationServerKey) === hex(wanted.applicationServerKey.buffer);
    if (old && !same) await old.unsubscribe();
    const made = same ? old : await worker.pushManager.subscribe(wanted);
    await keep(made, key);
    return made;
  }

  const chosen = (form) => new FormData(form).get("how");

  // Before forms.js marks the form as under way: window comes first.
  window.addEventListener("submit", async (event) => {
    const form = event.target, field = form.querySelector("input[name=push]"), button = event.submitter;
    if (!field || field.value || "pushDemo" in field.dataset || chosen(form) !== "push") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (standing() !== "ready") return show(form, standing());
    try {
      const made = await subscribe();
      if (!made) return show(form, Notification.permission === "denied" ? "denied" : "ready");
      field.value = JSON.stringify(made.toJSON());
    } catch (error) {
      return show(form, "failed");
    }
    form.requestSubmit(button);
  }, true);

  function choose(form) {
    const how = chosen(form);
    for (const part of form.querySelectorAll("[data-how]")) {
      part.hidden = part.dataset.how !== how;
      for (const field of part.querySelectorAll("input")) field.disabled = part.hidden;
    }
    if (how === "push") show(form, standing());
  }

  for (const choice of document.querySelectorAll("[data-push-choice]")) choice.hidden = false;
  for (const form of document.querySelectorAll("form:has(input[name=how])")) {
    form.addEventListener("change", (event) => { if (event.target.name === "how") choose(form); });
    choose(form);
  }
  for (const part of document.querySelectorAll("[data-app-for]")) part.hidden = (part.dataset.appFor === "apple") !== apple || installed;
  for (const part of document.querySelectorAll("[data-app-installed]")) part.hidden = !installed;

  async function mark() {
    const ways = document.querySelectorAll("[data-push-way]");
    if (!ways.length || standing() !== "ready") return;
    const worker = await navigator.serviceWorker.getRegistration("/");
    const mine = worker && (await worker.pushManager.getSubscription());
    if (!mine) return;
    const name = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(mine.endpoint)));
    for (const way of ways) if (way.dataset.pushWay === name) way.hidden = false;
  }
  mark();

  // Whoever removes this browser's own way does not want it to listen any more either.
  window.addEventListener("submit", async (event) => {
    const own = event.target.parentElement.querySelector("[data-push-way]:not([hidden])");
    if (event.defaultPrevented || !own || !event.submitter || event.submitter.value !== "remove-way") return;
    const worker = await navigator.serviceWorker.getRegistration("/");
    const mine = worker && (await worker.pushManager.getSubscription());
    if (mine) mine.unsubscribe();
  });
  // The worker keeps the page that is shown without a connection; it comes when the page itself is done.
  window.addEventListener("load", () => setTimeout(() => navigator.serviceWorker && navigator.serviceWorker.register("/sw.js", { scope: "/" }).catch(() => {}), 2000));
  window.addEventListener("pageshow", () => document.querySelectorAll("form:has(input[name=how])").forEach(choose));
})();
