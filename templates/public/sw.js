{% load static %}/* The drivers' worker: shows push messages, opens their page, says when one was tapped or the address changed. */
"use strict";
const KEPT = "/u/push/mine";

const OFFLINE = "{% url 'public:offline' %}", COPIES = "evcms-offline-1";

/* Nothing of a network that changes by the second is kept but one page that says so, with its style and scripts. */
async function keep() {
  const cache = await caches.open(COPIES), page = await fetch(OFFLINE, { cache: "reload", credentials: "omit" });
  if (!page.ok) return;
  const needed = [...(await page.clone().text()).matchAll(/<(?:link rel="stylesheet" href|script src)="([^"]+)"/g)].map((found) => found[1]);
  await cache.put(OFFLINE, page);
  await cache.addAll(needed);
}

/* What was sent and found no way leaves its page where it is, which says so (forms.js): 204 makes the browser stay. If that
   page is not found, it is asked for anew. Nothing is ever sent twice by itself. */
async function unsent(asked) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const path = (url) => url.split(/[?#]/)[0], from = windows.filter((each) => path(each.url) === path(asked));
  for (const each of from) each.postMessage("evcms:unsent");
  return from.length ? new Response(null, { status: 204 }) : Response.redirect(asked, 303);
}

async function visit(request) {
  try { return await fetch(request); } catch (error) {
    if (request.method !== "GET" && request.referrer.startsWith(self.location.origin)) return unsent(request.referrer);
    return (await caches.match(OFFLINE)) || Response.error();
  }
}

self.addEventListener("install", (event) => { self.skipWaiting(); event.waitUntil(keep().catch(() => undefined)); });
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") event.respondWith(visit(request));
  else if (request.destination === "style" || request.destination === "script") event.respondWith(fetch(request).catch(async () => (await caches.match(request)) || Response.error()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data.json(); } catch (error) { /* a message without words is shown all the same: browsers ask for it */ }
  event.waitUntil(self.registration.showNotification(said.title || "EVCMS", {
    body: said.body || "", tag: said.tag || "", lang: said.lang || "", data: { url: said.url || "/map", id: said.id || "", stop: said.stop || "" },
    actions: said.stop ? [{ action: "stop", title: said.stop_word || "Stop" }] : [],
    icon: "{% static 'evcms/icon-192.png' %}", badge: "{% static 'evcms/badge-96.png' %}",
  }));
});

async function open(url) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((each) => each.url.split("#")[0] === url.split("#")[0]);
  if (there) return there.focus();
  return self.clients.openWindow(url);
}

function tapped(id) {
  const form = new URLSearchParams({ id: id });
  return fetch("{% url 'push-opened' %}", { method: "POST", body: form }).catch(() => undefined);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const said = event.notification.data || {};
  const to = event.action === "stop" && said.stop ? said.stop : said.url || "/map"; // the page that ends it has one button
  event.waitUntil(Promise.all([open(new URL(to, self.location.origin).href), said.id ? tapped(said.id) : undefined]));
});

async function changed(event) {
  const cache = await caches.open("evcms-push");
  const found = await cache.match(KEPT);
  if (!found) return;
  const kept = await found.json();
  const key = Uint8Array.from(atob(kept.key.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const made = event.newSubscription || (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  const body = JSON.stringify({ endpoint: kept.endpoint, auth: kept.auth, subscription: made.toJSON() });
  const answer = await fetch("{% url 'push-changed' %}", { method: "POST", headers: { "Content-Type": "application/json" }, body: body });
  if (!answer.ok) return;
  const next = JSON.stringify({ endpoint: made.endpoint, auth: made.toJSON().keys.auth, key: kept.key });
  await cache.put(KEPT, new Response(next, { headers: { "Content-Type": "application/json" } }));
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(changed(event)));
