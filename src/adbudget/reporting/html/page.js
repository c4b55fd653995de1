"use strict";
document.documentElement.classList.add("js");
for (const table of document.querySelectorAll("table.sortable")) {
  const groups = () => [...table.tBodies];
  const value = (group, i) => {
    const cell = group.rows[0].cells[i];
    return cell.dataset.v !== undefined ? parseFloat(cell.dataset.v) : cell.textContent.trim().toLowerCase();
  };
  const compare = (a, b) => {
    if (typeof a === "string" || typeof b === "string") return String(a).localeCompare(String(b), "en", {numeric: true});
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return a - b;
  };
  for (const head of table.tHead.rows[0].cells) {
    const button = head.querySelector("button");
    if (!button) continue;
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending" || (head.getAttribute("aria-sort") === null && !head.classList.contains("n"));
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sorted = groups().map(group => [value(group, head.cellIndex), group]);
      sorted.sort((a, b) => {
        const missing = Number.isNaN(a[0]) || Number.isNaN(b[0]);
        return missing || up ? compare(a[0], b[0]) : compare(b[0], a[0]);
      });
      table.append(...sorted.map(pair => pair[1]));
    });
  }
  const box = document.querySelector('[data-for="' + table.id + '"]');
  if (!box) continue;
  const search = box.querySelector("input"), choices = [...box.querySelectorAll("select")];
  const count = box.querySelector("output");
  const filter = () => {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of groups()) {
      const text = group.textContent.toLowerCase();
      const fits = words.every(word => text.includes(word)) &&
        choices.every(choice => !choice.value || group.dataset[choice.name] === choice.value);
      group.hidden = !fits;
      shown += fits;
    }
    count.textContent = shown + " of " + groups().length + " shown";
  };
  for (const input of [search, ...choices]) input.addEventListener("input", filter);
  filter();
}
