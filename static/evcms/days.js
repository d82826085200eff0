// A bar of days (role slider): what is under the pointer or the arrow keys is said below it; Enter opens that day.
document.querySelectorAll(".ev-days").forEach((bar) => {
  const days = [...bar.querySelectorAll("[data-day]")];
  const told = document.getElementById(bar.getAttribute("aria-describedby"));
  const usual = told.textContent;
  let place = days.length - 1;
  const show = (number) => {
    place = Math.max(0, Math.min(days.length - 1, number));
    days.forEach((day, each) => day.classList.toggle("ev-day-on", each === place));
    told.textContent = days[place].dataset.day;
    bar.setAttribute("aria-valuenow", place + 1);
    bar.setAttribute("aria-valuetext", days[place].dataset.day);
  };
  const leave = () => {
    days.forEach((day) => day.classList.remove("ev-day-on"));
    told.textContent = usual;
  };
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -days.length, End: days.length };
  bar.addEventListener("keydown", (event) => {
    if (event.key === "Enter") location.assign(days[place].dataset.href);
    else if (event.key in steps) { event.preventDefault(); show(place + steps[event.key]); }
  });
  bar.addEventListener("focus", () => show(place));
  bar.addEventListener("blur", leave);
  bar.addEventListener("pointerover", (event) => { const number = days.indexOf(event.target.closest("[data-day]")); if (number >= 0) show(number); });
  bar.addEventListener("pointerleave", () => { if (document.activeElement !== bar) leave(); });
  bar.addEventListener("click", () => location.assign(days[place].dataset.href));
});
