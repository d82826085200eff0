/* Maps of Leaflet. Use {% include "components/map.html" %}, which writes the element and its words:

   <div class="ev-map" data-map data-points="/map/points.geojson" data-base="/map/streets.geojson" data-tiles="https://…/{z}/{x}/{y}.png"
        data-attribution="© …" data-centre="52.37,4.89" data-zoom="13" data-mode="driver|operator" data-locate data-live-event="site">

   Points: GeoJSON Points with properties {key, name, status, word, free, total, url, note, age}. `status` is one of
   available occupied charging suspended reserved maintenance unavailable faulted offline unknown; `word` is said for it; `note` is one
   line (power, price); `age` says how old the word is when offline. Shape, letter and colour tell the status; with something free
   the marker carries the number.
   Base: GeoJSON with properties {kind, name}, drawn in its order on a canvas in the theme's colours. Areas: land sea river beach park
   district; lines: residential secondary primary motorway railway. Names of areas are written from zoom 12 on.
   With data-tiles the tiles are the ground instead (darkened in the dark theme).

   Live: evcms.live events of the name in data-live-event (default "site") with {key, …properties} repaint one marker. Events whose
   names stand in data-live-on ("connector.status station.online") load the points again, at most every four seconds, as does
   "evcms:refresh"; what did not change stays as it is. The element gets CustomEvents "evcms:place" (detail: properties) when a marker is chosen and
   With data-viewport only what is in view is asked for (?bbox=&zoom=), again whenever the map has moved; features with `cluster` (a
   number), `free` and `box` are many places that the server drew together; operators' have the worst `status` and a `word`, too. data-bounds="w,s,e,n" is the first view.
   "evcms:view" (detail: bounds as [west, south, east, north]) when the view moved.
   evcms.map.of(element) gives {map, show(key), filter(properties => boolean), reload()}. */
(function () {
  "use strict";
  const evcms = (window.evcms = window.evcms || {});
  const RELOAD = 4000, L = window.L, SVG = "http://www.w3.org/2000/svg", maps = new Map();
  const HUES = { available: "available", occupied: "charging", charging: "charging", preparing: "charging", suspended: "suspended", reserved: "reserved", maintenance: "maintenance", unavailable: "offline", offline: "offline", unknown: "offline", faulted: "faulted" };
  const SHAPES = {
    available: "M18 2a16 16 0 1 1 0 32a16 16 0 1 1 0-32z",
    charging: "M10 3h16a7 7 0 0 1 7 7v16a7 7 0 0 1-7 7h-16a7 7 0 0 1-7-7v-16a7 7 0 0 1 7-7z",
    suspended: "M10 3h16a7 7 0 0 1 7 7v16a7 7 0 0 1-7 7h-16a7 7 0 0 1-7-7v-16a7 7 0 0 1 7-7z",
    reserved: "M18 1.5l16.5 16.5l-16.5 16.5l-16.5-16.5z",
    faulted: "M18 2.5l16 29.5h-32z",
    maintenance: "M10 3.5h16l8 14.5l-8 14.5h-16l-8-14.5z",
    offline: "M18 4a14 14 0 1 1 0 28a14 14 0 1 1 0-28z",
  };
  const SIGNS = {
    charging: "M19.5 10l-6.5 9h4.5l-1 7l6.5-9h-4.5z", suspended: "M13.5 12h3v12h-3zM19.5 12h3v12h-3z", reserved: "M14.5 11h7v14l-3.5-3l-3.5 3z",
    faulted: "M16.7 13h2.6l-.4 9h-1.8zM16.6 24.2h2.8v2.6h-2.8z", offline: "M13 14.4l1.4-1.4l3.6 3.6l3.6-3.6l1.4 1.4l-3.6 3.6l3.6 3.6l-1.4 1.4l-3.6-3.6l-3.6 3.6l-1.4-1.4l3.6-3.6z",
    maintenance: "M21.5 11.2a4.6 4.6 0 0 0-5.9 5.9l-4.3 4.3l2.9 2.9l4.3-4.3a4.6 4.6 0 0 0 5.9-5.9l-2.6 2.6l-2.3-.6l-.6-2.3z",
  };
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--ev-" + name).trim();
  const hue = (place) => place.free > 0 && HUES[place.status] !== "offline" && place.status !== "maintenance" ? "available" : HUES[place.status] || "offline";
  const fill = (words, values) => (words || "").replace(/%(\w+)/g, (all, name) => values[name] ?? "");

  function node(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (parent) parent.append(made);
    return made;
  }

  function drawing(place) {
    const kind = hue(place), box = document.createElement("div");
    box.className = "ev-pin ev-st-" + kind;
    const svg = node("svg", { viewBox: "0 0 36 36", "aria-hidden": "true" });
    node("path", { d: SHAPES[kind], class: "ev-pin-shape" }, svg);
    if (kind === "available") {
      node("text", { x: 18, y: 23, "text-anchor": "middle", class: "ev-pin-count" }, svg).textContent = place.free ?? "";
    } else node("path", { d: SIGNS[kind], class: "ev-pin-sign" }, svg);
    const label = document.createElement("span");
    label.className = "ev-pin-label";
    label.textContent = place.name;
    box.append(svg, label);
    return box;
  }

  const pin = (place) => L.divIcon({ html: drawing(place), className: "ev-pin-holder", iconSize: [36, 36], iconAnchor: [18, 18], popupAnchor: [0, -16] });

  function cluster(view) {
    return (group) => {
      const places = group.getAllChildMarkers().map((marker) => marker.place);
      const free = places.reduce((sum, place) => sum + (hue(place) === "available" ? place.free || 0 : 0), 0);
      const bad = places.some((place) => hue(place) === "faulted"), driver = view.mode === "driver";
      const box = document.createElement("div");
      box.className = "ev-cluster " + (driver ? (free ? "ev-st-available" : "ev-st-charging") : bad ? "ev-st-faulted" : "ev-st-available");
      box.textContent = driver ? free : places.length;
      box.title = fill(view.words.cluster, { places: places.length, free });
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", box.title);
      return L.divIcon({ html: box, className: "ev-pin-holder", iconSize: [44, 44] });
    };
  }

  function together(view, place) { // the server's cluster
    const words = [fill(view.words.cluster, { places: place.cluster, free: place.free }), place.word].filter(Boolean).join(" · "), box = document.createElement("div");
    const driver = view.mode === "driver";
    box.className = "ev-cluster ev-st-" + (driver ? (place.free ? "available" : "charging") : HUES[place.status] || "available");
    box.textContent = driver ? place.free : place.cluster + ({ faulted: "!", offline: "×", maintenance: "…" }[HUES[place.status]] || ""); // not by colour alone
    box.title = words;
    return { words, icon: L.divIcon({ html: box, className: "ev-pin-holder", iconSize: [44, 44] }) };
  }

  function crowd(view, feature) {
    const [longitude, latitude] = feature.geometry.coordinates, place = feature.properties, drawn = together(view, place);
    const marker = L.marker([latitude, longitude], { icon: drawn.icon, alt: drawn.words, keyboard: true });
    marker.place = place;
    marker.on("add", () => named(marker));
    marker.on("click keypress", () => {
      const [west, south, east, north] = marker.place.box, bounds = L.latLngBounds([south, west], [north, east]).pad(0.2);
      const zoom = Math.max(view.map.getBoundsZoom(bounds), view.map.getZoom() + 1);
      view.map.setView(bounds.getCenter(), Math.min(zoom, 17));
    });
    return marker;
  }

  function said(view, place) {
    const many = place.total > 0 ? fill(view.words.free, { free: place.free, total: place.total }) : "";
    return [...new Set([place.word || place.status, many, place.age])].filter(Boolean).join(" · "); // drivers' words are "2 of 4 free" already
  }

  function popup(view, place) {
    const box = document.createElement("div"), add = (tag, css, words) => { const el = document.createElement(tag); el.className = css; el.textContent = words; box.append(el); return el; };
    box.className = "ev-popup ev-st-" + hue(place);
    add("strong", "ev-popup-name", place.name);
    add("span", "ev-popup-state", said(view, place));
    if (place.note) add("span", "ev-popup-note", place.note);
    if (place.url && /^[/?#]|^https?:/.test(place.url)) add("a", "ev-popup-link", view.words.open).href = place.url;
    return box;
  }

  function named(marker) { // a reader's name for the drawing: Leaflet gives it to <img> icons only
    const element = marker.getElement();
    if (element) element.setAttribute("aria-label", marker.options.alt);
  }

  function paint(view, marker, place) {
    marker.place = place;
    if (place.cluster) {
      const drawn = together(view, place);
      marker.setIcon(drawn.icon);
      marker.options.alt = drawn.words;
      return named(marker);
    }
    marker.setIcon(pin(place));
    marker.options.alt = place.name + ": " + said(view, place);
    named(marker);
    if (marker.isPopupOpen()) marker.setPopupContent(popup(view, place));
  }

  function make(view, feature) {
    if (feature.properties.cluster) return crowd(view, feature);
    const [longitude, latitude] = feature.geometry.coordinates, place = feature.properties;
    const marker = L.marker([latitude, longitude], { icon: pin(place), alt: place.name + ": " + said(view, place), keyboard: true });
    marker.place = place;
    marker.on("add", () => named(marker));
    marker.bindPopup(() => popup(view, marker.place), { closeButton: false, minWidth: 180 });
    marker.on("click keypress", () => view.element.dispatchEvent(new CustomEvent("evcms:place", { bubbles: true, detail: marker.place })));
    return marker;
  }

  function covered(view) {
    const sheet = view.element.parentElement.querySelector(".ev-sheet");
    return sheet && window.matchMedia("(max-width: 55.99rem)").matches ? sheet.offsetHeight : 0;
  }

  function fillLayer(view) {
    view.layer.clearLayers();
    view.layer.addLayers([...view.markers.values()].filter((marker) => !view.only || view.only(marker.place)));
  }

  function renewed(view, known, feature) {
    const marker = known.get(String(feature.properties.key)), [longitude, latitude] = feature.geometry.coordinates;
    if (!marker || !marker.getLatLng().equals([latitude, longitude])) return make(view, feature);
    if (JSON.stringify(marker.place) !== JSON.stringify(feature.properties)) paint(view, marker, feature.properties);
    return marker;
  }

  /* The bounds of where most places are: one far-off site does not zoom the map out to nothing. In degrees. */
  function bulk(markers) {
    const points = [...markers.values()].map((marker) => marker.getLatLng());
    const middle = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
    const heart = [middle(points.map((point) => point.lat)), middle(points.map((point) => point.lng))];
    const away = points.map((point) => Math.hypot(point.lat - heart[0], point.lng - heart[1]));
    const limit = Math.max(0.3, 10 * middle(away));
    return L.latLngBounds(points.filter((_, index) => away[index] <= limit));
  }

  const refreshed = (view, marker) => { if (view.layer.refreshClusters) view.layer.refreshClusters(marker); };

  /* What to ask for: a box somewhat larger than what is seen, on a grid, so that a small move asks nothing new. */
  function question(view) {
    const { points, viewport } = view.element.dataset;
    if (viewport === undefined) return points;
    const box = view.map.getBounds().pad(0.25), zoom = Math.round(view.map.getZoom()), step = 45 / 2 ** zoom;
    const side = (value, round, most) => Math.max(-most, Math.min(most, round(value / step) * step)).toFixed(5);
    const sides = [side(box.getWest(), Math.floor, 180), side(box.getSouth(), Math.floor, 90), side(box.getEast(), Math.ceil, 180), side(box.getNorth(), Math.ceil, 90)];
    return points + (points.includes("?") ? "&" : "?") + "bbox=" + sides.join(",") + "&zoom=" + zoom;
  }

  async function load(view) {
    const asked = question(view), turn = ++view.turn;
    const answer = await fetch(asked, { credentials: "same-origin" });
    if (!answer.ok) return;
    const { features } = await answer.json();
    if (turn !== view.turn) return; // a younger question is under way
    const first = view.markers.size === 0, known = view.markers, { dataset } = view.element;
    view.asked = asked;
    view.markers = new Map(features.map((feature) => [String(feature.properties.key), renewed(view, known, feature)]));
    if (dataset.viewport !== undefined) {
      for (const [key, marker] of known) if (view.markers.get(key) !== marker) view.layer.removeLayer(marker);
      for (const marker of view.markers.values()) if (!view.layer.hasLayer(marker)) view.layer.addLayer(marker);
    } else {
      const gone = [...known.keys()].some((key) => !view.markers.has(key)), fresh = [...view.markers.keys()].some((key) => !known.has(key));
      if (gone || fresh || view.only) fillLayer(view); else refreshed(view);
      if (first && !dataset.centre && view.markers.size) view.map.fitBounds(bulk(view.markers).pad(0.15), { maxZoom: 15, animate: false, paddingBottomRight: [0, covered(view)] });
    }
    dataset.loaded = String(view.markers.size);
  }

  const AREAS = { land: "land", sea: "water", river: "water", beach: "beach", park: "park", district: "block" };
  const LINES = { residential: ["road", 3], secondary: ["road", 6], primary: ["major", 7], motorway: ["major", 10], railway: ["road-edge", 2] };

  function ground(view) {
    const zoom = 2 ** ((view.map.getZoom() - 14) * 0.62);
    return ({ properties: { kind } }) => {
      const [colour, weight] = LINES[kind] || [];
      if (colour) return { color: token("map-" + colour), weight: Math.max(0.4, weight * zoom), lineCap: "round", fill: false, dashArray: kind === "railway" ? "7 5" : null };
      return { stroke: false, fill: true, fillOpacity: 1, fillColor: token("map-" + (AREAS[kind] || "land")) };
    };
  }

  async function base(view) {
    const { tiles, attribution, base: path } = view.element.dataset;
    if (tiles) { L.tileLayer(tiles, { attribution: attribution || "", maxZoom: 19 }).addTo(view.map); return; }
    if (!path) return;
    const answer = await fetch(path, { credentials: "same-origin" });
    if (!answer.ok) return;
    const data = await answer.json();
    view.ground = L.geoJSON(data, { style: ground(view), interactive: false, renderer: L.canvas({ padding: 0.4 }) }).addTo(view.map);
    view.map.on("zoomend", () => repaint(view));
    for (const feature of data.features) if (feature.properties.name && ["district", "sea"].includes(feature.properties.kind)) view.map.addLayer(name(feature));
  }

  const repaint = (view) => view.ground && view.ground.setStyle(ground(view));

  function name(feature) {
    const words = document.createElement("span");
    words.textContent = feature.properties.name;
    return L.marker(L.geoJSON(feature).getBounds().getCenter(), { interactive: false, keyboard: false, zIndexOffset: -1000, icon: L.divIcon({ html: words, className: "ev-map-name", iconSize: [0, 0] }) });
  }

  function locate(view) {
    const Control = L.Control.extend({ onAdd() {
      const button = L.DomUtil.create("button", "ev-map-locate");
      button.type = "button";
      button.title = view.words.locate;
      button.setAttribute("aria-label", view.words.locate);
      const svg = node("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
      node("path", { d: "M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8M12 2v3M12 19v3M2 12h3M19 12h3" }, svg);
      button.append(svg);
      L.DomEvent.on(button, "click", (event) => { L.DomEvent.stop(event); view.map.locate(); });
      return button;
    } });
    view.map.addControl(new Control({ position: "bottomright" }));
    view.map.on("locationfound", (event) => {
      if (view.here) view.here.setLatLng(event.latlng);
      else view.here = L.circleMarker(event.latlng, { radius: 8, weight: 3, color: "#fff", fillColor: token("charging"), fillOpacity: 1 }).addTo(view.map);
      const detail = { latitude: event.latlng.lat, longitude: event.latlng.lng };
      if (view.element.dispatchEvent(new CustomEvent("evcms:here", { bubbles: true, cancelable: true, detail }))) view.fit([detail.longitude, detail.latitude, detail.longitude, detail.latitude]);
    });
    view.map.on("locationerror", () => evcms.toast && evcms.toast(view.words.nowhere, "suspended"));
  }

  function moved(view) {
    view.element.classList.toggle("ev-map-close", view.map.getZoom() >= 15);
    view.element.classList.toggle("ev-map-far", view.map.getZoom() < 12);
    const box = view.map.getBounds();
    view.element.dispatchEvent(new CustomEvent("evcms:view", { bubbles: true, detail: [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()] }));
  }

  function start(element) {
    const data = element.dataset;
    const [latitude, longitude] = (data.centre || "0,0").split(",").map(Number);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const map = L.map(element, { zoomControl: false, attributionControl: false, zoomAnimation: !calm, fadeAnimation: !calm, maxZoom: 19, minZoom: 3 }).setView([latitude, longitude], Number(data.zoom || (data.centre ? 13 : 2)));
    const view = { element, map, mode: data.mode || "driver", markers: new Map(), turn: 0, asked: "", only: null, ground: null, here: null, words: { free: data.wordFree, cluster: data.wordCluster, open: data.wordOpen, locate: data.wordLocate, nowhere: data.wordNowhere } };
    if (window.matchMedia("(min-width: 40rem)").matches) L.control.zoom({ position: "bottomright" }).addTo(map);
    if (data.attribution) L.control.attribution({ prefix: false, position: "bottomleft" }).addTo(map);
    view.layer = data.viewport !== undefined ? L.layerGroup().addTo(map) : L.markerClusterGroup({ iconCreateFunction: cluster(view), showCoverageOnHover: false, maxClusterRadius: 46, disableClusteringAtZoom: 15, animate: !calm, chunkedLoading: true }).addTo(map);
    if ("locate" in data) locate(view);
    if (data.bounds) {
      const [west, south, east, north] = data.bounds.split(",").map(Number);
      map.fitBounds(L.latLngBounds([south, west], [north, east]).pad(0.15), { maxZoom: 15, animate: false, paddingBottomRight: [0, covered(view)] });
    }
    let moving = 0;
    map.on("moveend", () => {
      moved(view);
      clearTimeout(moving);
      if (data.viewport !== undefined) moving = setTimeout(() => { if (question(view) !== view.asked) load(view).catch(() => {}); }, 120);
    });
    new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(element);
    document.addEventListener("evcms:" + (data.liveEvent || "site"), (event) => {
      const marker = view.markers.get(String(event.detail.key));
      if (!marker) return;
      paint(view, marker, Object.assign({}, marker.place, event.detail));
      refreshed(view, marker);
    });
    let loading = 0;
    const soon = () => { if (!loading) loading = setTimeout(() => { loading = 0; load(view).catch(() => {}); }, RELOAD); };
    for (const name of (data.liveOn || "").split(" ").filter(Boolean)) document.addEventListener("evcms:" + name, soon);
    document.addEventListener("evcms:refresh", () => load(view).catch(() => {}));
    view.show = (key) => { const marker = view.markers.get(String(key)); if (marker && view.layer.zoomToShowLayer) view.layer.zoomToShowLayer(marker, () => marker.openPopup()); };
    view.filter = (test) => { view.only = test; fillLayer(view); };
    view.reload = () => load(view);
    view.fit = ([west, south, east, north]) => map.fitBounds(L.latLngBounds([south, west], [north, east]).pad(0.15), { maxZoom: 15, paddingBottomRight: [0, covered(view)] });
    maps.set(element, view);
    if (data.centre) map.panBy([0, covered(view) / 2], { animate: false });
    base(view).catch(() => { element.dataset.baseFailed = "1"; });
    load(view).catch(() => { element.dataset.pointsFailed = "1"; });
    moved(view);
  }

  evcms.map = { of: (element) => maps.get(element) };
  document.querySelectorAll("[data-map]").forEach(start);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(() => maps.forEach(repaint)));
})();
