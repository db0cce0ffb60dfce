"use strict";
// Sorting and filtering of tables; the page is complete without it. Reads the page, loads nothing.

function sortKey(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.sort ?? cell.textContent.trim();
  return cell.dataset.sort === undefined ? text.toLowerCase() : Number(text);
}

function compare(a, b) {
  if (typeof a === "string") return a.localeCompare(b, undefined, { numeric: true });
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return a - b || 0;  // inf - inf is NaN
}

function sortBy(table, heading) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = Array.from(table.tBodies[0].rows, (row) => [sortKey(row, heading.cellIndex), row]);
  rows.sort((a, b) => {
    const missing = Number.isNaN(a[0]) || Number.isNaN(b[0]);  // last, either way
    return missing || !down ? compare(a[0], b[0]) : compare(b[0], a[0]);
  });
  table.tBodies[0].append(...rows.map((pair) => pair[1]));
}

function filterRows(form) {
  const table = document.getElementById(form.dataset.table);
  const sought = form.elements.text.value.trim().toLowerCase();
  const boxes = Array.from(form.querySelectorAll("input[name=kind]"));
  const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !kinds.has(row.dataset.kind) || !row.textContent.toLowerCase().includes(sought);
    shown += row.hidden ? 0 : 1;
  }
  form.querySelector(".count").textContent = `${shown} of ${table.tBodies[0].rows.length} shown`;
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading));
    heading.append(button);
  }
}
for (const form of document.querySelectorAll("form.filters")) {
  form.hidden = false;
  form.addEventListener("input", () => filterRows(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  filterRows(form);
}
// What is folded in would be missing on paper.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
