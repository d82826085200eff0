/* A slider under each number that says where it may go (data-slider="least most step"): both show the same, either moves
   the curves. data-slider-beyond: the right end empties the number and says this word. Without this file: numbers. */
(function () {
  "use strict";
  function slide(number) {
    const [least, most, step] = number.dataset.slider.split(" ").map(Number);
    const beyond = number.dataset.sliderBeyond;
    const top = beyond ? most + step : most;
    const range = Object.assign(document.createElement("input"), { type: "range", min: least, max: top, step: step });
    const label = document.querySelector('label[for="' + number.id + '"]');
    range.setAttribute("aria-label", label ? label.firstChild.textContent.trim() : number.name);
    const ends = document.createElement("div");
    ends.className = "ev-slider-ends";
    ends.setAttribute("aria-hidden", "true");
    for (const word of [least, beyond || most]) ends.append(Object.assign(document.createElement("span"), { textContent: word }));
    const show = () => {
      range.value = number.value === "" ? top : number.value;
      range.setAttribute("aria-valuetext", number.value === "" && beyond ? beyond : number.value);
    };
    range.addEventListener("input", () => {
      number.value = beyond && Number(range.value) > most ? "" : range.value;
      range.setAttribute("aria-valuetext", number.value === "" ? beyond : number.value);
    });
    number.addEventListener("input", show);
    number.after(range, ends);
    show();
  }

  document.querySelectorAll("[data-slider]").forEach(slide);
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => print());
  });
})();
