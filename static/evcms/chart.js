/* Charts: thin wrappers of uPlot that read their data from json_script.

   <figure class="ev-chart" data-chart="session" data-source="curve" aria-label="Power and charge of this session"></figure>
   {{ data|json_script:"curve" }}
   and load vendor/uplot-1.6.32/uPlot.min.css, evcms/chart.css, vendor/…/uPlot.iife.min.js and this file (deferred, in this order).

   data-chart="session": {"zone": "Europe/Amsterdam", "t": [seconds], "power_w": […], "energy_wh": […], "soc": […], "offered_w": […],
        "voltage_mv": […], "current_ma": […], "periods": [{"from": s, "to": s, "label": "0.49 €/kWh"}], "events": [{"t": s, "label": "Paused by the car"}]}
        every list but t may be missing; null is a gap; "labels": {"power_w": …} names the lines in the reader's language.
   data-chart="lines":   {"zone": …, "t": […], "unit": "kW", "digits": 1, "series": [{"label": …, "values": […], "hue": "charging",
        "dashed": false, "area": true}]}
   data-chart="bars":    {"labels": ["Mon", …], "unit": "%", "digits": 0, "series": [{"label": …, "values": […], "hue": "charging"}]}
   "hue" is a status name or "accent". data-height="240" in pixels. Words of the fall-back table are the labels in the data.

   Each chart follows the theme and its width, and carries the same figures as a table in <details> for readers of tables.
   evcms.chart.update("curve", data) draws new data in place (from a live event: evcms.live.on("curve", d => …)). */
(function () {
  "use strict";
  const evcms = (window.evcms = window.evcms || {});
  const charts = new Map();
  const said = document.documentElement.lang;
  const language = said === "en" ? "en-GB" : said || undefined; // day before month, as everywhere in our pages

  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--ev-" + name).trim();
  const number = (value, digits) => value == null ? "–" : value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const part = (color, percent) => color + Math.round(percent * 2.55).toString(16).padStart(2, "0"); // tokens are #rrggbb

  function clock(zone, long, exact) {
    const format = new Intl.DateTimeFormat(language, Object.assign({ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone || undefined }, long ? { day: "numeric", month: "short" } : {}, exact ? { second: "2-digit" } : {}));
    return (seconds) => format.format(new Date(seconds * 1000));
  }

  // Figures of an axis, with the decimals that tell one from the next; the topmost carries the unit, where it is a short one.
  function ticks(unit) {
    const short = unit && unit.length < 4 ? " " + unit : "";
    const digits = (values) => values.length > 1 && values.some((n) => n % 1) ? Math.min(4, Math.max(0, -Math.floor(Math.log10(values[1] - values[0]) + 1e-9))) : 0;
    return (u, values) => values.map((n, place) => number(n, digits(values)) + (place === values.length - 1 || unit === "%" ? short : ""));
  }

  function axis(more) {
    return Object.assign({ stroke: token("muted"), font: "12px " + getComputedStyle(document.body).fontFamily, grid: { stroke: token("line"), width: 1 }, ticks: { show: false }, gap: 8 }, more);
  }

  function line(spec) {
    const color = token(spec.hue || "accent");
    return { label: spec.label, scale: spec.scale || "y", stroke: color, width: 2, dash: spec.dashed ? [6, 5] : undefined,
      fill: spec.area ? part(color, 16) : undefined, points: { show: false }, show: spec.show !== false, value: (u, v) => v == null ? "" : number(v, spec.digits) + " " + spec.unit };
  }

  function bands(data) {
    return (u) => {
      const { ctx, bbox } = u;
      (data.periods || []).forEach((period, index) => {
        const left = u.valToPos(period.from, "x", true), right = u.valToPos(period.to, "x", true);
        ctx.fillStyle = index % 2 ? "transparent" : part(token("accent"), 6);
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
        ctx.fillStyle = token("muted");
        ctx.font = 11 * devicePixelRatio + "px " + getComputedStyle(document.body).fontFamily;
        if (right - left > ctx.measureText(period.label).width + 12 * devicePixelRatio) ctx.fillText(period.label, left + 6 * devicePixelRatio, bbox.top + 14 * devicePixelRatio);
      });
    };
  }

  function marks(data) {
    return (u) => {
      const { ctx, bbox } = u;
      for (const event of data.events || []) {
        const x = u.valToPos(event.t, "x", true);
        ctx.strokeStyle = ctx.fillStyle = token("muted");
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
        ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
        ctx.setLineDash([]);
        ctx.beginPath(); ctx.arc(x, bbox.top + bbox.height, 4 * devicePixelRatio, 0, 7); ctx.fill();
      }
    };
  }

  function timeOptions(data, series, scales, axes) {
    const span = data.t.length ? data.t[data.t.length - 1] - data.t[0] : 0, brief = span < 600; // seconds; of so few minutes each tick says its second
    const time = clock(data.zone, false, brief), long = clock(data.zone, span > 86400, brief);
    return { series: [{ label: "", value: (u, v) => v == null ? "" : long(v) }, ...series], scales: Object.assign({ x: { time: true } }, scales),
      axes: [axis({ values: (u, splits) => splits.map(span > 2 * 86400 ? long : time), grid: { show: false }, space: span > 2 * 86400 ? 120 : brief ? 90 : 70, size: 36 }), ...axes],
      hooks: { drawClear: [bands(data)], draw: [marks(data)] } };
  }

  const SESSION = [
    { key: "power_w", label: "Power", unit: "kW", by: 1000, digits: 1, hue: "charging", scale: "y", area: true },
    { key: "offered_w", label: "Offered", unit: "kW", by: 1000, digits: 1, hue: "offline", scale: "y", dashed: true },
    { key: "soc", label: "Battery", unit: "%", by: 1, digits: 0, hue: "available", scale: "percent" },
    { key: "energy_wh", label: "Energy", unit: "kWh", by: 1000, digits: 2, hue: "maintenance", scale: "energy" },
    { key: "voltage_mv", label: "Voltage", unit: "V", by: 1000, digits: 0, hue: "reserved", scale: "volts", show: false }, // a click on its name shows it
    { key: "current_ma", label: "Current", unit: "A", by: 1000, digits: 1, hue: "suspended", scale: "amps", show: false },
  ];

  function session(data) {
    const words = data.labels || {};
    const used = SESSION.filter((spec) => (data[spec.key] || []).some((value) => value != null)).map((spec) => Object.assign({}, spec, { label: words[spec.key] || spec.label }));
    const charged = used.some((spec) => spec.key === "soc");
    for (const spec of used) if (spec.key === "energy_wh") spec.show = !charged; // one right axis; a click on its name shows it
    const rows = used.map((spec) => data[spec.key].map((value) => value == null ? null : value / spec.by));
    const above = (u, low, high) => [0, Math.max(high || 0, 1) * 1.1];
    const side = used.some((spec) => spec.scale === "percent") ? "percent" : "energy";
    const options = timeOptions(data, used.map(line), { y: { range: above }, percent: { range: [0, 100] }, energy: { range: above }, volts: { range: above }, amps: { range: above } }, [
      axis({ scale: "y", size: 62, values: ticks("kW") }),
      axis({ scale: side, side: 1, size: 52, grid: { show: false }, show: used.some((spec) => spec.scale === side), values: ticks(side === "percent" ? "%" : "kWh") }),
    ]);
    return { options, rows: [data.t, ...rows], columns: used, stamp: clock(data.zone, true, rows.length && data.t[data.t.length - 1] - data.t[0] < 600) };
  }

  function lines(data) {
    const used = data.series.map((each) => Object.assign({ unit: data.unit || "", digits: data.digits || 0, scale: "y" }, each));
    const options = timeOptions(data, used.map(line), { y: { range: (u, low, high) => [Math.min(0, low || 0), (high > 0 ? high : 1) * 1.1] } }, [axis({ scale: "y", size: 62, values: ticks(data.unit) })]);
    return { options, rows: [data.t, ...data.series.map((each) => each.values)], columns: used, stamp: clock(data.zone, true) };
  }

  function bars(data) {
    const many = data.series.length, x = data.labels.map((word, index) => index);
    const used = data.series.map((each) => Object.assign({ unit: data.unit || "", digits: data.digits || 0, area: true, scale: "y" }, each));
    const series = used.map((spec, index) => Object.assign(line(spec), { width: 0, fill: token(spec.hue || "accent"), paths: window.uPlot.paths.bars({ size: [0.62 / many, 44], radius: 0.18, align: many === 1 ? 0 : index ? 1 : -1 }) }));
    const options = { series: [{ label: "", value: (u, v) => v == null ? "" : data.labels[v] }, ...series],
      scales: { x: { time: false, range: [-0.6, x.length - 0.4] }, y: { range: (u, low, high) => [0, (high > 0 ? high : 1) * 1.1] } },
      axes: [axis({ size: 36, grid: { show: false }, splits: () => x, values: () => data.labels }), axis({ scale: "y", size: 62, values: ticks(data.unit) })] };
    return { options, rows: [x, ...data.series.map((each) => each.values)], columns: used, stamp: (index) => data.labels[index] };
  }

  const KINDS = { session, lines, bars };

  function table(figure, plan) {
    const details = document.createElement("details"), summary = document.createElement("summary"), grid = document.createElement("table");
    details.className = "ev-details ev-chart-table";
    summary.textContent = figure.dataset.tableWord || "Figures as a table";
    grid.className = "ev-table";
    const row = (cells, tag) => {
      const tr = document.createElement("tr");
      cells.forEach((words, index) => { const cell = document.createElement(tag); cell.textContent = words; if (index) cell.className = "ev-right"; tr.append(cell); });
      return tr;
    };
    details.addEventListener("toggle", () => {
      if (!details.open || grid.rows.length) return;
      grid.createTHead().append(row(["", ...plan.columns.map((each) => each.label + (each.unit ? " (" + each.unit + ")" : ""))], "th"));
      const body = grid.createTBody(), step = Math.max(1, Math.ceil(plan.rows[0].length / 200));
      for (let i = 0; i < plan.rows[0].length; i += step) body.append(row([plan.stamp(plan.rows[0][i]), ...plan.columns.map((each, n) => number(plan.rows[n + 1][i], each.digits))], "td"));
    });
    details.append(summary, grid);
    return details;
  }

  function read(figure) {
    const source = document.getElementById(figure.dataset.source);
    const text = figure.dataset.values || (source && source.textContent);
    try { return text && JSON.parse(text); } catch (error) { return null; }
  }

  function draw(figure, data) {
    const known = charts.get(figure);
    if (known) { known.plot.destroy(); known.watch.disconnect(); }
    const wasOpen = Boolean(figure.querySelector("details[open]"));
    const plan = KINDS[figure.dataset.chart](data);
    const height = Number(figure.dataset.height || 280);
    figure.replaceChildren();
    const width = () => Math.max(160, figure.clientWidth);
    const plot = new window.uPlot(Object.assign({ width: width(), height, cursor: { points: { size: 7 }, drag: { x: figure.dataset.chart !== "bars", y: false } }, legend: { live: true } }, plan.options), plan.rows, figure);
    plot.root.setAttribute("role", "img");
    plot.root.setAttribute("aria-label", figure.getAttribute("aria-label") || "");
    const watch = new ResizeObserver(() => { if (plot.width !== width()) plot.setSize({ width: width(), height }); });
    watch.observe(figure);
    const words = table(figure, plan);
    figure.append(words);
    if (wasOpen) words.open = true;
    charts.set(figure, { plot, watch, data });
  }

  function start(root) {
    for (const figure of root.querySelectorAll("[data-chart]")) {
      const data = charts.has(figure) ? null : read(figure);
      if (data && KINDS[figure.dataset.chart]) draw(figure, data);
    }
  }

  function sweep() {
    for (const [figure, { plot, watch }] of charts) if (!figure.isConnected) { plot.destroy(); watch.disconnect(); charts.delete(figure); }
  }

  evcms.chart = {
    update: (source, data) => document.querySelectorAll('[data-chart][data-source="' + CSS.escape(source) + '"]').forEach((figure) => draw(figure, data)),
    of: (figure) => charts.get(figure),
  };
  start(document);
  document.addEventListener("evcms:swapped", (event) => { sweep(); start(event.target); });
  document.addEventListener("htmx:load", (event) => { sweep(); start(event.target); });
  document.addEventListener("evcms:theme", () => requestAnimationFrame(() => charts.forEach(({ data }, figure) => draw(figure, data))));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(() => charts.forEach(({ data }, figure) => draw(figure, data))));
})();
