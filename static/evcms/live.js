/* Live pages: one WebSocket per page, its path in <body data-live-url="/ws/live/…">.

   The server sends JSON:
     {"type": "patch", "items": [{"target": "#id" | "key of data-live", …what to change}]}
         text: "…"            the element's words
         html: "…"            its content           outer: "…"   the element itself
         attrs: {name: value | null}                value: 3     of a <progress> or <input>
         prepend: "<li>…"     a row on top; data-live-max on the element says how many stay
     {"type": "event", "name": "connector", "data": {"key": "…", …}}
         becomes CustomEvent "evcms:connector" on document; the last one per key wins within half a second
     {"type": "caught_up"}    answer to our hello: nothing was said since then
     {"type": "refresh"}      something was said that we did not hear: fetch the fragments again
     {"type": "pong"}         answer to our {"type": "ping"} (when nothing came for some seconds)
   We send {"type": "hello", "since": <when the page was drawn, data-live-since in seconds>} after the first connection; after
   another one we fetch the fragments again at once and say null.
   Whether we hear the server stands in #ev-live, data-state: live, reconnecting (it may be short), stale (no connection, and since
   when the figures are): at once when the browser says that it is offline or a ping stays unanswered.

   Fragments: <div id="board" data-live-refresh="/url"> is fetched again after a loss, and every 15 s while the socket
   is down. The url answers the fragment's content, or a whole page in which the same id is looked up. With
   data-live-on="connector.status session.ended" it is also fetched again after such events (at most every two seconds, or
   data-live-every="10"), with data-live-key="station_id:17" only when the event's data say so (station_id or station_ids). Writes to the page are collected and made twice a second; nothing is written while the page is hidden or
   while somebody types or has something unfolded inside the part that would change. For scripts: evcms.live.on("connector", fn), evcms.live.send(obj). */
(function () {
  "use strict";
  const evcms = (window.evcms = window.evcms || {});
  const FLUSH = 500, GATHER = 20, PING = 10000, ANSWER = 8000, STALE = 20000, REFRESH = 15000, MOST = 2000;
  const url = document.body.dataset.liveUrl;
  const badge = document.getElementById("ev-live");
  const patches = new Map(), events = new Map();
  let socket = null, tries = 0, lostAt = 0, heardAt = Date.now(), cut = false, behind = false, serial = 0;
  let flushedAt = 0, flushTimer = 0, answerTimer = 0, retryTimer = 0;

  function show(state) {
    evcms.live.state = state;
    if (!badge) return;
    badge.hidden = false;
    badge.dataset.state = state;
    const since = state === "stale" ? " " + new Date(heardAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : "";
    const word = (badge.dataset[state + "Word"] || state) + since;
    (badge.querySelector(".ev-live-word") || badge).textContent = word;
    badge.title = word;
  }

  function targets(name) {
    if (name.startsWith("#")) return [document.getElementById(name.slice(1))].filter(Boolean);
    return [...document.querySelectorAll('[data-live="' + CSS.escape(name) + '"]')];
  }

  function inUse(element) {
    const active = document.activeElement;
    if (element.querySelector("dialog[open], details[open], .dropdown-menu.show")) return true;
    return Boolean(active && element.contains(active) && active.matches("input:not([type=button]), select, textarea"));
  }

  function adopt(element) {
    if (window.htmx) window.htmx.process(element);
    element.dispatchEvent(new CustomEvent("evcms:swapped", { bubbles: true }));
  }

  function fragment(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  }

  function prepend(element, html) {
    element.prepend(fragment(html));
    const most = Number(element.dataset.liveMax || 50);
    while (element.children.length > most) element.lastElementChild.remove();
    adopt(element);
  }

  function attribute(element, name, value) {
    if (/^(on|style$|srcdoc$|action$|formaction$|hx-|data-hx-)/i.test(name)) return;
    if (/^(href|src)$/i.test(name) && !/^[/?#]/.test(String(value))) return;
    if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }

  function replace(element, html) {
    const fresh = fragment(html).firstElementChild;
    if (!fresh) return;
    element.replaceWith(fresh);
    adopt(fresh);
  }

  function write(element, item) {
    if (item.text !== undefined && element.textContent !== item.text) {
      element.textContent = item.text;
      element.classList.remove("ev-flash");
      requestAnimationFrame(() => element.classList.add("ev-flash"));
    }
    if (item.html !== undefined) { element.replaceChildren(fragment(item.html)); adopt(element); }
    if (item.value !== undefined) element.value = item.value;
    if (item.prepend !== undefined) prepend(element, item.prepend);
    for (const [name, value] of Object.entries(item.attrs || {})) attribute(element, name, value);
    if (item.outer !== undefined) replace(element, item.outer);
  }

  function flush() {
    flushTimer = 0;
    if (document.hidden) return;
    flushedAt = Date.now();
    for (const [key, item] of [...patches]) {
      const elements = targets(item.target);
      const replaces = item.html !== undefined || item.outer !== undefined;
      if (replaces && elements.some(inUse)) continue;
      patches.delete(key);
      elements.forEach((element) => write(element, item));
    }
    const due = [...events.values()];
    events.clear();
    for (const event of due) {
      document.dispatchEvent(new CustomEvent("evcms:" + event.name, { detail: event.data }));
      refreshAfter(event.name, event.data);
    }
    if (behind) { behind = false; refresh(); }
    if (patches.size) schedule();
  }

  function schedule() {
    if (!flushTimer && !document.hidden) flushTimer = setTimeout(flush, Math.max(GATHER, flushedAt + FLUSH - Date.now()));
  }

  function keep(map, key, value) {
    if (map.size >= MOST && !map.has(key)) { map.clear(); behind = true; return; }
    map.set(key, value);
  }

  function take(message) {
    if (message.type === "patch") {
      for (const item of message.items || []) {
        if (item.prepend !== undefined) keep(patches, item.target + "+" + ++serial, item);
        else keep(patches, item.target, Object.assign({}, patches.get(item.target), item));
      }
    } else if (message.type === "event") {
      const key = (message.data || {}).key;
      keep(events, message.name + " " + (key === undefined ? ++serial : key), message);
    } else if (message.type === "refresh") behind = true;
    schedule();
  }

  function contentOf(html, element) {
    if (!/<html[\s>]/i.test(html)) return fragment(html);
    const same = new DOMParser().parseFromString(html, "text/html").getElementById(element.id);
    return same ? fragment(same.innerHTML) : null;
  }

  function says(content, element) {
    const holder = document.createElement("div");
    holder.append(content.cloneNode(true));
    const plain = (html) => html.replace(/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1");
    return plain(holder.innerHTML) === plain(element.innerHTML);
  }

  async function refreshOne(element) {
    if (inUse(element)) return;
    if (asking.has(element)) { asking.set(element, true); return; } // one question at a time; then once more
    asking.set(element, false);
    fetched.set(element, Date.now());
    await ask(element);
    const again = asking.get(element);
    asking.delete(element);
    if (again && element.isConnected) refreshLater(element);
  }

  async function ask(element) {
    const asked = Date.now();
    try {
      const answer = await fetch(element.dataset.liveRefresh, { headers: { "X-Requested-With": "evcms-live" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const content = contentOf(await answer.text(), element);
      if (!content) return;
      if (!says(content, element)) { // who presses a button just now presses that one
        element.replaceChildren(content);
        adopt(element);
      }
      heardAt = Math.max(heardAt, asked);
      cut = false;
      if (lostAt) lost();
    } catch (error) { /* the socket's own state already says that we are cut off */ }
  }

  function refresh() {
    if (document.hidden) { behind = true; return; }
    document.querySelectorAll("[data-live-refresh]").forEach(refreshOne);
    document.dispatchEvent(new CustomEvent("evcms:refresh"));
  }

  const waiting = new Map(), asking = new Map(), fetched = new WeakMap();
  function concerns(element, data) {
    const [name, value] = (element.dataset.liveKey || "").split(":");
    if (!name) return true;
    return String((data || {})[name]) === value || ((data || {})[name + "s"] || []).map(String).includes(value);
  }

  function refreshAfter(name, data) {
    for (const element of document.querySelectorAll('[data-live-refresh][data-live-on~="' + CSS.escape(name) + '"]')) {
      if (concerns(element, data)) refreshLater(element);
    }
  }

  function refreshLater(element) {
    if (waiting.has(element)) return;
    const due = (fetched.get(element) || 0) + 1000 * Number(element.dataset.liveEvery || 2) - Date.now();
    waiting.set(element, setTimeout(() => { waiting.delete(element); if (element.isConnected) refreshOne(element); }, Math.max(0, due)));
  }

  function send(message) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function ping() {
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    if (Date.now() - heardAt < PING * (document.hidden ? 2 : 0.5)) return;
    send({ type: "ping" });
    clearTimeout(answerTimer);
    answerTimer = setTimeout(drop, ANSWER);
  }

  function drop() { // a dead line would answer our close, too, only after minutes
    const old = socket;
    socket = null;
    cut = true;
    if (old) old.close();
    closed();
  }

  const lost = () => show(cut || Date.now() - heardAt > STALE ? "stale" : "reconnecting");

  function opened() {
    const again = lostAt > 0;
    clearTimeout(answerTimer);
    tries = 0; lostAt = 0; cut = false; heardAt = Date.now();
    show("live");
    send({ type: "hello", since: again ? null : Number(document.body.dataset.liveSince) || null });
    if (again) { behind = true; schedule(); }
  }

  function closed() {
    clearTimeout(answerTimer);
    socket = null;
    lostAt = lostAt || Date.now();
    lost();
    clearTimeout(retryTimer);
    const wait = Math.min(30000, 1000 * 2 ** tries++) * (0.7 + Math.random() * 0.6);
    retryTimer = setTimeout(connect, wait);
  }

  function connect() {
    clearTimeout(retryTimer);
    if (socket) return;
    const mine = new WebSocket(new URL(url, location.href.replace(/^http/, "ws")));
    socket = mine;
    mine.onopen = () => { if (socket === mine) opened(); };
    mine.onclose = () => { if (socket === mine) closed(); };
    mine.onmessage = (event) => {
      if (socket !== mine) return;
      clearTimeout(answerTimer);
      heardAt = Date.now();
      let message = null;
      try { message = JSON.parse(event.data); } catch (error) { return; }
      take(message);
    };
  }

  evcms.live = { state: "off", send, on: (name, fn) => document.addEventListener("evcms:" + name, (event) => fn(event.detail)), refresh };
  if (!url) return;
  lostAt = 0;
  show("reconnecting");
  connect();
  setInterval(ping, PING);
  setInterval(() => {
    if (!lostAt) return;
    lost();
    refresh();
  }, REFRESH);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { schedule(); ping(); if (!socket) connect(); } });
  window.addEventListener("offline", drop);
  window.addEventListener("online", () => { if (lostAt) { if (socket) drop(); tries = 0; connect(); } });
  window.addEventListener("pagehide", () => { if (socket) { const old = socket; socket = null; old.close(); } });
  window.addEventListener("pageshow", (event) => { if (event.persisted && !socket) { lostAt = lostAt || Date.now(); lost(); connect(); } });
})();
