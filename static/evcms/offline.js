/* The page that the worker shows in place of one that could not be fetched, under that one's address: as soon as the server
   answers, the page itself comes. Asked for by GET, whatever was asked before. */
(function () {
  "use strict";
  const own = document.currentScript.dataset.own, EVERY = 10000;
  if (location.pathname === own) return;

  async function look() {
    if (document.hidden) return;
    const answer = await fetch(own, { cache: "no-store", credentials: "omit" }).catch(() => null);
    if (answer && answer.ok) location.replace(location.pathname + location.search);
  }
  window.addEventListener("online", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, EVERY);
})();
