/* Drawing an area on the map of [data-map]: each tap is a corner, "view" takes what the map shows. The corners go into
   #corners as [[latitude, longitude], …]; while there are any, the distance (#around) does not count and is hidden. */
(function () {
  "use strict";
  const element = document.querySelector("[data-map]"), field = document.getElementById("corners");
  const tools = document.getElementById("draw-tools"), help = document.getElementById("draw-help");
  if (!element || !field || !tools || !window.evcms || !evcms.map) return;
  const map = evcms.map.of(element).map, count = document.getElementById("draw-count"), MOST = 60;
  const style = { color: getComputedStyle(document.documentElement).getPropertyValue("--ev-accent").trim() || "#0b6e4f", weight: 3, fillOpacity: 0.15 };
  let corners = [], shape = null;
  const round = (number) => Math.round(number * 1e6) / 1e6;

  function show() {
    if (shape) shape.remove();
    shape = corners.length ? L.polygon(corners, style).addTo(map) : null;
    field.value = corners.length >= 3 ? JSON.stringify(corners) : "";
    document.getElementById("around").hidden = corners.length >= 3;
    count.textContent = corners.length ? tools.dataset.wordCorners.replace("%count", corners.length) : "";
  }

  const deeds = {
    view() {
      const box = map.getBounds(), sheet = element.parentElement.querySelector(".ev-sheet");
      const hidden = window.matchMedia("(max-width: 55.99rem)").matches && sheet ? sheet.offsetHeight / element.offsetHeight : 0;
      const south = box.getSouth() + (box.getNorth() - box.getSouth()) * Math.min(hidden, 0.8);
      corners = [[south, box.getWest()], [south, box.getEast()], [box.getNorth(), box.getEast()], [box.getNorth(), box.getWest()]].map((each) => each.map(round));
    },
    undo() { corners = corners.slice(0, -1); },
    clear() { corners = []; },
  };

  map.on("click", (event) => {
    if (corners.length >= MOST) return;
    corners = [...corners, [round(event.latlng.lat), round(event.latlng.lng)]];
    show();
  });
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("[data-draw]");
    if (!button) return;
    deeds[button.dataset.draw]();
    show();
  });
  try { corners = field.value ? JSON.parse(field.value) : []; } catch (error) { corners = []; }
  tools.hidden = help.hidden = false;
  show();
})();
