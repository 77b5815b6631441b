"use strict";
{
  // On a page of thousands of brands, what a card shows is compressed until somebody opens it.
  const parts = new Map();
  const unpack = async (inside) => {
    const [number, place] = inside.dataset.part.split("/");
    if (!parts.has(number)) {
      const packed = atob(document.getElementById(`part-${number}`).textContent);
      const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      parts.set(number, new Response(stream).json());
    }
    return (await parts.get(number))[place];
  };
  const open = async (event) => {
    const inside = event.target.querySelector(":scope > [data-part]");
    if (!inside || !event.target.open) return;
    inside.innerHTML = await unpack(inside);
    inside.removeAttribute("data-part");
  };
  document.addEventListener("toggle", open, true);
  const textOf = async (item) => {
    const inside = item.querySelector("[data-part]");
    const packed = inside ? (await unpack(inside)).replace(/<[^>]*>/g, " ") : "";
    return `${item.textContent} ${packed}`.toLowerCase();
  };

  const form = document.getElementById("search");
  const items = [...document.querySelectorAll("[data-tags]")];
  const tags = items.map((item) => item.dataset.tags.split(" "));
  if (form && items.length > 0) {
    const find = document.getElementById("find");
    const kind = document.getElementById("kind");
    const found = document.getElementById("found");
    const nothing = document.getElementById("nothing");
    const kinds = new Set(tags.flat());
    for (const option of [...kind.options]) {
      if (option.value && !kinds.has(option.value)) option.remove();
    }
    // A large page is read only when somebody searches it.
    let texts;
    let turn = 0;
    const filter = async () => {
      const mine = ++turn;
      const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const all = !kind.value && wanted.length === 0;
      if (wanted.length > 0) texts ??= await Promise.all(items.map(textOf));
      if (mine !== turn) return;
      let shown = 0;
      items.forEach((item, index) => {
        const fits =
          wanted.every((word) => texts[index].includes(word)) &&
          (!kind.value || tags[index].includes(kind.value));
        item.hidden = !fits;
        if (fits) shown += 1;
        const fold = item.parentElement.closest("details");
        if (fits && fold && !all) fold.open = true;
      });
      found.textContent = all ? "" : `${shown} of ${items.length} shown`;
      nothing.hidden = shown > 0;
      document.body.classList.toggle("filtered", !all);
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    find.addEventListener("input", filter);
    kind.addEventListener("change", filter);
    document.getElementById("all").addEventListener("click", () => {
      find.value = kind.value = "";
      filter();
      find.focus();
    });
    filter();
  }
}
