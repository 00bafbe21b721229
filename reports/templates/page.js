"use strict";
// Sorting and filtering for tables. The state lives in the address, so a view can be shared:
// #t1.sort=-3&t1.q=leeds&t1.f2=B sorts the first table by its third column, largest first.
(() => {
  const collator = new Intl.Collator("en-GB", { numeric: true, sensitivity: "base" });

  // A number where the cell has one, its text otherwise, null where nothing is known.
  const keyOf = (row, index) => {
    const cell = row.cells[index];
    if (cell.classList.contains("missing")) return null;
    return cell.dataset.key === undefined ? cell.textContent : Number(cell.dataset.key);
  };

  // What is not known comes last in either direction.
  const compare = (one, other, direction) => {
    if (one === null || other === null) return (one === null) - (other === null);
    const numbers = typeof one === "number" && typeof other === "number";
    return direction * (numbers ? one - other : collator.compare(one, other));
  };

  class InteractiveTable {
    constructor(table, name) {
      this.name = name;
      this.table = table;
      this.body = table.tBodies[0];
      this.rows = [...this.body.rows];
      this.words = new Map(this.rows.map((row) => [row, row.textContent.toLowerCase()]));
      this.controls = table.closest(".table-block").querySelector(".controls");
      this.search = this.controls.querySelector("[data-search]");
      this.selects = [...this.controls.querySelectorAll("select")];
      this.sort = 0;
      this.headings = [...table.tHead.rows[0].cells];
      this.headings.forEach((heading, index) => this.addSortButton(heading, index + 1));
      this.controls.hidden = false;
      this.controls.addEventListener("input", () => this.changed());
      this.controls.querySelector("[data-reset]").addEventListener("click", () => this.reset());
    }

    addSortButton(heading, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => {
        this.sort = this.sort === column ? -column : column;
        this.changed();
      });
      heading.append(button);
    }

    reset() {
      this.read(new URLSearchParams());
      this.changed();
      this.search.focus();
    }

    changed() {
      this.show();
      writeAddress();
    }

    read(state) {
      const column = Number(state.get(`${this.name}.sort`));
      this.sort = Number.isInteger(column) && Math.abs(column) <= this.headings.length ? column : 0;
      this.search.value = state.get(`${this.name}.q`) ?? "";
      for (const select of this.selects) {
        select.value = state.get(`${this.name}.f${select.dataset.column}`) ?? "";
        if (select.selectedIndex < 0) select.value = "";
      }
    }

    write(state) {
      if (this.sort) state.set(`${this.name}.sort`, this.sort);
      if (this.search.value) state.set(`${this.name}.q`, this.search.value);
      for (const select of this.selects) {
        if (select.value) state.set(`${this.name}.f${select.dataset.column}`, select.value);
      }
    }

    matches(row) {
      const wanted = this.search.value.toLowerCase().split(/\s+/);
      return (
        wanted.every((word) => this.words.get(row).includes(word)) &&
        this.selects.every(
          ({ value, dataset }) =>
            !value || row.cells[dataset.column - 1].textContent.trim() === value,
        )
      );
    }

    show() {
      const index = Math.abs(this.sort) - 1;
      const rows = [...this.rows];
      if (this.sort) {
        const keys = new Map(rows.map((row) => [row, keyOf(row, index)]));
        rows.sort((a, b) => compare(keys.get(a), keys.get(b), Math.sign(this.sort)));
      }
      this.headings.forEach((heading, at) => {
        if (at === index) heading.ariaSort = this.sort > 0 ? "ascending" : "descending";
        else heading.removeAttribute("aria-sort");
      });
      for (const row of rows) row.hidden = !this.matches(row);
      this.body.append(...rows);
      const shown = rows.filter((row) => !row.hidden).length;
      const all = this.rows.length;
      const totals = shown < all && this.table.tFoot ? `; totals are of all ${all}` : "";
      this.controls.querySelector("[data-count]").textContent =
        `Showing ${shown} of ${all}${totals}`;
    }
  }

  const tables = [...document.querySelectorAll("table[data-interactive]")].map(
    (table, index) => new InteractiveTable(table, `t${index + 1}`),
  );

  const writeAddress = () => {
    const state = new URLSearchParams();
    for (const table of tables) table.write(state);
    const hash = state.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  // An address without "=" names a section of the page and says nothing about its tables.
  const readAddress = () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return;
    for (const table of tables) table.read(new URLSearchParams(hash));
    for (const table of tables) table.show();
  };

  for (const table of tables) table.show();
  readAddress();
  addEventListener("hashchange", readAddress);

  // Paper cannot be unfolded.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const details of unfolded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
  });
})();
