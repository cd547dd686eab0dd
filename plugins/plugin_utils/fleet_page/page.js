// Sorts the table of clusters by a column, by the value that its cells carry. Without it the worst is first.
(() => {
  const table = document.querySelector("table.clusters");
  const body = table.tBodies[0];
  const said = document.getElementById("sorted");

  function sort(head, column) {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows];
    const value = (row) => row.cells[column].dataset.value;
    const number = rows.every((row) => value(row) !== "" && !Number.isNaN(Number(value(row))));
    rows.sort((one, other) => {
      const order = number ? value(one) - value(other) : value(one).localeCompare(value(other));
      return up ? order : -order;
    });
    body.append(...rows);
    said.textContent = `Sorted by ${head.textContent.trim()}, ${up ? "ascending" : "descending"}.`;
  }

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head, column));
    head.append(button);
  });
})();
