/* Ticked rows of a list: counted, kept while the list is fetched again. <form id="bulk" data-picks> and inputs with form="bulk". */
(function () {
  "use strict";
  const form = document.querySelector("form[data-picks]");
  if (!form) return;
  const picked = new Set();
  const all = form.elements.all, count = form.querySelector("[data-picks-count]"), page = form.querySelector("[data-picks-page]");
  const boxes = () => [...document.querySelectorAll('input[name="pick"][form="' + form.id + '"]')];

  function tell() {
    const number = picked.size;
    count.textContent = all.checked || !number ? "" : number === 1 ? form.dataset.picksOne : form.dataset.picksMany.replace("%n", number);
    for (const box of boxes()) { box.checked = picked.has(box.value); box.disabled = all.checked; }
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches('input[name="pick"]')) picked[box.checked ? "add" : "delete"](box.value);
    if (box === all || box.matches('input[name="pick"]')) tell();
  });
  page.hidden = false;
  page.addEventListener("click", () => {
    const found = boxes(), every = found.every((box) => picked.has(box.value));
    found.forEach((box) => picked[every ? "delete" : "add"](box.value));
    tell();
  });
  document.addEventListener("evcms:swapped", tell);
  document.addEventListener("htmx:afterSwap", tell);
  boxes().forEach((box) => box.checked && picked.add(box.value));
  tell();
})();
