"use strict";
{
  const form = document.getElementById("search");
  const items = [...document.querySelectorAll("[data-find]")];
  const words = items.map((item) => item.dataset.find.toLowerCase());
  const tags = items.map((item) => (item.dataset.tags || "").split(" "));
  if (form && items.length > 0) {
    const find = document.getElementById("find");
    const kind = document.getElementById("kind");
    const found = document.getElementById("found");
    const kinds = new Set(tags.flat());
    for (const option of [...kind.options]) {
      if (option.value && !kinds.has(option.value)) option.remove();
    }
    const filter = () => {
      const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const all = !kind.value && wanted.length === 0;
      let shown = 0;
      items.forEach((item, index) => {
        const fits =
          wanted.every((word) => words[index].includes(word)) &&
          (!kind.value || tags[index].includes(kind.value));
        item.hidden = !fits;
        if (fits) shown += 1;
        const fold = item.closest("details");
        if (fits && fold && !all) fold.open = true;
      });
      found.textContent = all ? "" : `${shown} of ${items.length} shown`;
      document.body.classList.toggle("filtered", !all);
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    find.addEventListener("input", filter);
    kind.addEventListener("change", filter);
    filter();
  }
}
