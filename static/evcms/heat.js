/* Heat maps (components/heat.html): one cell is in the tab order, arrows go from cell to cell, and the line below says
   the cell that has the focus or the pointer. Without this file the table is read as it stands. */
(function () {
  "use strict";
  const wide = matchMedia("(min-width: 1000px)");

  function start(table) {
    const said = document.getElementById(table.dataset.said);
    const rows = Array.from(table.querySelectorAll("tbody tr"), (row) => Array.from(row.querySelectorAll("td")));
    const say = (cell) => { said.textContent = cell ? cell.title : ""; };
    rows.flat().forEach((cell) => { cell.tabIndex = -1; });
    if (rows.length) rows[0][0].tabIndex = 0;
    table.addEventListener("mouseover", (event) => { const cell = event.target.closest("td"); if (cell) say(cell); });
    table.addEventListener("focusin", (event) => say(event.target.closest("td")));
    table.addEventListener("click", (event) => say(event.target.closest("td")));
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      const hour = rows.findIndex((row) => row.includes(cell));
      if (hour < 0) return;
      const day = rows[hour].indexOf(cell);
      const across = wide.matches;
      const steps = { ArrowRight: across ? [1, 0] : [0, 1], ArrowLeft: across ? [-1, 0] : [0, -1], ArrowDown: across ? [0, 1] : [1, 0], ArrowUp: across ? [0, -1] : [-1, 0] };
      const step = steps[event.key];
      const next = event.key === "Home" ? rows[0][0] : event.key === "End" ? rows[rows.length - 1][6] : step && rows[hour + step[0]] && rows[hour + step[0]][day + step[1]];
      if (!next) return;
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }

  document.querySelectorAll("[data-heat]").forEach(start);
})();
